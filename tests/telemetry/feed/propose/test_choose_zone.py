"""Zones that a sample tells, and the one that is assumed."""

import pytest

from telemetry.feed.feed import TimeFields
from telemetry.feed.propose.choose_zone import zone_in
from telemetry.feed.propose.propose import propose, propose_messages
from telemetry.model.messages import Message
from telemetry.text.timestamps import parse_time

ROW = "2020-07-12 10:00:00,21\n2020-07-12 10:01:00,22\n"


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("Date Time, GMT-07:00", "-07:00"),
        ("UTC+2", "+02:00"),
        ("time (UTC +05:30)", "+05:30"),
        ("GMT+0", "UTC"),
        ("Time zone: Europe/Rome", "Europe/Rome"),
        ("Europe/Atlantis", ""),
        ("timestamp_utc", "UTC"),
        ("when", ""),
    ],
)
def test_zones_in_texts(text: str, zone: str) -> None:
    assert zone_in(text) == zone


@pytest.mark.parametrize(
    ("text", "zone", "confidence"),
    [
        (f"time_utc,temp\n{ROW}", "UTC", 0.9),
        (f"Time (Europe/Rome),temp\n{ROW}", "Europe/Rome", 0.9),
        (f"time CET,temp\n{ROW}", "Europe/Berlin", 0.5),
        (f"Time zone: UTC+2\ntime,temp\n{ROW}", "+02:00", 0.8),
        (f"exported 2021-10-08T12:34:18+10:00\ntime,temp\n{ROW}", "+10:00", 0.5),
        ("time,tz,temp\n2020-07-12 10:00,Europe/Rome,1\n2020-07-12 10:01,Europe/Rome,2\n", "Europe/Rome", 0.85),
        (f"time,temp\n{ROW}", "UTC", 0.2),
    ],
)
def test_a_sample_may_tell_the_zone(text: str, zone: str, confidence: float) -> None:
    proposal = propose("a.csv", text.encode())
    assert (proposal.feed.time.zone, proposal.confidence("time.zone")) == (zone, confidence)
    assert bool(proposal.questions) == (confidence <= 0.5)


@pytest.mark.parametrize(
    ("before", "after", "zone", "confidence"),
    [
        ("2020-10-25 01:30:00", "2020-10-25 01:00:00", "Europe/London", 0.6),
        ("2020-10-25 02:30:00", "2020-10-25 02:00:00", "Europe/Berlin", 0.6),
        ("2020-11-01 01:30:00", "2020-11-01 01:00:00", "America/New_York", 0.4),
        ("2020-09-25 01:30:00", "2020-09-25 01:00:00", "UTC", 0.2),
    ],
)
def test_an_hour_that_comes_twice_tells_where_the_clock_was(
    before: str, after: str, zone: str, confidence: float
) -> None:
    day = before[:10]
    rows = "".join(f"{day} 00:{minute}:00,1\n" for minute in range(10, 60, 10))
    proposal = propose("a.csv", f"time,temp\n{rows}{before},1\n{after},1\n".encode())
    assert (proposal.feed.time.zone, proposal.confidence("time.zone")) == (zone, confidence)


@pytest.mark.parametrize(
    ("published", "zone"),
    [
        ("2020-07-12T10:00:07Z", "UTC"),
        ("2020-07-12T08:00:07Z", "+02:00"),
        ("2020-07-12T04:30:07Z", "+05:30"),
        ("2020-07-12T17:01:07Z", "-07:00"),
        ("2020-07-12T08:09:00Z", "UTC"),  # fits no zone
        ("2020-07-14T08:00:07Z", "UTC"),
    ],
)
def test_the_publish_time_tells_the_offset(published: str, zone: str) -> None:
    message = Message(b'{"device": "a", "time": "2020-07-12 10:00:00", "temp": 1}', publish_us=parse_time(published))
    assert propose_messages([message]).feed.time == TimeFields(column="time", zone=zone)
