"""Read and write lists of names as one line of CSV, because a name may hold a comma: ``temp,"Temp, °C"``."""

import csv
import io
from collections.abc import Iterable


def read_names(text: str) -> list[str]:
    """Return the names of a list, without the blanks around them.

    Raises:
        ValueError: if it is not one line of CSV.
    """
    try:
        rows = list(csv.reader([text], skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise ValueError(str(error)) from error
    return [cell.strip() for cell in rows[0]] if rows and rows[0] else [""]


def write_names(names: Iterable[str]) -> str:
    """Return names as a list that `read_names` reads."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(names)
    return text.getvalue()
