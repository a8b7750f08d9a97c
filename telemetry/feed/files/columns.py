"""Name the columns of CSV, and see that the needed ones are there."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from telemetry.feed.feed import Feed
from telemetry.feed.files.likely_columns import likely_device, likely_time, similar_column
from telemetry.text.name_lists import write_names

_SHOWN: Final = 200  # characters of a header in an error
_OTHER_DELIMITERS: Final = ";\t|,"


class ColumnError(ValueError):
    """Columns from which no reading can be made; the text is one line."""


def name_columns(cells: Sequence[str]) -> tuple[str, ...]:
    """Return distinct names of columns: trimmed, blank ones by their number, repeated ones with a number behind."""
    names: list[str] = []
    used = set(trimmed := [cell.replace("\0", "").strip() for cell in cells])
    taken: set[str] = set()
    for number, name in enumerate(trimmed, 1):
        name = name or _by_number(number)
        distinct, count = name, 1
        while distinct in taken or (count > 1 and distinct in used):
            count += 1
            distinct = f"{name}_{count}"
        names.append(distinct)
        taken.add(distinct)
    return tuple(names)


def nameless(columns: Sequence[str]) -> set[str]:
    """Return the columns that `name_columns` has called by their numbers: blank ones, and the numbers of rows."""
    return {name for number, name in enumerate(columns, 1) if name == _by_number(number)}


def _by_number(number: int) -> str:
    return f"column {number}"


def needed_times(feed: Feed) -> tuple[str, ...]:
    """Return the columns that hold the time."""
    return feed.time.columns


def needed_device(feed: Feed) -> tuple[str, ...]:
    """Return the column that holds the device, if one does."""
    device = feed.device
    return () if device.attribute or device.file or device.name else (device.column,)


def columns_are_there(columns: Sequence[str], feed: Feed) -> bool:
    """Return whether the columns of time and device are among some."""
    return {*needed_times(feed), *needed_device(feed)} <= set(columns)


def check_columns(cells: Sequence[str], columns: tuple[str, ...], feed: Feed, delimiter: str, hint: str) -> None:
    """Check that the columns of time and device are there, once each.

    Args:
        cells: of the header.
        columns: their distinct names.
        feed: how the file is read.
        delimiter: that was between the cells.
        hint: where the header seems to be, if it is elsewhere; else "".

    Raises:
        ColumnError: if one is not.
    """
    counts = Counter(cell.replace("\0", "").strip() for cell in cells)
    times, device = needed_times(feed), needed_device(feed)
    for name in (*times, *device):
        if counts[name] > 1:
            raise ColumnError(f"{counts[name]} columns are called {name}; one must be")
    absent = [name for name in (*times, *device) if name not in columns]
    if not absent:
        return
    text = f"no column{'s' if len(absent) > 1 else ''} {' and '.join(absent)}"
    other = _other_delimiter(cells, delimiter)
    if other:
        shown = "tab" if other == "\t" else f"'{other}'"
        raise ColumnError(f"{text}; cells seem to be divided by {shown}: use --delimiter {shown} or --feed")
    if hint and not likely_time(columns):
        raise ColumnError(f"{text}; {hint}")
    one = " or, if there is only one, --device NAME" if set(device) & set(absent) else ""
    having = f", it has: {', '.join(columns)[:_SHOWN]}; use --feed{one}"
    raise ColumnError(f"{text}{_remedy(absent, columns, times, device) or having}")


def _other_delimiter(cells: Sequence[str], delimiter: str) -> str:
    """Return the character that seems to divide the cells of a header that is one cell; "" if none does."""
    if len(cells) > 1:
        return ""
    found = {other: cells[0].count(other) for other in _OTHER_DELIMITERS if cells and other != delimiter}
    return max(found, key=found.__getitem__) if any(found.values()) else ""


def _remedy(absent: Sequence[str], columns: tuple[str, ...], times: tuple[str, ...], device: tuple[str, ...]) -> str:
    """Return which columns are likely meant, and how that is said; "" if none is likely."""
    flags: list[str] = []
    likely: list[str] = []
    left = [name for name in columns if name not in (*times, *device)]
    if any(name in times for name in absent):
        found = (similar_column(absent[0], left) if len(times) == 1 else ()) or likely_time(left)
        likely += found
        flags += [f"--time-column {_quoted(write_names(found))}"] if found else []
        left = [name for name in left if name not in found]
    if any(name in device for name in absent):
        found = similar_column(device[0], left) or likely_device(left)
        likely += found
        flags += [f"--device-column {_quoted(found[0])}"] if found else []
    if not likely:
        return ""
    return f"; did you mean {' and '.join(f'`{name}`' for name in likely)}? use --feed or {' '.join(flags)}"


def _quoted(name: str) -> str:
    return f"'{name}'" if any(not (char.isalnum() or char in "_-.,:/@") for char in name) else name
