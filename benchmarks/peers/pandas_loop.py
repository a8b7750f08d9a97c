"""Use pandas row by row with `iterrows`, like a first script: only the threshold, without windows."""

import json
from pathlib import Path

import pandas as pd

from benchmarks.peers.common import ANOMALIES, THRESHOLD, run


def _work(path: str, folder: Path) -> None:
    frame = pd.read_json(path, lines=True, engine="pyarrow")
    with open(folder / ANOMALIES, "w", encoding="utf-8") as file:
        for _, row in frame.iterrows():
            if row["temp"] > THRESHOLD:
                file.write(json.dumps({"device": row["device"], "ts": row["ts"], "temp": row["temp"]}) + "\n")


if __name__ == "__main__":
    run(_work, "pandas")
