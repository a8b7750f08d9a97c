"""Describe the telemetry that the demonstration replays."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from demo.steps import RULES, run_step, say, try_step
from telemetry.feed.parse import load_feed
from telemetry.text.name_lists import write_names

_METRIC: Final = "temp"


@dataclass(frozen=True)
class DemoSource:
    """Telemetry to replay.

    Attributes:
        csv: the file.
        feed: how it becomes readings; None for the canonical form.
        metrics: names of the metrics of a foreign file; () for the default ones.
        rules: of the job; None for the default rules.
    """

    csv: Path
    feed: Path | None = None
    metrics: tuple[str, ...] = ()
    rules: Path | None = RULES

    @property
    def metric(self) -> str:
        """The metric of the pictures."""
        return _METRIC if not self.metrics or _METRIC in self.metrics else self.metrics[0]

    @property
    def feed_flags(self) -> tuple[object, ...]:
        """Flags of commands that read the file, or draw what came of it."""
        return () if self.feed is None else ("--feed", self.feed)

    @property
    def job_flags(self) -> tuple[object, ...]:
        """Flags of the job."""
        rules = () if self.rules is None else ("--rules", self.rules)
        return rules if self.feed is None else (*rules, "--metrics", write_names(self.metrics), "--archive")

    def readings(self, results: Path) -> Path:
        """Return where the readings are for pictures: the file, or the archive of a job if the file is foreign."""
        return self.csv if self.feed is None else results / "readings"


def own_source(csv: Path, folder: Path) -> DemoSource:
    """Return a file of the user's own: as it is, or as the feed says that is proposed and written for it.

    Rules of a foreign file are those that fit it, if there are some.
    """
    feed, rules = folder / "feed.yaml", folder / "rules.yaml"
    read_as = json.loads(run_step("explore", csv, "--json")).get("read_as")
    if read_as is None:
        return DemoSource(csv)
    feed.write_text(read_as["feed"], encoding="utf-8")
    say(f"read as a proposed feed says: {feed}")
    for question in read_as["questions"]:
        say(f"  question: {question}")
    rules.unlink(missing_ok=True)
    suggested = try_step("suggest", csv, "--feed", feed, "--output", rules)
    return DemoSource(csv, feed, tuple(load_feed(str(feed)).metrics), rules if suggested else None)
