"""Tables as people have them, each with the whole feed that is proposed."""

import pytest

from telemetry.feed.feed import CsvFields, DeviceFields, Feed, TimeFields
from telemetry.feed.propose.propose import propose
from tests.support.foreign_telemetry import TABLES


@pytest.mark.parametrize("case", TABLES)
def test_a_table_gets_its_feed(case: str) -> None:
    text, expected = TABLES[case]
    assert propose("folder/logger.csv", text.encode()).feed == expected


def test_the_name_says_the_device_the_date_and_whether_the_format_has_to_be_said() -> None:
    named = propose("meter7_2024-05-01.log", b"temp,hum\n1.5,40\n1.6,41\n")
    assert named.feed == Feed(
        format="csv",
        time=TimeFields(start="2024-05-01T00:00:00Z"),
        device=DeviceFields(file=True, match=r"^(.+?)[-_. ]+20\d\d[-_.]?[01]\d(?:[-_.]?[0-3]\d)?(?:[-_. T].*)?$"),
        metrics={"temp": None, "hum": None},
    )
    assert propose("in/x.tsv.gz", b"ts,device,temp\n1594512094,a,1\n1594512095,a,1\n").feed == Feed(
        metrics={"temp": None}
    )


def test_a_file_without_times_begins_when_it_was_written_if_that_is_known() -> None:
    assert propose("a.csv", b"temp,hum\n1.5,40\n1.6,41\n", publish_us=1_594_512_094_000_000).feed.time == TimeFields(
        start="2020-07-12T00:01:34Z"
    )


def test_standard_input_has_no_name_for_the_device() -> None:
    assert propose("-", b"ts,temp\n1594512094,1.5\n1594512104,1.6\n").feed.device == DeviceFields(name="device")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("ts;device;temp\n1594512094;Küche;21,5\n1594512104;Küche;22,5\n".encode("latin-1"), "latin-1"),
        ("ts;device;temp\n1594512094;“K”;21,5\n1594512104;“K”;22,5\n".encode("cp1252"), "cp1252"),
        ("ts;device;temp\n1594512094;K;21,5\n1594512104;K;22,5\n".encode("utf-16-le"), "utf-16-le"),
        ("ts;device;temp\n1594512094;K;21,5\n1594512104;K;22,5\n".encode("utf-16-be"), "utf-16-be"),
        ("ts;device;temp\r\n1594512094;K;21,5\r\n1594512104;K;22,5\r\n".encode("utf-16"), ""),
        ("ts;device;temp\n1594512094;Kü;21,5\n1594512104;K;22,5\n".encode("utf-8-sig"), ""),
        (b"ts;device;temp\n\0\0\0\0\0\0\0\0\0\0" + b"1594512094;K;21,5\n1594512104;K;22,5\n", ""),
    ],
    ids=["latin-1", "cp1252", "utf-16-le", "utf-16-be", "utf-16", "utf-8-sig", "zeros"],
)
def test_an_encoding_is_said_where_it_has_to_be(text: bytes, encoding: str) -> None:
    assert propose("a.csv", text).feed == Feed(
        encoding=encoding, csv=CsvFields(delimiter=";", decimal=","), metrics={"temp": None}
    )


def test_what_only_a_person_knows_is_asked() -> None:
    proposal = propose("a.csv", b"when,temp\n08-12-2018 09:30,29\n08-12-2018 09:29,41\n")
    assert proposal.questions == (
        "Does 08-12-2018 09:30 begin with the day or with the month? Both make dates; the day is assumed.",
        "In which zone were times such as 08-12-2018 09:30 written down? They name none, and UTC is assumed; say, for "
        "example, zone: Europe/Rome",
    )
    assert (proposal.confidence("time.day_first"), proposal.confidence("time.zone")) == (0.5, 0.2)
    assert proposal.confidence("csv.skip") == 1.0


def test_numbers_that_are_no_metrics_are_listed_with_the_reason() -> None:
    text = "record,ts,device,lat,quality,temp\n7,1594512094,a,1,0,21\n8,1594512104,a,1,0,22\n9,1594512114,a,1,0,2\n"
    assert propose("a.csv", text.encode()).left_out == (
        ("record", "a counter"),
        ("lat", "a coordinate"),
        ("quality", "a mark of quality"),
    )
