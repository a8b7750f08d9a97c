"""The command ``python -m publisher reprocess``: its options, their checks, its summary."""

import argparse
import contextlib
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from publisher.reprocess.letters import INPUT, find_files
from publisher.reprocess.plan import STAGES, TELEMETRY_STAGES, LetterChoice, make_plan
from publisher.reprocess.preview import render_plan
from publisher.reprocess.resender import Resender
from publisher.reprocess.topic import LetterTopic
from telemetry.cli.commands import stopping
from telemetry.cli.flags import check_pubsub_name
from telemetry.errors import ConfigError, TelemetryError
from telemetry.model.dead_letters import Reason

EXAMPLES: Final = """
%(prog)s results --dry-run
%(prog)s results --topic projects/demo/topics/telemetry --reason too_late
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser. Values stay text; `run` checks them."""
    parser.add_argument("letters", nargs="+", metavar=INPUT, help="a job's --output, a folder of dead letters, or a "
                        ".jsonl or .parquet file of them, on any Beam filesystem")  # fmt: skip
    parser.add_argument("--topic", default="", metavar="projects/P/topics/T", help="the topic to publish to")
    parser.add_argument("--reason", action="append", metavar="REASON", help="only letters with this reason; "
                        "may be repeated")  # fmt: skip
    parser.add_argument("--stage", action="append", metavar="STAGE", help="only letters of this stage; "
                        "may be repeated (default: decode and aggregate, those that were telemetry)")  # fmt: skip
    parser.add_argument("--unordered", action="store_true", help="no ordering key; without it one key keeps all "
                        "letters in order")  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="send nothing, show what would be sent")


def run(options: argparse.Namespace) -> int:
    """Send dead letters and print the summary; returns the exit code, 1 if something could not be published.

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
    files = find_files(options.letters)
    stopped = threading.Event()
    if options.dry_run:
        with stopping(stopped.set):
            text = render_plan(make_plan(files, choice, stopped.is_set))
        sys.stdout.write(text)
        return 0
    topic = LetterTopic(options.topic, not options.unordered)
    with contextlib.closing(topic), stopping(stopped.set):
        topic.check()
        plan = make_plan(files, choice, stopped.is_set)
        session = Resender(plan, topic, not options.unordered, stopped)
        began = time.perf_counter()
        session.run()
        seconds = time.perf_counter() - began
    sys.stdout.write(msgspec.json.encode(summarise(session, seconds)).decode() + "\n")
    if session.error:
        unsent = len(plan.letters) - session.sender.messages
        raise TelemetryError(f"{unsent} of {len(plan.letters)} letters were not sent: {session.error}")
    return 0


def summarise(session: Resender, seconds: float) -> dict[str, Any]:
    """Return the summary of a sending.

    letters_read = letters_duplicate + letters_skipped + all of by_reason, which are the letters to be sent.
    rows_read = rows_published + failed: the rows of the letters that were sent, or tried.
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


def make_choice(stages: Sequence[str], reasons: Sequence[str]) -> LetterChoice:
    """Return which letters the options ask for.

    Raises:
        ConfigError: naming the option, its value and what it may be.
    """
    for flag, values, known in (("--stage", stages, STAGES), ("--reason", reasons, [*map(str, Reason)])):
        for value in values:
            if value not in known:
                raise ConfigError(flag, value, f"must be one of {', '.join(known)}")
    return LetterChoice(frozenset(stages) or TELEMETRY_STAGES, frozenset(reasons))
