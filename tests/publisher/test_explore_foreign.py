"""Explore telemetry of other forms: a feed is proposed, shown with what it reads, and written."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from publisher.broker import Broker
from telemetry.cli.main import main
from telemetry.feed.feed import CsvFields, DeviceFields, Feed, MetricFields, TimeFields
from telemetry.feed.parse import load_feed
from tests.support.pubsub_fixtures import PubSub, clients

STATION = """\
Zeit;Sensor;Temperatur (°C);Feuchte (%)
13.07.2020 10:00:00+02:00;a;21,5;48
13.07.2020 10:01:00+02:00;a;31,5;--
13.07.2020 10:02:00+02:00;b;warm;47
soon;b;20,0;46
"""
FEED = Feed(
    csv=CsvFields(delimiter=";", decimal=","),
    time=TimeFields(column="Zeit"),
    device=DeviceFields(column="Sensor"),
    metrics={
        "Temperatur": MetricFields(column="Temperatur (°C)", unit="°C"),
        "Feuchte": MetricFields(column="Feuchte (%)", unit="%"),
    },
)
FIRST = [
    {"time": "2020-07-13T08:00:00.000000Z", "device": "a", "Temperatur": "21.5", "Feuchte": "48"},
    {"time": "2020-07-13T08:01:00.000000Z", "device": "a", "Temperatur": "31.5"},
    {"time": "2020-07-13T08:02:00.000000Z", "device": "b", "Feuchte": "47"},
]


@pytest.fixture
def station(tmp_path: Path) -> Path:
    path = tmp_path / "station.csv"
    path.write_text(STATION, encoding="utf-8")
    return path


def explored(capsys: pytest.CaptureFixture[str], *args: object) -> dict[str, object]:
    assert main(["explore", *map(str, args), "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_a_file_is_shown_as_a_proposed_feed_reads_it(
    station: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = explored(capsys, station, "--write-feed", tmp_path / "feed.yaml")
    read_as = found["read_as"]
    assert isinstance(read_as, dict)
    assert load_feed(str(tmp_path / "feed.yaml")) == FEED
    assert (tmp_path / "feed.yaml").read_text(encoding="utf-8") == read_as["feed"]
    assert read_as["first"] == FIRST
    assert [(one["reason"], one["count"]) for one in read_as["rejected"]] == [("bad_timestamp", 1)]
    assert read_as["rejected"][0]["example"].startswith("soon;b;20,0;46 (Zeit soon is no time")
    assert read_as["unread"] == [{"reason": "Temperatur not_a_number", "count": 1, "example": "warm"}]
    counts = found["counts"]
    assert isinstance(counts, dict)
    assert (counts["rows"], counts["readings"], counts["odd_lines"]) == (3, 3, 1)
    assert found["rules"] == []  # the default rules look at another metric


def test_a_given_feed_is_not_proposed_again(station: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "feed.yaml").write_text("version: 1\ntime: {column: Zeit}\ndevice: {column: Sensor}\n"
                                        "csv: {delimiter: ;, decimal: ','}\n")  # fmt: skip
    read_as = explored(capsys, station, "--feed", tmp_path / "feed.yaml", "--metrics", "Feuchte (%)")["read_as"]
    assert isinstance(read_as, dict)
    assert (read_as["feed"], read_as["questions"]) == ("", [])
    assert [row.get("Feuchte (%)") for row in read_as["first"]] == ["48", None, "47"]


def test_the_text_shows_the_same(station: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explore", str(station)]) == 0
    text = capsys.readouterr().out
    assert "first readings, as they are read\ntime                         device  Temperatur  Feuchte\n" in text
    assert "not read: values\n1  Temperatur not_a_number  warm\n" in text


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ((), "INPUT and --subscription: nothing to look at, give one of them"),
        (("x.csv", "--subscription", "projects/p/subscriptions/abc"), "INPUT and --subscription projects/p/"
         "subscriptions/abc: only one of them can be looked at"),
        (("x.csv", "--write-feed", "f.yaml", "--feed", "g.yaml"), "--write-feed f.yaml: cannot be combined with "
         "--feed: nothing is proposed"),
        (("x.csv", "--write-feed", "x.csv"), "--write-feed x.csv: exists; --force replaces it"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(
    args: tuple[str, ...],
    error: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.csv").write_text(STATION, encoding="utf-8")
    assert main(["explore", *args]) == 2
    assert capsys.readouterr().err == f"telemetry explore: error: {error}\n"


@pytest.fixture
def pubsub(monkeypatch: pytest.MonkeyPatch) -> Iterator[PubSub]:
    with Broker() as broker, clients(broker.address) as found:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", broker.address)
        yield found


def test_messages_of_a_subscription_are_looked_at_and_stay(pubsub: PubSub, capsys: pytest.CaptureFixture[str]) -> None:
    topic = pubsub.new_topic()
    subscription = pubsub.new_subscription(topic)
    payloads = [b'{"when":%d,"sensor":"s%d","temp":%d.5}' % (1_594_512_000 + n, n % 2, 20 + n) for n in range(6)]
    pubsub.publish(topic, *payloads)
    read_as = explored(capsys, "--subscription", subscription)["read_as"]
    assert isinstance(read_as, dict)
    assert "column: when" in read_as["feed"]
    assert "column: sensor" in read_as["feed"]
    assert {row["temp"] for row in read_as["first"]} < {f"{20 + n}.5" for n in range(6)}
    assert len(read_as["first"]) == 5
    assert sorted(one.message.data for one in pubsub.pull(subscription, 6)) == payloads


def test_a_subscription_without_messages_or_that_is_not_there(
    pubsub: PubSub, capsys: pytest.CaptureFixture[str]
) -> None:
    subscription = pubsub.new_subscription(pubsub.new_topic())
    assert main(["explore", "--subscription", subscription]) == 3
    assert "no message came" in capsys.readouterr().err
    assert main(["explore", "--subscription", "projects/p/subscriptions/none"]) == 2
    assert "--subscription projects/p/subscriptions/none: does not exist" in capsys.readouterr().err
