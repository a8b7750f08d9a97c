"""Write the results of a run as JSON, Markdown and a chart, without personal data such as folder names."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from benchmarks import bar_chart
from benchmarks.cases import CaseTiming
from benchmarks.data import Data
from benchmarks.report import to_json, to_markdown

_PATH = re.compile(r"(?<![\w:/.])/(?:[^\s/\"']+/)+")
"""Folders of an absolute path; the protocol of a URL does not match."""


def write_results(
    folder: Path, timings: Sequence[CaseTiming], data: Data, facts: Mapping[str, str], today: date
) -> list[Path]:
    """Write the files and return their paths; files of earlier runs are kept."""
    stem = free_stem(folder, f"{today.isoformat()}-{machine_name(facts)}")
    texts = {".json": to_json(timings, data, facts) + "\n", ".md": to_markdown(timings, data, facts)}
    paths = []
    for suffix, text in texts.items():
        path = folder / f"{stem}{suffix}"
        path.write_text(without_folders(text), encoding="utf-8")
        paths.append(path)
    if any(timing.seconds and timing.case.rows for timing in timings):
        chart = folder / f"{stem}.png"
        bar_chart.draw(chart, timings, f"{data.title}, {data.whole.totals.rows:,} rows; {facts['cores']} cores")
        paths.append(chart)
    return paths


def machine_name(facts: Mapping[str, str]) -> str:
    """Return a short name of the machine type: processor and number of cores."""
    processor = re.sub(r"\(.*?\)|\b(cpu|processor)\b|@.*", " ", facts["processor"], flags=re.IGNORECASE)
    words = re.findall(r"[a-z0-9]+", processor.lower())[:3]
    return "-".join([*words, f"{facts['cores']}-cores"])


def free_stem(folder: Path, stem: str) -> str:
    """Return an unused file name: the stem, or the stem with a number."""
    number, name = 1, stem
    while (folder / f"{name}.json").exists():
        number += 1
        name = f"{stem}-{number}"
    return name


def without_folders(text: str) -> str:
    """Remove the folders of absolute paths from a text."""
    return _PATH.sub("", text)
