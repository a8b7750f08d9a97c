import pytest

from telemetry.text.csv_rows import fit_row, without_zeros


@pytest.mark.parametrize(
    ("cells", "fitted"),
    [
        ("1,a,2", "1,a,2"),
        ("1,a", "1,a,"),
        ("1,a,2,", "1,a,2"),
        ("1,a,2, ,\t", "1,a,2"),
        ("1,a,2,3", None),
        ("1,a,2,,3", None),
        ("1", None),
        (",", ",,"),
    ],
)
def test_a_row_is_fitted_to_its_header(cells, fitted):
    assert fit_row(cells.split(","), 3) == (None if fitted is None else fitted.split(","))


def test_a_row_without_cells_is_none():
    assert fit_row([], 3) is None


@pytest.mark.parametrize(("text", "clean"), [("", ""), ("a b", "a b"), ("\0", ""), ("\0\0a\0b", "ab")])
def test_characters_of_zero_are_left_out(text, clean):
    assert without_zeros(text) == clean
