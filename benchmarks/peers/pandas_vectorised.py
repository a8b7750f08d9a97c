"""Use pandas by columns: a mask for the threshold and one `groupby` with named aggregations for the windows."""

from pathlib import Path

import pandas as pd

from benchmarks.peers.common import AGGREGATES, ANOMALIES, METRICS, THRESHOLD, WINDOW_S, run


def _work(path: str, folder: Path) -> None:
    frame = pd.read_json(path, lines=True, engine="pyarrow")
    hot = frame.loc[frame["temp"] > THRESHOLD, ["device", "ts", "temp"]]
    hot.to_json(folder / ANOMALIES, orient="records", lines=True, double_precision=15)
    start = (frame["ts"] // WINDOW_S * WINDOW_S).astype("int64").rename("window_start")
    grouped = frame.groupby([frame["device"], start])[list(METRICS)]
    table = grouped.agg(["count", "mean", "min", "max"])
    table.columns = ["_".join(names) for names in table.columns]
    table.reset_index().to_json(folder / AGGREGATES, orient="records", lines=True, double_precision=15)


if __name__ == "__main__":
    run(_work, "pandas", "pyarrow")
