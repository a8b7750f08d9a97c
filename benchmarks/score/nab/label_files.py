"""Write the alarms of every series beside its timestamps, so that any other scorer can judge them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.score.nab.series import LabelledSeries


def write_labels(folder: Path, corpus: Sequence[LabelledSeries], alarms: Mapping[str, NDArray[np.bool_]]) -> None:
    """Write ``<folder>/<series>.csv`` for each series: every row in its order, 1 where an incident opens, else 0."""
    for series in corpus:
        path = folder / f"{series.name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write("timestamp,label\n")
            labels = alarms[series.name].tolist()
            file.writelines(f"{time},{int(label)}\n" for time, label in zip(series.timestamps, labels, strict=True))
