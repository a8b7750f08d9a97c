"""Make readings as a table: fixed ones, and ones that Hypothesis draws."""

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from tests.support import oracle

HOUR = 3_600


def frame() -> pd.DataFrame:
    """Two hours of three devices."""
    moments = range(0, 2 * HOUR, 7)
    return pd.DataFrame(
        {
            "ts": [1_594_512_000.25 + moment for moment in moments],
            "device": [f"d{n % 3}" for n in range(len(moments))],
            "temp": [20.0 + n % 12 for n in range(len(moments))],
            **{name: [n % 5 / 7 for n in range(len(moments))] for name in ("co", "humidity", "lpg", "smoke")},
        }
    )


@st.composite
def readings(draw: st.DrawFn) -> pd.DataFrame:
    """Up to 120 readings of a few devices over two hours, with gaps, ties and missing values."""
    n = draw(st.integers(1, 120))
    seed = draw(st.integers(0, 2**32 - 1))
    devices = draw(st.lists(st.sampled_from(["b8:27:eb:bf:9d:51", "ä device", "2", "null"]), min_size=1, unique=True))
    rng = np.random.default_rng(seed)
    start = draw(st.sampled_from([0.0, 1_594_512_094.0, 1_594_598_399.5]))
    ts = start + np.round(rng.uniform(0, draw(st.sampled_from([50.0, 300.0, 7_200.0])), n), draw(st.integers(0, 6)))
    frame = pd.DataFrame({"ts": ts, "device": rng.choice(devices, n)})
    for metric in oracle.METRICS:
        values = np.round(rng.normal(28.0, 3.0, n), draw(st.integers(0, 3)))
        frame[metric] = np.where(rng.uniform(size=n) < draw(st.sampled_from([0.0, 0.3, 1.0])), np.nan, values)
    return frame
