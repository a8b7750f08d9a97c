"""Publish dead letters to a topic again: ``telemetry reprocess``."""

import argparse
import contextlib
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from publisher.reprocess.letter_feed import LetterFeed
from publisher.reprocess.letters import INPUT, find_files
from publisher.reprocess.plan import STAGES, TELEMETRY_STAGES, LetterChoice, make_plan
from publisher.reprocess.preview import render_plan
from publisher.reprocess.resender import Resender
from publisher.reprocess.topic import LetterTopic
from telemetry.cli.commands import stopping
from telemetry.cli.flags import check_pubsub_name
from telemetry.cli.standard_output import write_result
from telemetry.errors import ConfigError, TelemetryError
from telemetry.feed.feed import is_canonical
from telemetry.feed.flags import add_feed_flags, read_feed, read_metrics
from telemetry.model.dead_letters import Reason

EXAMPLES: Final = """
%(prog)s results --dry-run
%(prog)s results --topic projects/demo/topics/telemetry --reason too_late
%(prog)s results --topic projects/demo/topics/telemetry --feed feed.yaml
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser. Values stay text; `run` checks them."""
    parser.add_argument("letters", nargs="+", metavar=INPUT, help="a job's --output, a folder of dead letters, or a "
                        ".jsonl or .parquet file of them, on any Beam filesystem")  # fmt: skip
    parser.add_argument("--topic", default="", metavar="projects/P/topics/T", help="topic to publish to")
    parser.add_argument("--reason", action="append", metavar="REASON", help="publish only dead letters with this "
                        "reason; repeatable")  # fmt: skip
    parser.add_argument("--stage", action="append", metavar="STAGE", help="publish only dead letters of this "
                        "stage; repeatable (default: decode and aggregate, whose payloads are telemetry)")  # fmt: skip
    form = parser.add_argument_group("form of the payloads")
    add_feed_flags(form)
    form.add_argument("--metrics", default="", metavar="LIST", help="comma-separated names of the metrics to publish, "
                      "where the feed names none")  # fmt: skip
    parser.add_argument("--unordered", action="store_true", help="use no ordering key; without the flag one "
                        "key keeps all dead letters in order")  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="publish nothing; show what would be published")


def run(options: argparse.Namespace) -> int:
    """Publish dead letters, print the summary, and return the exit code, 1 if something could not be published.

    Must be called from the main thread, for it handles SIGINT and SIGTERM.

    Raises:
        ConfigError: if an option or a file cannot be used; nothing was published then.
        TelemetryError: after the summary, if something could not be published.
    """
    choice = make_choice(options.stage or (), options.reason or ())
    if options.topic:
        check_pubsub_name("--topic", "topics", options.topic)
    elif not options.dry_run:
        raise ConfigError("--topic", "", "is required, except with --dry-run")
    feed = make_letter_feed(options)
    files = find_files(options.letters)
    stopped = threading.Event()
    if options.dry_run:
        with stopping(stopped.set):
            text = render_plan(make_plan(files, choice, stopped.is_set, feed))
        sys.stdout.write(text)
        return 0
    topic = LetterTopic(options.topic, not options.unordered)
    with contextlib.closing(topic), stopping(stopped.set):
        topic.check()
        plan = make_plan(files, choice, stopped.is_set, feed)
        session = Resender(plan, topic, not options.unordered, stopped)
        began = time.perf_counter()
        session.run()
        seconds = time.perf_counter() - began
    published = f"{session.sender.messages:,} letters were published"
    write_result(msgspec.json.encode(summarise(session, seconds)).decode() + "\n", published)
    if session.error:
        unsent = len(plan.letters) - session.sender.messages
        raise TelemetryError(f"{unsent} of {len(plan.letters)} letters were not sent: {session.error}")
    return 0


def summarise(session: Resender, seconds: float) -> dict[str, Any]:
    """Return the summary of a run.

    letters_read = letters_duplicate + letters_skipped + the sum of by_reason, which counts the letters to publish.
    rows_read = rows_published + failed: the rows of the letters that were published or attempted.
    """
    plan, delivery = session.plan, session.sender
    return {
        "run_id": plan.run_id,
        "letters_read": plan.read,
        "letters_duplicate": plan.duplicate,
        "letters_skipped": plan.skipped,
        "rows_read": session.rows_read,
        "rows_published": delivery.rows,
        "messages": delivery.messages,
        "bytes": delivery.bytes,
        "failed": delivery.failed_rows,
        "by_reason": plan.by_reason,
        "seconds": round(seconds, 3),
        "interrupted": session.interrupted,
    }


def make_letter_feed(options: argparse.Namespace) -> LetterFeed | None:
    """Return what reads the payloads as the flags say; None if they are to be sent as they are.

    Raises:
        ConfigError: if a flag cannot be used.
    """
    feed = read_feed(options)
    if is_canonical(feed):
        if options.metrics:
            raise ConfigError("--metrics", options.metrics, "is only used with a feed that is not canonical")
        return None
    if feed.time.start:
        raise ConfigError("--feed", options.feed, "time.start needs files: dead letters do not tell their rows")
    metrics = read_metrics(options.metrics) if options.metrics else tuple(feed.metrics)
    if not metrics:
        raise ConfigError("--metrics", "", "is required, because the feed names no metrics")
    return LetterFeed(feed, metrics)


def make_choice(stages: Sequence[str], reasons: Sequence[str]) -> LetterChoice:
    """Return the choice of letters that the options describe.

    Raises:
        ConfigError: naming the option, its value and what it may be.
    """
    for flag, values, known in (("--stage", stages, STAGES), ("--reason", reasons, [*map(str, Reason)])):
        for value in values:
            if value not in known:
                raise ConfigError(flag, value, f"must be one of {', '.join(known)}")
    return LetterChoice(frozenset(stages) or TELEMETRY_STAGES, frozenset(reasons))
