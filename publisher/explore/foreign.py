"""Survey foreign telemetry: as a feed says, or as one that is proposed says."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Final, NamedTuple

from publisher.csv_blocks import STDIN, open_input
from publisher.csv_input import CsvChunk
from publisher.explore.preview import FeedPreview
from publisher.feed_input.inputs import FeedInputs
from telemetry.errors import ConfigError, NothingUsableError
from telemetry.feed.default_feed import DEFAULT_METRICS
from telemetry.feed.feed import Feed, is_canonical
from telemetry.feed.files.look import LOOK_BYTES
from telemetry.feed.propose.proposal import Proposal
from telemetry.feed.propose.propose import propose, propose_messages
from telemetry.feed.readings.canonical import CANONICAL_DOCUMENTS
from telemetry.feed.readings.feed_reader import FeedReader
from telemetry.feed.readings.feed_rows import Envelope
from telemetry.model.messages import Message

MOST_MESSAGES: Final = 1_000
"""Messages of a subscription that are looked at."""


class ForeignInput(NamedTuple):
    """Telemetry that a feed describes.

    Attributes:
        feed: the feed.
        metrics: names of the metrics that are read.
        proposal: why the feed is as it is; None for a feed that was given.
        inputs: files, and how they are read; None for messages.
        messages: of a subscription.
    """

    feed: Feed
    metrics: tuple[str, ...]
    proposal: Proposal | None
    inputs: FeedInputs | None
    messages: tuple[Message, ...] = ()

    def chunks(self, paths: Sequence[str], preview: FeedPreview) -> Iterator[CsvChunk]:
        """Yield all rows in the canonical form, in their order."""
        feed = CANONICAL_DOCUMENTS if is_canonical(self.feed) else self.feed
        reader = FeedReader(feed, self.metrics)
        if self.inputs is None:
            envelopes = [Envelope(one.attributes, one.publish_us) for one in self.messages]
            if self.messages:
                yield from preview.chunks(reader.read([one.payload for one in self.messages], envelopes))
            return
        for path in paths:
            for rows in self.inputs.rows(path, reader):
                yield from preview.chunks(rows)


def foreign_files(paths: Sequence[str], feed: Feed | None, metrics: tuple[str, ...] | None) -> ForeignInput:
    """Return files as a feed describes them; without a feed one is proposed for the first file.

    Raises:
        ConfigError: if a file cannot be opened, or not be read as the feed says.
        InputError: if it is damaged at its beginning.
        NothingUsableError: if nothing in it looks like telemetry.
    """
    proposal = None
    if feed is None:
        proposal = propose_file(paths[0])
        feed = proposal.feed
    inputs = FeedInputs(paths, feed, metrics)
    return ForeignInput(feed, inputs.metrics or DEFAULT_METRICS, proposal, inputs)


def foreign_messages(messages: Sequence[Message], feed: Feed | None, metrics: tuple[str, ...] | None) -> ForeignInput:
    """Return messages of a subscription as a feed describes them, or as one that is proposed does.

    Raises:
        NothingUsableError: if there are none, or nothing in them looks like telemetry.
    """
    if not messages:
        raise NothingUsableError("no message came; a subscription holds what is published after it was made")
    proposal = None
    if feed is None:
        proposal = _checked(propose_messages(messages))
        feed = proposal.feed
    return ForeignInput(feed, metrics or tuple(feed.metrics) or DEFAULT_METRICS, proposal, None, tuple(messages))


def propose_file(path: str) -> Proposal:
    """Return the proposal for a file.

    Raises:
        ConfigError: if it cannot be opened, or is standard input.
        NothingUsableError: if nothing in it looks like telemetry.
    """
    if path == STDIN:
        raise ConfigError("INPUT", path, "standard input is read once: give a file for a proposal, or a --feed")
    with ExitStack() as stack:
        try:
            beginning = open_input(path, stack).read(LOOK_BYTES)
        except OSError as error:
            raise ConfigError("INPUT", path, f"cannot be read: {error.strerror or error}") from error
    return _checked(propose(os.path.basename(path), beginning))


def _checked(proposal: Proposal) -> Proposal:
    if proposal.problems:
        raise NothingUsableError(f"{proposal.name}: {'; '.join(proposal.problems)}")
    return proposal
