"""The stories of `stories.yaml`, run through the whole graph on the local streaming runner."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from telemetry.model.messages import Message
from tests.support import oracle
from tests.support.counting import recorded
from tests.support.jobs import Events, imbalances, ndjson, run_events
from transforms.windows import window_shard

STORIES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("stories.yaml").read_text())
CASES = [
    pytest.param(story, tells, id=f"{story['name']}-{'told' if tells else 'untold'}")
    for story in STORIES
    for tells in (True, False)
    if tells or not story.get("tells")
]


def tell(story: dict[str, Any], tells: bool) -> Events:
    events = Events()
    watermark_us: int | None = None
    for number, event in enumerate(story["events"]):
        if "watermark" in event:
            watermark_us = round(event["watermark"] * 1e6)
            events.watermark(watermark_us)
        elif "clock" in event:
            events.clock(event["clock"])
        else:
            rows = [{"ts": ts, "device": device, "temp": temp} for ts, device, temp in event["readings"]]
            published_us = None if tells else 1_000_000_000_000
            message = Message(ndjson(rows), {}, f"m{number}", published_us, watermark_us if tells else None)
            events.message(message, round(min(row["ts"] for row in rows) * 1e6))
    return events


@pytest.mark.parametrize(("story", "tells"), CASES)
def test_story(story: dict[str, Any], tells: bool, tmp_path: Path) -> None:
    flags = ["--allowed-lateness", "120s", *story.get("flags", [])]
    run_events(tell(story, tells), "--output", tmp_path, "--flush-interval", "1ms", *flags)

    rows = oracle.read_output(tmp_path, "aggregates").to_dict("records")
    found = [[r["window_start"] / 1e6, r["device"], r["count"], r["mean"], r["timing"], r["pane_index"]] for r in rows]
    assert sorted(found) == sorted(story["aggregates"])

    anomalies = oracle.read_output(tmp_path, "anomalies").to_dict("records")
    assert sorted([r["event_time"] / 1e6, r["value"]] for r in anomalies) == story.get("anomalies", [])

    letters = oracle.read_output(tmp_path, "dead_letters").to_dict("records")
    dead = [[r["reason"], json.loads(base64.b64decode(r["payload"]))["ts"]] for r in letters]
    assert sorted(dead) == story.get("dead_letters", [])
    assert imbalances(tmp_path) == []


@pytest.mark.parametrize("tells", [True, False])
def test_hours_that_share_a_key_may_share_a_table(tells: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_shard, "MAX_TABLES", 1)
    test_story(next(story for story in STORIES if story["name"].startswith("two hours of one key")), tells, tmp_path)


def test_stories_have_names_of_their_own() -> None:
    names = [story["name"] for story in STORIES]
    assert len(set(names)) == len(names)


def test_how_late_windows_took_readings_is_observed(tmp_path: Path) -> None:
    story = next(story for story in STORIES if story["name"].startswith("one moment before the lateness is over"))
    flags = ("--output", tmp_path, "--allowed-lateness", "120s", "--flush-interval", "1ms")
    with recorded() as tally:
        run_events(tell(story, tells=True), *flags)
    assert tally.values["window_lateness_ms"] == [119_999]
