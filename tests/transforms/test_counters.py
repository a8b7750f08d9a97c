import threading

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipeline.summary import reported
from transforms import counters


@pytest.fixture(autouse=True)
def _from_zero():
    counters.start_tally()
    yield
    counters.start_tally()


def test_counts_are_added_up_by_name_and_kind():
    counters.count("rows_decoded", 3)
    counters.count("rows_decoded")
    counters.count("dead_letters", 2, "not_json")
    counters.count("dead_letters", 1, "too_late")
    counters.count("dead_letters", 4, "not_json")
    assert counters.tally() == {"rows_decoded": 4, "dead_letters/not_json": 6, "dead_letters/too_late": 1}


def test_distributions_keep_count_sum_and_ends():
    for value in (5, -1, 7):
        counters.observe("message_age_ms", value)
    assert counters.observed() == {"message_age_ms": counters.Distribution(3, 11, -1, 7)}
    counters.start_tally()
    assert counters.observed() == {}


def test_a_new_tally_begins_at_zero():
    counters.count("panes")
    counters.start_tally()
    assert counters.tally() == {}


def test_a_tally_that_was_read_does_not_change():
    counters.count("panes")
    before = counters.tally()
    counters.count("panes")
    assert (before, counters.tally()) == ({"panes": 1}, {"panes": 2})


def test_threads_do_not_lose_a_count():
    def add():
        for _ in range(2_000):
            counters.count("panes", 2)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counters.tally() == {"panes": 16_000}


def _count(number):
    counters.count(counters.ANOMALIES, number, "temp-high")


def test_beam_counts_the_same():
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        _ = pipeline | beam.Create([1, 2, 4]) | beam.Map(_count)
    assert counters.tally() == {"anomalies/temp-high": 7}
    assert reported(pipeline.result) == {"anomalies/temp-high": 7}
