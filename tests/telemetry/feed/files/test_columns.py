"""Names of columns: distinct, trimmed, and none for blank cells that anybody asks for."""

import pytest

from telemetry.feed.files.columns import name_columns, nameless


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (["ts", " device ", "\ttemp"], ("ts", "device", "temp")),
        (["temp", "temp", "temp"], ("temp", "temp_2", "temp_3")),
        (["temp", "temp", "temp_2"], ("temp", "temp_3", "temp_2")),
        (["temp_2", "temp", "temp"], ("temp_2", "temp", "temp_3")),
        (["ts", "", " ", ""], ("ts", "column 2", "column 3", "column 4")),
        (["", "column 1"], ("column 1", "column 1_2")),
        (["\0ts"], ("ts",)),
        ([], ()),
    ],
)
def test_names_are_distinct(cells: list[str], names: tuple[str, ...]) -> None:
    assert name_columns(cells) == names
    assert len(set(names)) == len(names)


def test_columns_that_are_called_by_their_numbers_are_nameless() -> None:
    assert nameless(name_columns(["", "ts", "column 2", " "])) == {"column 1", "column 4"}
    assert nameless(("ts", "column 1")) == set()
