"""Encode anomalies as compact columns for the page's script, in JSON that is safe inside a script element."""

import json
import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from plotting.style.texts import Texts

_HARMLESS: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
"""Escapes of the characters that HTML could interpret; in JSON they occur only in strings, where escapes are valid."""


def anomaly_columns(anomalies: pd.DataFrame, texts: Texts, words: Mapping[str, str]) -> dict[str, Any]:
    """Return the anomalies as columns.

    Repeated texts are encoded as a list of names and, for each row, an index into it. Times are differences to the
    previous row in microseconds; the first is relative to the epoch.

    Args:
        anomalies: as in `plotting.report.run_numbers.RunNumbers`.
        texts: number formats of the language, and labels and units of the metrics.
        words: texts of the page.
    """
    found: dict[str, Any] = {
        "rows": len(anomalies),
        "time": np.diff(anomalies["time_us"].to_numpy(np.int64), prepend=0).tolist(),
        "value": [value if math.isfinite(value) else None for value in anomalies["value"].tolist()],
    }
    for name, column in (("device", "device"), ("metric", "metric"), ("rule", "rule_id"), ("severity", "severity")):
        codes, names = pd.factorize(anomalies[column])
        shown = map(texts.listed_name, names) if name == "metric" else names
        found[name] = {"names": list(shown), "at": codes.tolist()}
    keys = anomalies.groupby(["comparison", "threshold", "threshold_upper", "metric"], dropna=False, sort=False)
    entries = anomalies.iloc[keys.head(1).index]
    found["limit"] = {
        "names": [limit_text(row, texts, words) for row in entries.itertuples()],
        "rank": [value if math.isfinite(value) else None for value in entries["threshold"].tolist()],
        "at": keys.ngroup().tolist(),
    }
    units = {name: texts.catalog.unit_of_values(name) for name in texts.catalog.entries}
    found["units"] = {texts.listed_name(name): unit for name, unit in units.items() if unit}
    return found


def limit_text(row: Any, texts: Texts, words: Mapping[str, str]) -> str:
    """Return the text of the bound that an anomaly breached: ``above 30 °C``."""
    low = texts.quantity(row.threshold, row.metric)
    high = "" if pd.isna(row.threshold_upper) else texts.quantity(row.threshold_upper, row.metric)
    form = words.get(row.comparison) if row.comparison in ("above", "below", "outside", "inside") else None
    return form.format(low=low, high=high) if form else f"{row.comparison} {low} {high}".rstrip()


def to_script_json(content: Mapping[str, Any]) -> str:
    """Return ASCII JSON for a ``<script type="application/json">``: no ``</script>``, no ``<!--``, no U+2028."""
    text = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character, escape in _HARMLESS.items():
        text = text.replace(character, escape)
    return text
