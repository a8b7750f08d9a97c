"""Draw the charts as small pictures without texts, and compare them with stored ones.

`python -m tests.plotting.baselines` writes new ones. Texts are hidden, because another version of a font would move
them; other tests check them. Pictures are blurred before the comparison, so that another way of smoothing edges makes
no difference, but a missing point does.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text
from PIL import Image

from plotting.figures import make_figure
from plotting.style.themes import THEMES
from telemetry.model.records import DeadLetter
from tests.support.runs import MINUTE, T0, anomaly, window, write, write_csv, write_run

FOLDER: Final = Path(__file__).parent
_DPI: Final = 60
_SIDE: Final = 8  # pixels of the squares whose mean colours are compared: a red point is 3 wide
MOST_OF_A_SQUARE: Final = 6.0
"""How far a mean colour (0–255) of a square may be off; a red point too few is 16."""
MOST_OF_ALL: Final = 1.0
"""How far all of them may be off, as the root of the mean square."""
Pixels = np.ndarray[Any, np.dtype[np.uint8]]
Doubles = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Picture:
    """Draw a picture of the scene."""

    kind: str
    readings: bool = False
    devices: tuple[str, ...] = ()
    theme: str = "light"
    language: str = "en"


PICTURES: Final = {
    "scatter-readings": Picture("scatter", readings=True),
    "scatter-windows": Picture("scatter"),
    "trend": Picture("trend"),
    "overview": Picture("overview"),
    "trend-dark": Picture("trend", theme="dark"),
    "scatter-french": Picture("scatter", readings=True, devices=("b",), language="fr"),
}


@dataclass(frozen=True)
class Scene:
    """A run on disk, and the readings it came from."""

    run: Path
    csv: Path


def write_scene(folder: Path) -> Scene:
    """Two devices for two hours, one of them silent for a while, with ten anomalies."""
    found = [anomaly("a", T0 + n * 11 * MINUTE, 31.0 + n % 4) for n in range(10)]
    windows, rows = [], [(one.source_time / 1e6, one.device, one.value) for one in found]
    for device, level in (("a", 21.0), ("b", 25.0)):
        for minute in range(120):
            if device == "b" and 50 <= minute < 75:
                continue
            mean = level + 3 * math.sin(minute / 15)
            windows.append(window(device, minute, mean, low=mean - 1.5, high=mean + 1.0 + minute / 60))
            rows += [(T0 / 1e6 + minute * 60 + 10 * n + 1, device, mean + math.sin(7.0 * n + minute)) for n in range(6)]
    run = write_run(folder / "run", windows, found)
    letters = [DeadLetter("late", "", "aggregate", "", None, "{}", f"m{n}", None, T0 + n * MINUTE) for n in range(3)]
    write(run, "dead_letters", letters)
    return Scene(run, write_csv(folder / "readings.csv", [(f"{ts:.6f}", *rest) for ts, *rest in rows]))


def make(name: str, scene: Scene) -> Figure:
    """Return a picture by its name."""
    one = PICTURES[name]
    readings = [scene.csv] if one.readings else []
    return make_figure(
        one.kind, scene.run, devices=one.devices, language=one.language, theme=one.theme, readings=readings
    )


def pixels(name: str, figure: Figure) -> Pixels:
    """Return a picture without its words, (height, width, 3)."""
    with THEMES[PICTURES[name].theme].style():
        figure.set_dpi(_DPI)
        canvas: Any = FigureCanvasAgg(figure)
        figure.draw_without_rendering()  # once with words: some are only made then
        for artist in (*figure.findobj(Text), *figure.findobj(Legend)):  # the place of a legend's keys is up to words
            artist.set_visible(False)
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def path_of(name: str) -> Path:
    """Return the file of a picture as it should be."""
    return FOLDER / f"{name}.png"


def load(path: Path) -> Pixels:
    """Return the pixels of a file, (height, width, 3)."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def save(actual: Pixels, path: Path) -> None:
    """Write pixels as a file, in 64 colours."""
    Image.fromarray(actual).quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)


def difference(actual: Pixels, expected: Pixels) -> str:
    """Return in what two pictures differ to the eye; "" if in nothing."""
    if actual.shape != expected.shape:
        return f"{actual.shape[1]} x {actual.shape[0]} pixels and not {expected.shape[1]} x {expected.shape[0]}"
    off = np.abs(_blur(actual.astype(np.float64) - expected))
    worst, all_of_them = float(off.max()), float(np.sqrt(np.mean(off**2)))
    if worst <= MOST_OF_A_SQUARE and all_of_them <= MOST_OF_ALL:
        return ""
    row, column, _ = np.unravel_index(off.argmax(), off.shape)
    return (
        f"off by {worst:.1f} of 255 (at most {MOST_OF_A_SQUARE:g}) in the {_SIDE} pixels from ({column}, {row}), "
        f"by {all_of_them:.2f} (at most {MOST_OF_ALL:g}) in all"
    )


def _blur(colors: Doubles) -> Doubles:
    """Return the mean of every square of `_SIDE` pixels, wherever it begins."""
    total = np.pad(colors, ((1, 0), (1, 0), (0, 0))).cumsum(0).cumsum(1)
    rows = total[_SIDE:] - total[:-_SIDE]
    squares: Doubles = (rows[:, _SIDE:] - rows[:, :-_SIDE]) / _SIDE**2
    return squares
