"""The csv module's limit of a cell, which is one for the process."""

import csv

from telemetry.text.csv_limit import cells_up_to


def test_the_last_to_end_lowers_the_limit():
    before = csv.field_size_limit()
    first, second = cells_up_to(1 << 29), cells_up_to(1 << 30)
    first.__enter__()
    second.__enter__()
    assert csv.field_size_limit() == 1 << 30
    first.__exit__(None, None, None)
    assert csv.field_size_limit() == 1 << 30
    second.__exit__(None, None, None)
    assert csv.field_size_limit() == before
