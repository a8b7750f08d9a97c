"""Publish telemetry from files to a Pub/Sub topic: ``telemetry replay``."""

import argparse
import contextlib
import gc
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, get_args

import msgspec
from tqdm import tqdm

from publisher.csv_blocks import STDIN
from publisher.csv_input import check_input, parse_columns
from publisher.destination import add_destination_flags, check_destination_names, create_destination
from publisher.feed_input.inputs import FeedInputs
from publisher.replay.chaos.disturb import Chaos
from publisher.replay.chaos.options import parse_chaos
from publisher.replay.chaos.truth import Truth
from publisher.replay.checkpoint import Progress, load_progress, save_progress
from publisher.replay.checkpoint_lock import hold_checkpoint
from publisher.replay.duration import announcement
from publisher.replay.message_builder import Ordering
from publisher.replay.pacer import Pacer
from publisher.replay.recording import EventTime, Order, Recording
from publisher.replay.replayer import Replayer
from publisher.replay.row_reader import FeedRowReader
from publisher.replay.selection import Selection
from publisher.replay.topic import ReplayTopic
from telemetry.cli.commands import stopping
from telemetry.cli.exit_codes import FAILURE, SUCCESS, nothing_usable
from telemetry.cli.flags import read_positive, read_span, read_whole
from telemetry.cli.standard_output import write_result
from telemetry.errors import ConfigError, NothingUsableError, OutputError, TelemetryError
from telemetry.feed.flags import FLAGS, add_feed_flags, read_feed, read_metrics
from telemetry.storage.unpacking import PLAIN_OR_PACKED
from telemetry.text.timestamps import format_time

EXAMPLES: Final = """
%(prog)s telemetry.csv --topic projects/demo/topics/telemetry --create --speed max --rows-per-message 500
%(prog)s telemetry.csv --topic projects/demo/topics/telemetry --speed 60 --event-time rebase
%(prog)s telemetry.csv --topic projects/demo/topics/telemetry --rate 1000 --checkpoint replay.json
%(prog)s export.tsv meters.jsonl --feed feed.yaml --topic projects/demo/topics/telemetry --speed max
"""
_RUN_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,100}")
_CONTAINERS: Final = 50_000  # containers between two searches; Python's default is 700
_MOST_ROWS_PER_MESSAGE: Final = 100_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser. Values stay text; `run` checks them."""
    parser.add_argument(
        "input",
        nargs="+",
        metavar="INPUT",
        help=f"files of CSV or JSON, or what a feed describes, {PLAIN_OR_PACKED}; - is standard input",
    )
    parser.add_argument("--columns", default="", metavar="MAP", help="names of the columns in the file, such as "
                        "ts=timestamp,device=device_id")  # fmt: skip
    add_destination_flags(parser)
    form = parser.add_argument_group("form of the input")
    add_feed_flags(form)
    form.add_argument("--metrics", default="", metavar="LIST", help="comma-separated names of the metrics to publish; "
                      "without it those of the feed, of a feed without any all fields that hold numbers, and of "
                      "inputs in the canonical form all fields")  # fmt: skip
    rows = parser.add_argument_group("rows")
    rows.add_argument(
        "--start",
        default="",
        metavar="TIME",
        help="start of the time range, inclusive: seconds since the epoch or RFC 3339",
    )
    rows.add_argument("--end", default="", metavar="TIME", help="end of the time range, exclusive")
    rows.add_argument("--limit", default="", metavar="N", help="maximum number of rows, in each pass of a loop")
    rows.add_argument("--order", default="time", metavar="time|as-is", help="sort the rows of all inputs by time, on "
                      "disk if they are many, or keep the order of the files")  # fmt: skip
    rows.add_argument("--loop", default="1", metavar="N", help="number of passes; each pass is later by the "
                      "length of the recording")  # fmt: skip
    when = parser.add_argument_group("pace and time")
    when.add_argument("--speed", default="", metavar="N|max", help="factor on the recorded pace, or max for no "
                      "waiting (default: 1, which takes as long as the recording; with --rate: max)")  # fmt: skip
    when.add_argument("--rate", default="", metavar="ROWS_PER_S", help="maximum number of rows a second")
    when.add_argument("--event-time", default="original", metavar="original|rebase", help="keep the times, or "
                      "shift them so that the first row is now")  # fmt: skip
    how = parser.add_argument_group("messages")
    how.add_argument("--rows-per-message", default="1", metavar="N", help="maximum number of rows in a message; "
                     "a message has at most 256 KB")  # fmt: skip
    how.add_argument("--gzip", action="store_true", help="compress the messages")
    order = how.add_mutually_exclusive_group()
    order.add_argument("--order-by-device", action="store_true", help="use one ordering key for each device, "
                       "and messages of one device; without it one key keeps the whole replay in order")  # fmt: skip
    order.add_argument("--unordered", action="store_true", help="use no ordering keys")
    how.add_argument("--run-id", default="", metavar="ID", help="first part of every message_key (default: a "
                     "hash of the input and the options)")  # fmt: skip
    how.add_argument("--checkpoint", default="", metavar="FILE", help="file that records what was acknowledged, to "
                     "continue there after a crash")  # fmt: skip
    chaos = parser.add_argument_group("tests of what reads the topic")
    chaos.add_argument("--chaos", default="", metavar="SPEC", help="disturb the messages, such as "
                       "duplicate=0.01,reorder=30s,late=0.001:20m,corrupt=0.001,drop=0,seed=7: probabilities for each "
                       "message, durations of event time")  # fmt: skip
    chaos.add_argument("--truth", default="", metavar="FILE", help="file that records what --chaos did, as lines of "
                       "JSON")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Replay, print the summary, and return the exit code, 1 if something could not be published.

    Must be called from the main thread, for it handles SIGINT and SIGTERM.

    Raises:
        ConfigError: if an option cannot be used; nothing was published then.
        NothingUsableError: after the summary, if a job cannot use any of the rows.
        TelemetryError: after the summary, if something could not be published.
    """
    recording = make_recording(options)
    chaos = _chaos(options)
    with hold_checkpoint(options.checkpoint) if options.checkpoint else contextlib.nullcontext():
        session, seconds = _replay(options, recording, chaos)
    _check_length(options.checkpoint, session)
    published = f"{session.sender.rows:,} rows were published"
    summary = summarise(session, seconds)
    if chaos is not None:
        totals = chaos.truth.totals()
        try:
            chaos.truth.finish({"run_id": session.outcome.run_id, "complete": session.is_complete})
        except OutputError as error:
            session.outcome.error = session.outcome.error or str(error)
        summary |= {"rows_read": totals["rows_built"], "chaos": totals}
    write_result(msgspec.json.encode(summary).decode() + "\n", published)
    if session.outcome.error:
        raise TelemetryError(session.outcome.error)
    if session.is_complete and not session.usability.found:
        cause = "", 0, ""
        if recording.foreign is not None:
            cause = recording.foreign.inputs.causes.commonest()
        raise NothingUsableError(nothing_usable(*(cause if cause[0] else session.usability.commonest())))
    return FAILURE if session.sender.failed_rows else SUCCESS


def _replay(options: argparse.Namespace, recording: Recording, chaos: Chaos | None) -> tuple[Replayer, float]:
    """Replay a recording; return the session, and how many seconds it took."""
    speed, rate = _pace(options)
    earlier = _earlier(options, recording)
    stopped = threading.Event()
    topic = ReplayTopic(options.topic, recording.ordering != "none")
    with contextlib.closing(topic), stopping(stopped.set), _progress_bar() as bar:
        if options.create:
            create_destination(topic, options, ordered=recording.ordering != "none")
        else:
            topic.check()
        if speed is not None and (line := announcement(recording, speed)):
            sys.stderr.write(f"{options.program}: {line}\n")
        pacer = Pacer(speed, rate, stopped, lambda text: bar.write(text, file=sys.stderr))
        session = Replayer(
            recording,
            topic,
            pacer,
            stopped,
            earlier=earlier,
            run_id=options.run_id,
            speeds_up=speed not in (None, 1.0),
            chaos=chaos,
        )
        save = _saver(options.checkpoint)
        save(session.progress)
        began = time.perf_counter()
        with _rare_collections():
            session.run(save, bar.update)
        seconds = time.perf_counter() - began
    return session, seconds


def summarise(session: Replayer, seconds: float) -> dict[str, Any]:
    """Return the summary of a replay; rows_read = rows_published + rows_skipped + failed."""
    outcome, delivery = session.outcome, session.sender
    return {
        "run_id": outcome.run_id,
        "rows_read": outcome.rows_read,
        "rows_published": delivery.rows,
        "rows_skipped": outcome.rows_skipped,
        "messages": delivery.messages,
        "bytes": delivery.bytes,
        "failed": delivery.failed_rows,
        "rows_out_of_order": session.disorder.rows,
        "out_of_order_by_s": session.disorder.back_us / 1e6,
        "interrupted": outcome.interrupted,
        "seconds": round(seconds, 3),
        "rows_per_second": round(delivery.rows / seconds) if seconds else 0,
        "first_event_time": None if outcome.first_us is None else format_time(outcome.first_us),
        "last_event_time": None if outcome.last_us is None else format_time(outcome.last_us),
    }


def make_recording(options: argparse.Namespace) -> Recording:
    """Return the recording that the options describe.

    Raises:
        ConfigError: naming the option, its value and what is wrong with it.
    """
    check_destination_names(options)
    if options.run_id and _RUN_ID.fullmatch(options.run_id) is None:
        raise ConfigError("--run-id", options.run_id, "must be up to 100 letters, digits, '.', '_' or '-'")
    mapping = parse_columns(options.columns)
    others = [flag for flag in (*FLAGS, "--metrics") if getattr(options, flag.lstrip("-").replace("-", "_"))]
    if mapping and others:
        raise ConfigError("--columns", options.columns, f"cannot be combined with {others[0]}, which replaces it")
    limit = read_whole("--limit", options.limit, 10**15) if options.limit else None
    selection = Selection(*read_span(options.start, options.end), limit)
    loop = read_whole("--loop", options.loop, 10**9)
    if STDIN in options.input and (loop > 1 or options.input.count(STDIN) > 1):
        raise ConfigError("--loop" if loop > 1 else "INPUT", loop if loop > 1 else STDIN,
                          "standard input can be read only once")  # fmt: skip
    if options.event_time not in get_args(EventTime):
        raise ConfigError("--event-time", options.event_time, "must be original or rebase")
    if options.order not in get_args(Order):
        raise ConfigError("--order", options.order, "must be time or as-is")
    ordering: Ordering = "device" if options.order_by_device else "none" if options.unordered else "run"
    rows_per_message = read_whole("--rows-per-message", options.rows_per_message, _MOST_ROWS_PER_MESSAGE)
    foreign = None if mapping else _foreign(options)
    for path in options.input if mapping else ():
        check_input(path, mapping)
    return Recording(
        inputs=tuple(options.input),
        mapping=mapping,
        selection=selection,
        loop=loop,
        event_time=options.event_time,
        rows_per_message=rows_per_message,
        compress=options.gzip,
        ordering=ordering,
        order=options.order,
        foreign=foreign,
    )


def _foreign(options: argparse.Namespace) -> FeedRowReader:
    """Return what reads inputs of any dialect, after a look at each."""
    feed = read_feed(options)
    metrics = read_metrics(options.metrics) if options.metrics else None
    return FeedRowReader(FeedInputs(options.input, feed, metrics))


def _chaos(options: argparse.Namespace) -> Chaos | None:
    if not options.chaos:
        if options.truth:
            raise ConfigError("--truth", options.truth, "is only used with --chaos")
        return None
    disturbances = parse_chaos(options.chaos)
    if options.checkpoint:
        raise ConfigError("--chaos", options.chaos, "cannot be combined with --checkpoint")
    return Chaos(disturbances, Truth(options.truth))


def _pace(options: argparse.Namespace) -> tuple[float | None, float | None]:
    rate = read_positive("--rate", options.rate) if options.rate else None
    speed = options.speed or ("1" if rate is None else "max")
    return None if speed == "max" else read_positive("--speed", speed, "max"), rate


def _earlier(options: argparse.Namespace, recording: Recording) -> Progress | None:
    earlier = load_progress(options.checkpoint) if options.checkpoint else None
    if earlier is None:
        return None
    if earlier.recording != recording.fingerprint() or options.run_id not in ("", earlier.run_id):
        problem = f"belongs to replay {earlier.run_id} of another input or with other options; remove it to begin anew"
        raise ConfigError("--checkpoint", options.checkpoint, problem)
    return earlier


def _check_length(path: str, session: Replayer) -> None:
    """Check that a checkpoint does not claim more messages than the input has, all of which were then skipped.

    Raises:
        ConfigError: if it does.
    """
    claimed, built = session.progress.next_sequence, session.outcome.messages_built
    if session.is_complete and built < claimed:
        problem = f"claims {claimed:,} published messages, the input has {built:,}; remove it to begin anew"
        raise ConfigError("--checkpoint", path, problem)


def _saver(path: str) -> Callable[[Progress], None]:
    def save(progress: Progress) -> None:
        if path:
            save_progress(path, progress)

    return save


@contextlib.contextmanager
def _rare_collections() -> Iterator[None]:
    """Let Python search for unreachable cycles rarely: rows make many containers and no cycles."""
    before = gc.get_threshold()
    gc.set_threshold(_CONTAINERS)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _progress_bar() -> Any:
    return tqdm(unit=" rows", unit_scale=True, file=sys.stderr, disable=not sys.stderr.isatty(), smoothing=0.1)
