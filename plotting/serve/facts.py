"""What the page says beside the picture: the numbers, the latest anomalies, what there is to choose."""

from typing import Any, Final

import pandas as pd

from plotting.serve.choice import ViewChoice
from plotting.serve.live import LiveRun
from telemetry.text.timestamps import format_time

_LATEST: Final = 12
_MOST_DEVICES: Final = 300


def facts_of(run: LiveRun, choice: ViewChoice) -> dict[str, Any]:
    """Return the numbers of a run as they are shown, and names as they are."""
    texts = choice.texts
    newest = None if run.newest_us is None else format_time(run.newest_us)[:19].replace("T", " ")
    return {
        "newest": newest,
        "problem": run.problem,
        "anomalies": texts.integer(run.anomalies.total),
        "windows": texts.integer(run.windows),
        "letters": texts.integer(run.letters.total),
        "dropped": texts.integer(run.anomalies.dropped) if run.anomalies.dropped else "",
        "metrics": [[name, texts.names.get(name, name)] for name in run.metrics()],
        "latest": [_row(row, choice) for row in run.anomalies.newest(_LATEST).itertuples()],
        **devices_like(run, choice, ""),
    }


def devices_like(run: LiveRun, choice: ViewChoice, text: str) -> dict[str, Any]:
    """Return the devices whose names contain a text, not more than a page can show, and how many are left out."""
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
