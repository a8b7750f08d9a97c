"""Events for the runner: a number with its timestamp, and a clock and a watermark that never go back."""

from pipeline.sources.runner_events import TAG, RunnerEvents


def test_the_clock_advances_by_the_difference_and_never_back() -> None:
    events = RunnerEvents()
    steps = [event.processing_time_event for us in (5, 5, 3, 9) for event in events.advance_clock(us)]
    assert [step.advance_duration for step in steps] == [5, 4]
    assert events.clock_us == 9


def test_the_watermark_advances_and_never_back() -> None:
    events = RunnerEvents()
    steps = [event.watermark_event for us in (None, -7, 5, 3, None, 9) for event in events.advance_watermark(us)]
    assert [(step.new_watermark, step.tag) for step in steps] == [(-7, TAG), (5, TAG), (9, TAG)]
    assert events.watermark_us == 9


def test_a_number_has_a_timestamp_which_is_the_watermark_by_default() -> None:
    events = RunnerEvents()

    def sent(number: int, moment_us: int | None = None) -> tuple[bytes, int]:
        added = events.element(number, moment_us).element_event
        assert added.tag == TAG
        (element,) = added.elements
        return element.encoded_element, element.timestamp

    assert sent(3) == (b"\x03", 0)
    list(events.advance_watermark(60))
    assert [sent(4), sent(5, 50), sent(6, 0)] == [(b"\x04", 60), (b"\x05", 50), (b"\x06", 0)]
