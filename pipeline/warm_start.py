"""Let the rules of a stream know readings from before its beginning.

The launcher judges them as a backtest does, and writes what the rules then remember of each shard. Nobody is told of
transitions in the past. The shards of the stream begin with what was written.
"""

import contextlib
import logging
import tempfile
import time
import uuid
from collections.abc import Iterator
from typing import Final

from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions

from pipeline.backtest.read_readings import Rejections, read_archive, read_inputs
from pipeline.backtest.time_order import TimeOrder
from pipeline.config import JobConfig
from pipeline.local.state.state_folder import StateFolder
from pipeline.options import is_local
from pipeline.sources.files import is_input
from telemetry.errors import ConfigError
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.timeline import RulesTimeline
from telemetry.storage.files import StorageError, join
from telemetry.text.timestamps import format_time
from transforms.incidents.incident_state import IncidentState
from transforms.incidents.judge_slices import SliceJudge
from transforms.incidents.time_slices import SLICE_ROWS, TimeSlice
from transforms.incidents.warm_states import write_warm_state
from transforms.incidents.watched_rows import WatchedRows, no_rows

_LOG: Final = logging.getLogger("pipeline.rules")
_FLAG: Final = "--warm-start"


@contextlib.contextmanager
def warm_states(config: JobConfig, options: PipelineOptions, job_id: str, state: StateFolder | None) -> Iterator[str]:
    """Yield the folder of what the rules remember at the beginning of a stream; "" if that is nothing.

    A stream that goes on has its state: the flag is then not looked at.

    Args:
        config: of the job.
        options: for Beam.
        job_id: the job.
        state: of a local stream; None if it keeps none.

    Raises:
        ConfigError: if the readings cannot be used.
    """
    if state is not None:
        if config.warm_start and not state.is_empty:
            _LOG.warning("%s %s: not read, the state in %s goes on", _FLAG, config.warm_start, state.path)
        elif config.warm_start:
            _prepare(config, str(state.warm))
            state.use_warm()
        yield str(state.warm) if state.description.is_warm else ""
    elif not config.warm_start:
        yield ""
    elif is_local(options):
        with tempfile.TemporaryDirectory(prefix="telemetry-warm-start-") as folder:
            _prepare(config, folder)
            yield folder
    else:
        yield _prepare_remote(config, options.view_as(GoogleCloudOptions), job_id)


def _prepare_remote(config: JobConfig, cloud: GoogleCloudOptions, job_id: str) -> str:
    """Prepare a folder that workers can read, and return it; "" for a job whose state goes on."""
    if cloud.update:
        _LOG.warning("%s %s: not read, the state of the job that is updated goes on", _FLAG, config.warm_start)
        return ""
    if not cloud.temp_location:
        raise ConfigError(_FLAG, config.warm_start, "needs --temp_location, where workers read what the rules remember")
    folder = join(cloud.temp_location, f"warm-start-{job_id}-{uuid.uuid4().hex[:8]}")
    _prepare(config, folder)
    return folder


def _prepare(config: JobConfig, folder: str) -> None:
    """Judge the readings that the flag names, and write what the rules remember into a folder."""
    rules, place = config.rules, config.warm_start
    latest_us = time.time_ns() // 1_000 + config.clock_skew_us
    rejections = Rejections()
    with TimeOrder(rules.metrics) as order:
        ahead = 0
        try:
            for rows in _read(config, rejections):
                known = rows.event_us <= latest_us
                ahead += len(rows) - int(known.sum())
                order.add(rows if known.all() else rows.select(known))
        except ConfigError as error:
            raise ConfigError(_FLAG, error.value, error.problem) from error
        if ahead:  # the state's watermark would be there, and all readings of the stream too late
            _LOG.warning("%s %s: %d readings are ahead of the clock and left out", _FLAG, place, ahead)
        unusable = ", ".join(f"{count} {reason}" for reason, count in sorted(rejections.counts.items()))
        if not order.readings:
            raise ConfigError(_FLAG, place, "holds no usable reading" + (f" ({unusable})" if unusable else ""))
        if unusable:
            _LOG.warning("%s %s: rows that cannot be used are left out: %s", _FLAG, place, unusable)
        still_open = 0
        try:
            for shard, state in enumerate(judge_past(order, rules, config.shards)):
                write_warm_state(folder, shard, state)
                still_open += _open_incidents(state)
        except StorageError as error:
            raise ConfigError(_FLAG, place, f"the state cannot be written to {error.path}: {error.problem}") from error
        _LOG.info(
            "warm start: %d readings of %d devices up to %s, %d open incidents",
            order.readings, len(order.devices), format_time(order.last_us), still_open,
        )  # fmt: skip


def _read(config: JobConfig, rejections: Rejections) -> Iterator[WatchedRows]:
    rules, place = config.rules, config.warm_start
    if is_input(place):
        return read_inputs([place], config.decoding, rules.metrics, rejections)
    return read_archive([place], rules.metrics)


def judge_past(order: TimeOrder, rules: RuleSet, shards: int, slice_rows: int = SLICE_ROWS) -> list[IncidentState]:
    """Return what rules remember of readings, key by key, when they are judged up to the last one.

    Args:
        order: the readings, at least one.
        rules: with which the stream begins.
        shards: number of shards of devices; the key behind them is the roster's.
        slice_rows: about how many readings are judged at a time. It makes no difference to the states.
    """
    judge = SliceJudge(RulesTimeline.always(rules), order.first_us, shards)
    for part in order.slices(slice_rows):
        judge.judge(part)
    judge.judge(TimeSlice(no_rows(()), order.last_us + 1))
    return judge.states


def _open_incidents(state: IncidentState) -> int:
    return sum(one.closed_us is None for rule in state.rules.values() for one in rule.episodes.values())
