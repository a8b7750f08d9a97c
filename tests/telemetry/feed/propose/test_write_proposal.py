"""The text of a proposal, with its reasons."""

from telemetry.feed.parse import parse_feed
from telemetry.feed.propose.propose import propose
from telemetry.feed.propose.write_proposal import write_proposal

TEXT = """\
Date;Time;Temp [°C];RH;No
13/07/2020;09.00.00;21,5;40,1;1
13/07/2020;09.10.00;21,7;-999;2
13/07/2020;09.20.00;21,7;40,2;3
"""
EXPECTED = """\
# Feed proposed for in/attic.csv, from 3 rows. The number before each reason is the confidence, from 0 to 1:
#   check what is low.
# Question: In which zone were times such as 13/07/2020 09.00.00 written down? They name none, and UTC is
#   assumed; say, for example, zone: Europe/Rome
version: 1
# 0.98 format: the lines have the same number of cells
csv:
  # 1.00 100% of the lines have 5 cells between semicolons
  delimiter: ";"
  # 0.95 5 cells have a comma in their number, 0 a point
  decimal: ","
  # 0.95 csv.header: line 1 has names where line 2 has numbers
time:
  # 0.90 the first holds dates and the second times of day; 100% of both together are times
  column: [Date, Time]
  # 0.20 the times name no zone: this is an assumption
  zone: UTC
  # 0.95 the day comes first: the other way gives no dates, or dates out of order
  day_first: true
device:
  # 0.60 no column names a device: it is the file, attic
  file: true
metrics:
  Temp: {column: "Temp [°C]", unit: "°C"}  # 0.95 3 of 3 values are numbers
  RH: {missing: [-999]}  # 0.70 3 of 3 values are numbers; -999 is far from all others, as a code for a missing value
# Not a metric: No, a counter.
"""


def test_each_field_has_its_confidence_and_reason() -> None:
    proposal = propose("in/attic.csv", TEXT.encode())
    assert write_proposal(proposal) == EXPECTED
    assert parse_feed(EXPECTED) == proposal.feed


def test_the_canonical_form_has_nothing_but_its_metrics() -> None:
    text = write_proposal(propose("a.csv", b"ts,device,temp\n1594512094,a,1\n1594512104,a,2\n"))
    assert (
        text
        == """\
# Feed proposed for a.csv, from 2 rows. The number before each reason is the confidence, from 0 to 1: check
#   what is low.
version: 1
# 0.98 format: the lines have the same number of cells
# 1.00 csv.delimiter: 100% of the lines have 3 cells between commas
# 0.95 csv.header: line 1 has names where line 2 has numbers
# 0.99 time.column: 100% of its values are times, and its name says so
# 0.98 device.column: its name says so, and it has 1 different value
metrics:
  temp:  # 0.95 2 of 2 values are numbers
"""
    )


def test_names_that_yaml_takes_for_something_else() -> None:
    text = 'ts,device,on,"a: b",1,-,~\n' + "".join(f"{1_594_512_094 + i},a,1,2,3,4,{i % 2}\n" for i in range(3))
    proposal = propose("a.csv", text.encode())
    assert list(proposal.feed.metrics) == ["on", "a: b", "1", "-", "~"]
    assert parse_feed(write_proposal(proposal)) == proposal.feed
