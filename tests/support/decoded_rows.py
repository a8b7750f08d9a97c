"""Show decoded rows one by one, so that those of different ways to decode can be compared."""

from telemetry.feed.formats.value_columns import PROBLEM_OF_CODE
from telemetry.feed.formats.values import NumberProblem
from transforms.decode.decoded_columns import DecodedColumns, DecodedRow
from transforms.decode.metric_values import UnreadValue


def rows_of(columns: DecodedColumns) -> list[DecodedRow]:
    """Return the rows of columns, each with its values that could not be read."""
    unread: list[list[UnreadValue]] = [[] for _ in columns.ts]
    for metric, codes in enumerate([] if columns.problems is None else columns.problems.tolist()):
        for row, code in enumerate(codes):
            problem = PROBLEM_OF_CODE[code]
            if problem is not None and problem is not NumberProblem.MISSING:
                unread[row].append(UnreadValue(metric, problem, columns.text(metric, row)))
    values = columns.values.T.tolist()
    fitted = [False] * len(values) if columns.fitted is None else columns.fitted.tolist()
    rows = zip(columns.ts.tolist(), columns.devices, values, map(tuple, unread), fitted, strict=True)
    return [DecodedRow(*row) for row in rows]


def same(one: DecodedRow, other: DecodedRow) -> bool:
    """Return whether two rows are equal, NaN to NaN, and zero to minus zero."""
    values = zip(one.values, other.values, strict=True)
    return one._replace(values=[]) == other._replace(values=[]) and all(
        a == b or (a != a and b != b) for a, b in values
    )
