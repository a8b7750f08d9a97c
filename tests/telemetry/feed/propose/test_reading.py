"""Samples are read by the feeds that are proposed for them, as the job reads them: each row and record is a reading."""

import io
import json
from collections.abc import Sequence

import numpy as np
import pytest

from telemetry.feed.files.look import look_at
from telemetry.feed.files.messages import file_messages
from telemetry.feed.propose.proposal import Proposal
from telemetry.feed.propose.propose import propose, propose_messages
from telemetry.feed.readings.feed_reader import FeedReader
from telemetry.feed.readings.feed_rows import Envelope, FeedRows
from telemetry.model.messages import CONTENT_ENCODING, Message
from tests.support.foreign_telemetry import MESSAGES, RECORDS, TABLES, TS


def read_file(name: str, text: bytes) -> tuple[Proposal, list[FeedRows]]:
    proposal = propose(name, text)
    shape = look_at(io.BytesIO(text), name, proposal.feed)
    return proposal, read(proposal, list(file_messages(io.BytesIO(text), name, shape)))


def read(proposal: Proposal, messages: Sequence[Message]) -> list[FeedRows]:
    reader = FeedReader(proposal.feed, tuple(proposal.feed.metrics))
    return [reader.read([one.payload], [Envelope(one.attributes, one.publish_us, one.columns)]) for one in messages]


def errors(found: Sequence[FeedRows]) -> list[str]:
    return [one.error for rows in found for one in rows.rejected]


def is_read(proposal: Proposal, found: Sequence[FeedRows]) -> bool:
    """Whether each metric that is proposed has a value, unless the sample has none."""
    values = np.concatenate([rows.values for rows in found], axis=1)
    have = dict(zip(proposal.feed.metrics, np.isfinite(values).any(axis=1), strict=True))
    return all(has or proposal.confidence(f"metrics.{name}") <= 0.3 for name, has in have.items())


@pytest.mark.parametrize("case", TABLES)
def test_tables_are_read(case: str) -> None:
    proposal, found = read_file("logger.csv", TABLES[case][0].encode())
    assert sum(map(len, found)) == proposal.rows
    assert errors(found) == []
    assert proposal.rows == 0 or is_read(proposal, found)


@pytest.mark.parametrize("case", RECORDS)
def test_records_are_read(case: str) -> None:
    proposal, found = read_file("logger.json", json.dumps(RECORDS[case][0]).encode())
    assert sum(map(len, found)) == proposal.rows
    assert errors(found) == []
    assert is_read(proposal, found)


@pytest.mark.parametrize("case", [case for case in MESSAGES if CONTENT_ENCODING not in MESSAGES[case][1]])
def test_messages_are_read(case: str) -> None:
    content, attributes, _ = MESSAGES[case]
    payload = content if isinstance(content, bytes) else json.dumps(content).encode()
    messages = [Message(payload, attributes, publish_us=TS * 1_000_000)]
    proposal = propose_messages(messages)
    found = read(proposal, messages)
    assert sum(map(len, found)) == proposal.rows
    assert errors(found) == []
    assert is_read(proposal, found)
