"""Build the messages that fill the page around the picture: numbers, latest anomalies, metrics and devices."""

from typing import Any, Final

import pandas as pd

from plotting.serve.live_run import LiveRun
from plotting.serve.view_choice import ViewChoice
from telemetry.text.timestamps import format_time

_LATEST: Final = 12
_MOST_DEVICES: Final = 300


def run_message(run: LiveRun, choice: ViewChoice) -> dict[str, Any]:
    """Return the content of a ``run`` message: formatted numbers, latest anomalies, metrics and devices."""
    texts = choice.texts
    newest = None if run.newest_us is None else format_time(run.newest_us)[:19].replace("T", " ")
    return {
        "newest": newest,
        "problem": run.problem,
        "anomalies": texts.integer(run.anomalies.total),
        "windows": texts.integer(run.windows),
        "letters": texts.integer(run.letters.total),
        "dropped": texts.integer(run.anomalies.dropped) if run.anomalies.dropped else "",
        "metrics": [[name, texts.name(name)] for name in run.metrics()],
        "latest": [_row(row, choice) for row in run.anomalies.newest(_LATEST).itertuples()],
        **matching_devices(run, choice, ""),
    }


def matching_devices(run: LiveRun, choice: ViewChoice, text: str) -> dict[str, Any]:
    """Return the first devices whose names contain a text, and the number of further ones."""
    found = [name for name in run.devices(choice.metric_or_all) if text.lower() in name.lower()]
    more = len(found) - _MOST_DEVICES
    return {"devices": found[:_MOST_DEVICES], "more": choice.texts.integer(more) if more > 0 else "", "find": text}


def _row(row: Any, choice: ViewChoice) -> list[str]:
    time = pd.Timestamp(row.event_time).strftime("%Y-%m-%d %H:%M:%S")
    texts = choice.texts
    return [
        time,
        row.device,
        texts.quantity(row.value, row.metric),
        row.rule_id,
        row.severity,
        texts.severity(row.severity),
    ]
