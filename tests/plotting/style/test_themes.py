import itertools
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from plotting.style.themes import DARK, LIGHT, THEMES

EACH = pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
# Viénot, Brettel and Mollon 1999: what people without long- or medium-wave cones see, on linear RGB.
VISIONS = {
    "all cones": np.eye(3),
    "protan": np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]]),
    "deutan": np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]]),
}


def linear(color) -> np.ndarray:
    rgb = np.array(to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def luminance(color) -> float:
    return float(linear(color) @ [0.2126, 0.7152, 0.0722])


def contrast(one, other) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def lab(color, vision) -> np.ndarray:
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = xyz @ np.clip(VISIONS[vision] @ linear(color), 0, 1) / [0.9505, 1.0, 1.089]
    x, y, z = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@EACH
@pytest.mark.parametrize("vision", VISIONS)
def test_colours_that_mean_different_things_look_different_to_everybody(theme, vision):
    for colors in ((theme.blue, theme.red, theme.gap, theme.learned), tuple(theme.severities.values())):
        for one, other in itertools.combinations(colors, 2):
            assert np.linalg.norm(lab(one, vision) - lab(other, vision)) > 20, (one, other)


@EACH
def test_words_are_read_and_marks_are_seen_on_the_paper(theme):
    assert min(contrast(color, theme.paper) for color in (theme.ink, theme.quiet, theme.label)) >= 4.5
    assert min(contrast(color, theme.paper) for color in (theme.blue, theme.red, theme.learned)) >= 3


@EACH
def test_more_has_more_contrast_in_any_vision_and_on_paper_without_colours(theme):
    steps = [contrast(color, theme.paper) for color in theme.counts]
    assert steps == sorted(steps)
    assert min(high / low for low, high in itertools.pairwise(steps)) > 1.3
    assert steps[0] > 1.25


@EACH
def test_the_style_sheet_and_the_colours_agree(theme):
    with theme.style():
        found: dict[str, Any] = {str(name): value for name, value in mpl.rcParams.items()}
        expected = {
            "figure.facecolor": theme.paper,
            "axes.facecolor": theme.paper,
            "axes.edgecolor": theme.edge,
            "axes.labelcolor": theme.label,
            "axes.titlecolor": theme.ink,
            "text.color": theme.ink,
            "grid.color": theme.grid,
            "xtick.color": theme.edge,
            "ytick.labelcolor": theme.label,
        }
        assert {name: to_rgb(found[name]) for name in expected} == {n: to_rgb(c) for n, c in expected.items()}


def test_the_two_style_sheets_differ_in_colours_alone():
    sheets = []
    for theme in (LIGHT, DARK):
        with theme.style():
            sheets.append(dict(mpl.rcParams))
    differing = {name for name in sheets[0] if sheets[0][name] != sheets[1][name]}
    assert all("color" in name for name in differing)
    assert len(differing) > 8


def test_a_style_is_over_when_the_block_is_even_if_it_fails():
    before = dict(mpl.rcParams)
    with pytest.raises(ZeroDivisionError), DARK.style():
        assert mpl.rcParams["figure.facecolor"] != before["figure.facecolor"]
        raise ZeroDivisionError
    assert dict(mpl.rcParams) == before
