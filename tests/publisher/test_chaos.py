"""A disturbed replay: the same for a seed, and exactly what its ground truth says."""

import base64
import gzip
import itertools
import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from publisher.__main__ import main
from publisher.broker import Broker
from publisher.replay.chaos.damage import damage_message
from publisher.replay.chaos.disturb import Chaos, Outgoing
from publisher.replay.chaos.options import ChaosOptions, parse_chaos
from publisher.replay.chaos.truth import Truth
from publisher.replay.message_builder import ReplayMessage
from telemetry.errors import ConfigError
from tests.support.jobs import imbalances, run_job
from tests.support.pubsub_fixtures import PubSub, clients

BASE_US = 1_594_512_000_000_000
SPEC = "duplicate=0.05,reorder=30s,late=0.02:5m,corrupt=0.05,drop=0.02,seed=7"


def message(sequence: int, time_us: int | None = None, rows: int = 3, *, packed: bool = False) -> ReplayMessage:
    time_us = BASE_US + sequence * 1_000_000 if time_us is None else time_us
    lines = [f'{{"ts":{time_us / 1e6},"device":"é{row}","temp":20}}' for row in range(rows)]
    payload = "\n".join(lines).encode()
    attributes = {"message_key": f"run-{sequence}"} | ({"content-encoding": "gzip"} if packed else {})
    return ReplayMessage(
        sequence, gzip.compress(payload, mtime=0) if packed else payload, attributes, "run", rows, time_us, time_us
    )


def disturb(spec: str, messages: list[ReplayMessage], path: str = "") -> tuple[list[Outgoing], Truth]:
    chaos = Chaos(parse_chaos(spec), Truth(path))
    sent = list(chaos.disturb(iter(messages)))
    chaos.truth.finish({"complete": True})
    return sent, chaos.truth


def keys(sent: list[Outgoing]) -> list[int]:
    return [int(outgoing.message.attributes["message_key"].removeprefix("run-")) for outgoing in sent]


MESSAGES = [message(number) for number in range(1_000)]


def test_nothing_is_disturbed_that_was_not_asked_for() -> None:
    sent, truth = disturb("seed=3", MESSAGES)
    assert [outgoing.message for outgoing in sent] == MESSAGES
    assert truth.totals()["rows_intact"] == 3_000


def test_a_seed_says_everything(tmp_path: Path) -> None:
    found = [disturb(SPEC, MESSAGES, str(tmp_path / str(number))) for number in range(2)]
    assert found[0][0] == found[1][0]
    assert (tmp_path / "0").read_bytes() == (tmp_path / "1").read_bytes()
    assert disturb(SPEC.replace("seed=7", "seed=8"), MESSAGES)[0] != found[0][0]


def test_duplicates_are_the_same_message_with_another_number() -> None:
    sent, truth = disturb("duplicate=0.1", MESSAGES)
    assert [outgoing.message.sequence for outgoing in sent] == list(range(len(sent)))
    counts = Counter(keys(sent))
    assert set(counts.values()) == {1, 2}
    assert 50 < truth.totals()["messages_duplicated"] == len(sent) - 1_000 < 200
    for first, second in itertools.pairwise(sent):
        if first.message.attributes == second.message.attributes:
            assert first.message.payload == second.message.payload


def test_messages_are_displaced_within_the_span() -> None:
    sent, truth = disturb("reorder=30s", MESSAGES)
    assert sorted(keys(sent)) == list(range(1_000))
    assert keys(sent) != list(range(1_000))
    latest = 0
    for key in keys(sent):
        assert latest - key < 30
        latest = max(latest, key)
    assert truth.totals()["messages_reordered"] > 500


def test_late_messages_are_held_back_by_the_event_time_that_was_asked_for() -> None:
    sent, truth = disturb("late=0.05:2m", MESSAGES)
    latest, late = 0, []
    for key in keys(sent):
        if key < latest:
            late.append(key)
            assert 117 <= latest - key < 120 or latest == 999, "messages shortly before may be late as well"
        latest = max(latest, key)
    assert late == sorted(late)
    assert 20 < len(late) <= truth.totals()["messages_late"] <= len(late) + 1, "the last message overtakes nothing"


def test_dropped_messages_are_not_sent() -> None:
    sent, truth = disturb("drop=0.1", MESSAGES)
    assert truth.totals()["messages_dropped"] == 1_000 - len(sent) > 50
    assert disturb("drop=1", MESSAGES)[0] == []


@pytest.mark.parametrize("packed", [False, True])
def test_damage_changes_one_line_or_the_whole_message(packed: bool) -> None:
    kinds = set()
    for number in range(200):
        before = message(number, packed=packed)
        damage = damage_message(before, random.Random(number))
        assert damage is not None
        kinds.add(damage.kind)
        if damage.line is None:
            assert (damage.letter, damage.rows) == (damage.payload, 3)
            with pytest.raises((EOFError, gzip.BadGzipFile)):
                gzip.decompress(damage.payload)
            continue
        old, new = (
            (gzip.decompress(payload) if packed else payload).split(b"\n")
            for payload in (before.payload, damage.payload)
        )
        changed = [n for n in range(3) if old[n] != new[n]]
        assert (changed, damage.letter, damage.original, damage.rows) == (
            [damage.line - 1],
            new[damage.line - 1],
            old[damage.line - 1],
            1,
        )
        with pytest.raises(ValueError):  # noqa: PT011  # of JSON or of Unicode
            json.loads(damage.letter)
        assert (damage.kind == "not_utf8") == (b"\xff" in damage.letter)
    assert kinds == {"truncated", "not_utf8", "not_json", *(["broken_gzip"] if packed else [])}


def test_lines_that_are_no_objects_cannot_be_damaged() -> None:
    broken = ReplayMessage(0, b"x\n[1]\n\xff", {"message_key": "run-0"}, "", 3, None, None)
    assert damage_message(broken, random.Random(1)) is None
    sent, truth = disturb("corrupt=1", [broken])
    assert (sent[0].message, truth.totals()["messages_corrupted"]) == (broken, 0)


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        (
            "duplicat=0.1",
            "'duplicat' is none of duplicate, reorder, late, corrupt, drop, seed, did you mean duplicate?",
        ),
        ("drop", "drop has no value, write drop=VALUE"),
        ("drop=0.1,drop=0.2", "names drop twice"),
        ("drop=2", "drop 2: must be a probability from 0 to 1"),
        ("drop=nan", "drop nan: must be a probability from 0 to 1"),
        ("corrupt=many", "corrupt many: must be a probability from 0 to 1"),
        ("reorder=30", "reorder 30: not a duration, write it like 500ms, 60s, 10m, 2h or 1d"),
        ("late=0.1", "late: must be a probability and a duration, such as 0.001:20m"),
        ("late=0.1:x", "late x: not a duration, write it like 500ms, 60s, 10m, 2h or 1d"),
        ("late=x:1s", "late x: must be a probability and a duration, such as 0.001:20m"),
        ("seed=-1", f"seed -1: must be a number from 0 to {2**63 - 1}"),
    ],
)
def test_mistakes(spec: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_chaos(spec)
    assert str(caught.value) == f"--chaos {spec}: {problem}"


def test_a_text_is_read() -> None:
    expected = ChaosOptions(0.01, 30_000_000, 0.001, 1_200_000_000, 0.001, 0.0, 7)
    assert parse_chaos("duplicate=0.01, reorder=30s,late=0.001:20m,corrupt=0.001,drop=0,seed=7") == expected


@pytest.fixture
def pubsub(monkeypatch: pytest.MonkeyPatch) -> Iterator[PubSub]:
    with Broker() as broker, clients(broker.address) as pubsub:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", broker.address)
        yield pubsub


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    file = tmp_path / "rows.csv"
    rows = (f"{1_594_512_000 + n},{'abc'[n % 3]},{n % 25}.5" for n in range(6_000))
    file.write_text("ts,device,temp\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--truth", "truth"], "--truth truth: is only used with --chaos"),
        (["--chaos", "drop=0", "--checkpoint", "c"], "--chaos drop=0: cannot be combined with --checkpoint"),
        (["--chaos", "drop=0", "--truth", "/none/truth"], "--truth /none/truth: cannot be written: No such file"),
    ],
)
def test_flags_that_do_not_fit(flags: list[str], problem: str, csv: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(csv), "--topic", "projects/p/topics/chaos", *flags]) == 2
    assert capsys.readouterr().err.startswith(f"publisher: error: {problem}")


def test_a_truth_on_a_full_disk_is_one_line(csv: Path, pubsub: PubSub, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["--topic", pubsub.new_topic(), "--speed", "max", "--chaos", "drop=0", "--truth", "/dev/full"]
    assert main(["replay", str(csv), *args, "--rows-per-message", "100"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["rows_published"] == 6_000
    assert err == "publisher: error: --truth /dev/full: cannot be written: No space left on device\n"


def results(folder: Path, kind: str) -> list[dict[str, Any]]:
    return [json.loads(line) for file in folder.glob(f"{kind}/*/*/*") for line in file.read_text().splitlines()]


@pytest.mark.parametrize("flags", [[], ["--gzip"]])
def test_a_job_finds_exactly_what_the_ground_truth_says(
    flags: list[str], csv: Path, pubsub: PubSub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    topic = pubsub.new_topic()
    subscription = pubsub.new_subscription(topic, enable_message_ordering=True)
    truth, output = tmp_path / "truth.jsonl", tmp_path / "results"
    args = ["--topic", topic, "--speed", "max", "--rows-per-message", "4", "--chaos", SPEC, "--truth", str(truth)]
    assert main(["replay", str(csv), *args, *flags]) == 0
    published = json.loads(capsys.readouterr().out)
    *disturbed, totals = (json.loads(line) for line in truth.read_text().splitlines())
    assert {line["action"] for line in disturbed} == {"duplicate", "reorder", "late", "corrupt", "drop"}
    assert totals["complete"]
    assert published["chaos"].items() <= totals.items()
    assert published["rows_read"] + totals["rows_duplicated"] == published["rows_published"] + totals["rows_dropped"]
    assert published["rows_published"] == totals["rows_sent"]

    job = run_job("--subscription", subscription, "--output", output, "--dedup", "1h", "--watermark-lag", "10m",
                  "--stop-after-idle", "2s")  # fmt: skip
    assert imbalances(output) == []
    assert job["rows_decoded"] == totals["rows_intact"]
    assert job["dead_letters"] == totals["dead_letters"]
    assert (job["duplicates"], job["rows_duplicate"]) == (totals["messages_duplicated"], totals["rows_duplicated"])
    letters = Counter((row["reason"], row["payload"]) for row in results(output, "dead_letters"))
    corrupted = [line for line in disturbed if line["action"] == "corrupt"]
    assert letters == Counter((line["reason"], line["dead_letter"]) for line in corrupted)
    lost = Counter[str]()
    for line in disturbed:
        key = int(line["message_key"].rpartition("-")[2])
        if line["action"] == "drop" or line.get("line", 0) is None:
            lost.update("abc"[(4 * key + row) % 3] for row in range(4))
        elif line["action"] == "corrupt":
            lost["abc"[(4 * key + line["line"] - 1) % 3]] += 1
            assert json.loads(base64.b64decode(line["original"]))["ts"] == 1_594_512_000 + 4 * key + line["line"] - 1
    counted = Counter[str]()
    for row in results(output, "aggregates"):
        counted[row["device"]] += row["count"]
    assert counted == {device: 2_000 - lost[device] for device in "abc"}
