"""Keep published scores of other detectors on NAB, as facts with their source."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class PublishedScore:
    """Scores of a detector whose threshold is the best one over all series.

    Attributes:
        name: of the detector.
        scores: in the order of `PROFILES`: standard, low FP, low FN.
    """

    name: str
    scores: tuple[float, float, float]


# Source: https://github.com/numenta/NAB, version 1.1, results/final_results.json.
PUBLISHED: Final = (
    PublishedScore("ARTime", (74.85, 65.15, 80.36)),
    PublishedScore("Numenta HTM", (70.10, 63.12, 74.32)),
    PublishedScore("contextOSE", (69.90, 66.98, 73.18)),
    PublishedScore("KNN-CAD", (57.99, 43.41, 64.81)),
    PublishedScore("random cut forest", (51.72, 38.36, 59.75)),
    PublishedScore("windowed Gaussian", (39.65, 20.87, 47.41)),
    PublishedScore("null", (0.0, 0.0, 0.0)),
)
# Same source, with more digits.
WINDOWED_GAUSSIAN: Final = PublishedScore("windowed Gaussian", (39.64952350, 20.86798582, 47.41002716))
NULL: Final = PublishedScore("null", (0.0, 0.0, 0.0))

SERIES: Final = 58
ROWS: Final = 365_558
