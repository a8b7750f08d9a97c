"""Check that results are polled only while tabs are open, and that errors are shown and retried."""

import gc
import weakref
from pathlib import Path
from typing import Any

import pytest

from plotting.serve.polling import ReadingsPoller, ResultsPoller
from plotting.serve.run_watcher import RunWatcher
from plotting.serve.view_choice import ViewChoice
from telemetry.storage.result_store import FileStore
from tests.support.live_servers import Served, serving, until
from tests.support.report_pages import letter
from tests.support.runs import MINUTE, T0, anomaly, window, write, write_csv


class Counting(ResultsPoller):
    """Counts how often it is asked."""

    def __init__(self, folder: Path) -> None:
        super().__init__(FileStore(str(folder)))
        self.asked = 0

    def poll(self):
        self.asked += 1
        return super().poll()


def turns(served) -> None:
    """Let the server's loop, in which the watcher polls without a pause, answer some requests."""
    for _ in range(20):
        assert served.get("/")[0] == 200


def test_while_no_tab_is_open_nothing_is_read(tmp_path):
    follower = Counting(tmp_path)
    with Served(RunWatcher(follower, ReadingsPoller([]), 0.0), ViewChoice(width=480)) as served:
        turns(served)
        assert follower.asked == 0
        with served.tab() as page:
            page.hear("run")
            kept = weakref.ref(next(iter(served.watcher.sessions.values())))
            until(lambda: follower.asked >= 3)
        until(lambda: not served.watcher.sessions)
        until(lambda: served.call(gc.collect) is not None and kept() is None)  # the loop holds no session
        asked = follower.asked
        turns(served)
        assert follower.asked == asked
        write(tmp_path, "aggregates", [window("a")])
        with served.tab() as page:
            page.hear("run", lambda message: message["windows"] == "1")


def test_a_run_without_results_shows_them_when_they_come(tmp_path):
    with serving(tmp_path) as served, served.tab() as page:
        first = page.hear("run")
        assert (first["newest"], first["windows"], first["problem"]) == (None, "0", "")
        write(tmp_path, "aggregates", [window("a")])
        assert page.hear("run", lambda message: message["windows"] == "1")["newest"] == "2020-07-12 00:01:00"


@pytest.mark.parametrize("output", ["aggregates", "anomalies", "dead_letters"])
def test_an_unreadable_file_is_said_once_and_the_rest_goes_on(tmp_path, capsys, output):
    write(tmp_path, "aggregates", [window("a")])
    record: dict[str, Any] = {"aggregates": window(), "anomalies": anomaly(), "dead_letters": letter()}
    bad = write(tmp_path, output, [record[output]], name="bad", hour="01")
    good = bad.read_bytes()
    bad.write_bytes(b"{not json\n")
    others: dict[str, tuple[str, list[Any]]] = {
        "aggregates": ("windows", [window("a", 1), window("a", 2)]),
        "anomalies": ("anomalies", [anomaly("a"), anomaly("a", T0 + MINUTE)]),
        "dead_letters": ("letters", [letter("x"), letter("y")]),
    }
    follower = Counting(tmp_path)
    watcher = RunWatcher(follower, ReadingsPoller([]), 0.01)
    with Served(watcher, ViewChoice(width=480)) as served, served.tab() as page:
        problem = page.hear("run", lambda message: message["problem"])["problem"]
        assert str(bad) in problem
        for kind in others.keys() - {output}:
            write(tmp_path, kind, others[kind][1], name="more", hour="02")
        numbers = [others[kind][0] for kind in others if kind != output]
        page.hear("run", lambda message: all(int(message[number]) >= 2 for number in numbers))
        asked = follower.asked
        until(lambda: follower.asked > asked + 2)  # it is read again, and not reported again
        bad.unlink()
        assert page.hear("run", lambda message: not message["problem"])
        bad.write_bytes(good)
        write(tmp_path, output, others[output][1], name="more", hour="02")
        page.hear("run", lambda message: int(message[others[output][0]]) >= 2)
    assert capsys.readouterr().err.count(f"{bad}: not a file of") == 1  # it may vanish while it is being read


def test_readings_are_read_for_a_scatter_and_their_problems_stop_nothing(tmp_path, capsys):
    run, file = tmp_path / "run", tmp_path / "readings.csv"
    write(run, "aggregates", [window("a")])
    write_csv(file, [(T0 / 1e6, "a", 20.0), (T0 / 1e6 + 1, "a", 21.0)])
    with serving(run, readings=(str(file),)) as served:
        with served.tab() as page:
            page.hear("run", lambda message: message["windows"] == "1")
            (session,) = until(lambda: list(served.watcher.sessions.values()))
            assert len(session.picture.panels[0].windows) == 1
            page.send("choose", parameters={"figure": ["scatter"]})
            until(lambda: [len(one.readings) for one in getattr(session.picture, "panels", ())] == [2])
        with served.tab("figure=scatter&metric=humidity") as page:
            assert "humidity" in page.hear("run", lambda message: message["problem"])["problem"]
            write(run, "aggregates", [window("a", 1)], name="more")
            page.hear("run", lambda message: message["windows"] == "2")
        with served.tab() as page:
            page.hear("run", lambda message: not message["problem"])
    assert capsys.readouterr().err.count("humidity") == 1


def test_an_archive_of_readings_is_followed(tmp_path):
    first, second = tmp_path / "1.csv", tmp_path / "2.csv"
    write_csv(first, [(T0 / 1e6, "a", 20.0)])
    readings = ReadingsPoller([str(first), str(second)])
    write_csv(second, [(T0 / 1e6 + 1, "a", 21.0)])
    found = readings.poll("temp")
    assert found is not None
    assert found["value"].tolist() == [20.0, 21.0]
    assert readings.poll("temp") is None
    assert ReadingsPoller([]).poll("temp") is None
