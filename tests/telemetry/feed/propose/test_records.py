"""Files and messages of records as people have them, each with the whole feed that is proposed."""

import json

import pytest

from telemetry.feed.feed import DeviceFields, Feed, TimeFields
from telemetry.feed.propose.propose import propose, propose_messages
from telemetry.model.messages import Message
from tests.support.foreign_telemetry import MESSAGES, READING, RECORDS, TS, UPLINK, at


@pytest.mark.parametrize("form", ["lines", "array", "indented"])
@pytest.mark.parametrize("case", RECORDS)
def test_records_of_a_file_get_their_feed(case: str, form: str) -> None:
    records, expected = RECORDS[case]
    if form == "lines" and expected.format != "senml":
        text = "".join(json.dumps(record) + "\n" for record in records)
    else:
        text = json.dumps(records, indent=2 if form == "indented" else None)
    assert propose("logger.json", text.encode()).feed == expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "x.txt",
            "{'ts': 1594512094, 'device': 'a', 'temp': nan}\n{'ts': 1594512104, 'device': 'a', 'temp': 1.5}\n",
            Feed(format="python-literal", metrics={"temp": None}),
        ),
        (
            "x.txt",
            "weather,host=a temp=21.5,hum=40i 1594512094000000000\nweather,host=b temp=22.5 1594512094000000000\n",
            Feed(
                format="line-protocol",
                time=TimeFields(column="timestamp"),
                device=DeviceFields(column="tags.host"),
                metrics={"temp": at("fields.temp"), "hum": at("fields.hum")},
            ),
        ),
        (
            "x.txt",
            "weather,host=a temp=21.5 1594512094\n",
            Feed(
                format="line-protocol",
                options={"precision": "s"},
                time=TimeFields(column="timestamp"),
                device=DeviceFields(column="tags.host"),
                metrics={"temp": at("fields.temp")},
            ),
        ),
        ("x.txt", '{"ts": 1594512094, "device": "a", "temp": 1}', Feed(metrics={"temp": None})),
        ("x.txt", '[{"ts": 1594512094, "device": "a", "temp": 1}]', Feed(metrics={"temp": None})),
        ("x.log", '{"ts": 1594512094, "device": "a", "temp": 1}', Feed(format="json", metrics={"temp": None})),
        ("-", '{"ts": 1594512094, "device": "a", "temp": 1}', Feed(metrics={"temp": None})),
    ],
)
def test_a_format_is_said_where_the_name_does_not_tell_it(name: str, text: str, expected: Feed) -> None:
    assert propose(name, text.encode()).feed == expected


@pytest.mark.parametrize(("encoding", "told"), [("utf-16", ""), ("latin-1", "latin-1")])
def test_json_in_another_encoding(encoding: str, told: str) -> None:
    text = '{"ts": 1594512094, "device": "Küche", "temp": 1}'.encode(encoding)
    assert propose("x.json", text).feed == Feed(encoding=told, metrics={"temp": None})


@pytest.mark.parametrize("case", MESSAGES)
def test_messages_get_their_feed(case: str) -> None:
    content, attributes, expected = MESSAGES[case]
    payload = content if isinstance(content, bytes) else json.dumps(content).encode()
    messages = [Message(payload, attributes, publish_us=TS * 1_000_000)] * 2
    assert propose_messages(messages).feed == expected
    if "content-encoding" not in attributes:
        assert propose("", payload, attributes, TS * 1_000_000).feed == expected


def test_messages_of_which_some_cannot_be_read() -> None:
    proposal = propose_messages([Message(READING), Message(b"\0\1\2"), Message(b"hello")])
    assert proposal.feed == Feed(metrics={"temp": None})
    assert proposal.confidence("format") == 0.33
    assert proposal.remarks == ("a part cannot be read: not JSON: no object or array begins here",)
    assert proposal.problems == ()


def test_what_an_envelope_says_is_listed_as_no_metric() -> None:
    assert propose_messages([Message(json.dumps(UPLINK).encode())]).left_out == (
        ("uplink_message.f_port", "an identifier"),
        ("uplink_message.f_cnt", "a counter"),
        ("uplink_message.settings.data_rate.lora.bandwidth", "of the network"),
        ("uplink_message.settings.frequency", "of the network"),
        ("uplink_message.settings.timestamp", "of the network"),
        ("uplink_message.consumed_airtime", "beside the payload"),
    )
