"""A run's files in ``benchmarks/results``: JSON, Markdown and a chart. They tell the machine, not whose it is."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from benchmarks import bars
from benchmarks.contender import Timing
from benchmarks.data import Data
from benchmarks.report import to_json, to_markdown

_PATH = re.compile(r"(?<![\w:/.])/(?:[^\s/\"']+/)+")
"""The folders of an absolute path; the protocol of a URL is none."""


def write_results(
    folder: Path, timings: Sequence[Timing], data: Data, facts: Mapping[str, str], today: date
) -> list[Path]:
    """Write three files; returns their paths. Those of an earlier run of the day are kept."""
    stem = free_stem(folder, f"{today.isoformat()}-{machine_name(facts)}")
    texts = {".json": to_json(timings, data, facts) + "\n", ".md": to_markdown(timings, data, facts)}
    paths = []
    for suffix, text in texts.items():
        path = folder / f"{stem}{suffix}"
        path.write_text(without_folders(text), encoding="utf-8")
        paths.append(path)
    if any(timing.seconds and timing.contender.rows for timing in timings):
        chart = folder / f"{stem}.png"
        bars.draw(chart, timings, f"{data.title}, {data.whole.answer.rows:,} rows; {facts['cores']} cores")
        paths.append(chart)
    return paths


def machine_name(facts: Mapping[str, str]) -> str:
    """Return a short name of a kind of machine: its processor and how many there are."""
    processor = re.sub(r"\(.*?\)|\b(cpu|processor)\b|@.*", " ", facts["processor"], flags=re.IGNORECASE)
    words = re.findall(r"[a-z0-9]+", processor.lower())[:3]
    return "-".join([*words, f"{facts['cores']}-cores"])


def free_stem(folder: Path, stem: str) -> str:
    """Return a name that no run has taken yet: the stem, or the stem with a number."""
    number, name = 1, stem
    while (folder / f"{name}.json").exists():
        number += 1
        name = f"{stem}-{number}"
    return name


def without_folders(text: str) -> str:
    """Return a text in which absolute paths have lost their folders."""
    return _PATH.sub("", text)
