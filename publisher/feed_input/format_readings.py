"""Write readings as lines of JSON, all rows of a column at once."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from publisher.feed_input.odd_texts import unread_value
from publisher.json_lines import name_to_json
from telemetry.arrays import FloatArray
from telemetry.feed.formats.value_columns import PROBLEM_OF_CODE, ProblemCodes
from telemetry.feed.readings.feed_rows import FeedRows
from telemetry.text.csv_cells import text_to_json
from telemetry.text.timestamps import MICROS

_TEXT: Final = pa.large_string()


class ReadingFormatter:
    """Writes readings of some metrics: a field of each value, none where it is missing.

    Args:
        metrics: M names.
    """

    def __init__(self, metrics: Sequence[str]) -> None:
        """Prepare the names of the fields."""
        self._metrics = tuple(metrics)
        self._keys = [f",{name_to_json(name)}:" for name in metrics]

    def format(self, rows: FeedRows) -> list[str]:
        """Return the N lines of N readings; the numbers in them are those of the readings, to the last bit.

        ``ts`` is exact to the microsecond. A value that could not be read is its text, see `unread_value`.
        """
        names = pa.array([text_to_json(name) for name in rows.devices], _TEXT)
        parts = ['{"ts":', _number_texts(rows.time_us / MICROS), ',"device":', names.take(pa.array(rows.device))]
        for metric in range(len(self._metrics)):
            parts += self._fields(rows, metric)
        scalars = [pa.scalar(part, _TEXT) if isinstance(part, str) else part for part in (*parts, "}")]
        texts: list[str] = pc.binary_join_element_wise(*scalars, pa.scalar("", _TEXT)).to_pylist()
        return texts

    def _fields(self, rows: FeedRows, metric: int) -> list[pa.Array | str]:
        """Return the parts of the lines that one metric makes: its fields, with a comma before each."""
        key, values = self._keys[metric], rows.values[metric]
        problems = None if rows.problems is None else rows.problems[metric]
        if problems is not None and problems.any():
            return [self._with_texts(rows, metric, problems)]
        if not np.isnan(values).any():
            return [key, _number_texts(values)]
        return [] if np.isnan(values).all() else [_field_texts(key, values)]

    def _with_texts(self, rows: FeedRows, metric: int, problems: ProblemCodes) -> pa.Array:
        """Return the fields of a metric of which some values could not be read."""
        name, key = self._metrics[metric], self._keys[metric]
        bad = np.flatnonzero(problems)
        written: dict[tuple[int, str], str] = {}
        texts = []
        for row, code in zip(bad.tolist(), problems[bad].tolist(), strict=True):
            text = rows.text(metric, row)
            if (code, text) not in written:
                problem = PROBLEM_OF_CODE[code]
                assert problem is not None, "codes of problems only"
                written[code, text] = key + name_to_json(unread_value(name, problem, text))
            texts.append(written[code, text])
        fields = _field_texts(key, rows.values[metric])
        return pc.replace_with_mask(fields, pa.array(problems != 0), pa.array(texts, _TEXT))


def _field_texts(key: str, values: FloatArray) -> pa.Array:
    """Return a field with each of N values; "" where it is missing."""
    numbers = pa.array(values, from_pandas=True).dictionary_encode()
    fields = pc.binary_join_element_wise(pa.scalar(key, _TEXT), numbers.dictionary.cast(_TEXT), pa.scalar("", _TEXT))
    return pc.fill_null(fields.take(numbers.indices), "")


def _number_texts(values: FloatArray) -> pa.Array:
    """Return N numbers as JSON, in as few digits as tell each from all others; equal ones are written once."""
    numbers = pa.array(values).dictionary_encode()
    return numbers.dictionary.cast(_TEXT).take(numbers.indices)
