"""Escape texts for HTML, and write times as the tables of the page show them."""

import html

from plotting.style.texts import visible
from telemetry.text.timestamps import format_time


def escape(text: str) -> str:
    """Escape text for HTML content and attributes; control characters are made visible."""
    return html.escape(visible(text))


def table_time(microseconds: int) -> str:
    """Return a point in time, UTC, as tables show it: 2020-07-12 00:01:34.5 with the decimals that are not zero."""
    return format_time(microseconds).replace("T", " ").rstrip("Z").removesuffix(".000000")
