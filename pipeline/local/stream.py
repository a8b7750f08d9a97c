"""Run a subscription on this machine: from its state on disk to the end of the stream."""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import apache_beam as beam

from pipeline.beam_patches.keep_state import RunnerState
from pipeline.beam_patches.registry import (
    COUNT_EVERY_BUNDLE,
    KEEP_STATE,
    REPORT_FAILED_BUNDLES,
    SWITCH,
    is_on,
    patched,
)
from pipeline.config import JobConfig
from pipeline.failures import JobFailedError
from pipeline.local.state.keeper import StateKeeper
from pipeline.local.state.state_folder import StateFolder
from pipeline.preflight import check_output
from pipeline.sources.local_pubsub import ReadLocalPubSub
from pipeline.sources.local_stream import LocalStream
from pipeline.sources.stream_rules import StreamRules
from pipeline.sources.stream_timing import StreamTiming
from pipeline.sources.subscriber import Puller
from pipeline.subscriptions import check_subscription, connect, create_subscription, delete_subscription
from pipeline.summary import JobSummary
from telemetry.cli.commands import stopping
from telemetry.errors import ConfigError
from telemetry.model.kinds import KINDS
from telemetry.rules.follower import RulesFollower
from telemetry.rules.in_force import telling_rules
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.watch import RulesWatch
from telemetry.storage.written import noting_written, sync_written
from telemetry.text.durations import format_duration
from telemetry.text.name_lists import write_names
from telemetry.text.timestamps import format_time
from transforms.shuffle.deadlines import deadlines
from transforms.shuffle.processing_time import processing_time

_LOG: Final = logging.getLogger("pipeline")
_NOT_KEPT: Final = (
    "state none: a crash would lose the readings of open windows, and readings and ledger entries of the last minute"
)
_NOT_READ: Final = "nothing was received; messages that another process holds come back when their leases end"
Execute = Callable[[beam.PTransform, RuleSet], JobSummary]


@contextlib.contextmanager
def open_state(config: JobConfig) -> Iterator[StateFolder | None]:
    """Open the folder of the state for the time of a block; yield None if the job keeps none.

    Raises:
        ConfigError: if it cannot be used.
    """
    folder = _open_state(config)
    if folder is None:
        yield None
        return
    try:
        yield folder
    except ConfigError:
        if folder.is_new:  # nothing has run
            folder.remove()
        raise
    finally:
        folder.close()


def run_stream(config: JobConfig, folder: StateFolder | None, execute: Execute) -> JobSummary:
    """Run a subscription until it is idle or told to stop; return the summary.

    Args:
        config: the job.
        folder: its state; None to keep it in memory only.
        execute: runs the job's pipeline on a source with the local stream runner, beginning with some rules.

    Raises:
        ConfigError: if the subscription or the state cannot be used.
        JobFailedError: if the stream starts and cannot be finished.
    """
    with contextlib.ExitStack() as stack:
        if folder is not None:
            stack.enter_context(noting_written())
        flag, name = ("--topic", config.topic) if config.topic else ("--subscription", config.subscription)
        client = stack.enter_context(connect(flag, name))
        if not config.topic:
            if not check_subscription(client, name):
                _LOG.warning("%s does not deliver in order: rows may be late at full speed", name)
        else:
            known = folder.description.subscription if folder is not None else ""
            name = create_subscription(client, config.topic, known)
            if folder is None:
                stack.callback(delete_subscription, client, name)
            elif name != known:
                folder.use_subscription(name)
        runner = None if folder is None else RunnerState(str(folder.path), folder.snapshot.steps)
        keeper = None if folder is None or runner is None else StateKeeper(folder, runner)
        puller = Puller(client, name, None if keeper is None else keeper.confirm)
        rules = StreamRules(config.rules, b"" if folder is None else folder.snapshot.rules, _watch(config))
        stream = LocalStream(puller, config.decoding, _timing(config), rules, keeper, drain=config.drain)
        began = format_time(time.time_ns() // 1_000)
        try:
            with _patches(stream, runner), telling_rules(rules.in_force):
                summary = _serve(stream, lambda source: execute(source, rules.begun))
        except JobFailedError as error:
            raise JobFailedError(f"{error}; {_afterwards(stream, folder, began)}") from error
        if stream.error is not None:
            problem = " ".join(str(stream.error).split()) or type(stream.error).__name__
            raise JobFailedError(f"{flag} {name}: the source failed: {problem}") from stream.error
        if stream.failure:
            raise JobFailedError(f"{flag} {name}: {stream.failure}")
        ended = stream.ended_for_good or folder is None
        if folder is not None and ended:
            sync_written()
            folder.remove()
        if config.topic and folder is not None and (ended or stream.ended_idle):
            delete_subscription(client, name)
    return summary.with_notes(_notes(stream, folder))


def _open_state(config: JobConfig) -> StateFolder | None:
    """Open the folder of the state; None if the job keeps none."""
    if not config.state:
        return None
    if not (is_on(KEEP_STATE) and is_on(REPORT_FAILED_BUNDLES)):
        if config.flags.get("state"):
            raise ConfigError("--state", config.state, f"cannot be kept without its patches of Beam ({SWITCH})")
        _LOG.warning("the state is not kept: its patches of Beam are off or not tested with this release")
        return None
    if config.output and not config.flags.get("state"):
        check_output(config.output)  # else the complaint would name a flag that was not given
    return StateFolder(Path(config.state), _settings(config))


def _settings(config: JobConfig) -> Mapping[str, str]:
    """Return the flags that a state depends on, as texts."""
    windows = config.windows
    return {
        "--subscription": config.subscription,
        "--topic": config.topic,
        "--metrics": write_names(config.metrics),
        "--window": format_duration(windows.size_us),
        "--slide": format_duration(windows.slide_us),
        "--window-zone": windows.zone,
        "--shards": str(config.shards),
        "--dedup": "on" if config.dedup_us is not None else "",
        "--dedup-readings": "on" if config.dedup_readings_us is not None else "",
    }


def _timing(config: JobConfig) -> StreamTiming:
    gathered = max(config.flush_us, *(kind.gather_us for kind in KINDS.values()))
    flush_us = max(gathered, config.windows.early_us or 0) + 1_000_000
    return StreamTiming(config.watermark_lag_us, config.stop_after_idle_us, flush_us)


def _watch(config: JobConfig) -> RulesWatch | None:
    followed = config.followed_rules
    if followed is None:
        return None
    return RulesWatch(RulesFollower(followed.path, followed.metrics, config.rules), followed.every_us)


def _serve(stream: LocalStream, execute: Callable[[beam.PTransform], JobSummary]) -> JobSummary:
    source = ReadLocalPubSub(stream)
    succeeded = False
    try:
        source.start()
        with stopping(stream.stop):
            summary = execute(source)
        succeeded = True
    finally:
        stream.finish(succeeded=succeeded)
        source.stop()
    return summary


@contextlib.contextmanager
def _patches(stream: LocalStream, runner: RunnerState | None) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for patch, arguments in (
            (COUNT_EVERY_BUNDLE, ()),
            (REPORT_FAILED_BUNDLES, (stream.fail,)),
        ):
            stack.enter_context(patched(patch, *arguments))
        stack.enter_context(deadlines(stream.deadline_limit_us, stream.note_reading))
        if runner is not None:
            stack.enter_context(patched(KEEP_STATE, runner))
            stack.enter_context(processing_time(runner.clock_s))
        yield


def _afterwards(stream: LocalStream, folder: StateFolder | None, began: str) -> str:
    """Say what a failure of the job means for the messages that it has acknowledged."""
    if folder is not None:
        return f"nothing is lost, another start goes on with the state in {folder.path}"
    missing = f"{stream.acknowledged} messages acknowledged before may be missing from the results"
    return f"{missing}: publish them again, or seek the subscription to {began} if it retains what is acknowledged"


def _notes(stream: LocalStream, folder: StateFolder | None) -> list[str]:
    notes = []
    if folder is None:
        notes.append(_NOT_KEPT)
    elif not stream.ended_for_good:
        how = "all windows are reported" if stream.ended_idle else "open windows are kept"
        notes.append(f"{how}; the state in {folder.path} is for the next start, --drain ends the stream for good")
    if stream.replayed:
        notes.append(f"{stream.replayed:,} messages were read again from the journal of an earlier start")
    is_first = folder is None or folder.is_new
    if stream.ended_idle and is_first and not stream.acknowledged and not stream.replayed:
        notes.append(_NOT_READ)
    return notes
