"""Of all the hours that a stream lives through there are few keys, as a runner keeps something for each."""

from tests.transforms.batches import MINUTE, batch_of
from transforms.aggregate import _Arrive
from transforms.moments import aggregate_batch
from transforms.results import aggregates, detect
from transforms.rules import load_rules
from transforms.slots import SLOTS, slot_of
from transforms.windows import WindowSpec
from transforms.write import _KeyByHour

HOURS = 1_000
BATCH = batch_of([("a", hour * 60 * MINUTE, 50.0, 31.0) for hour in range(HOURS)])


def test_hours_take_slots_in_turn():
    assert [slot_of(hour) for hour in (0, 1, SLOTS - 1, SLOTS, -1)] == [0, 1, SLOTS - 1, 0, SLOTS - 1]


def test_windows_of_a_stream_have_as_many_keys_as_there_are_slots():
    keyed = list(_Arrive(WindowSpec(), 1, 60 * MINUTE).process(BATCH))
    assert len(keyed) == HOURS
    assert {key for key, _ in keyed} == {(0, slot) for slot in range(SLOTS)}


def test_records_of_a_stream_are_gathered_by_slot_and_those_of_files_by_hour():
    anomalies = detect(BATCH, load_rules(None)).anomalies
    panes = aggregates(aggregate_batch(BATCH, MINUTE), MINUTE, "on_time", 0)
    for kind, batch in (("anomalies", anomalies), ("aggregates", panes)):
        assert batch is not None
        for in_turn, keys in ((True, SLOTS), (False, HOURS)):
            keyed = list(_KeyByHour(kind, 1, in_turn).process(batch))
            assert len(keyed) == HOURS
            assert {key for key, _ in keyed} == {(0, hour) for hour in range(keys)}
