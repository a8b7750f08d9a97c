"""Read the devices that are expected, from a list and from each kind of file."""

from pathlib import Path

import pytest

from telemetry.rules.errors import RuleError
from telemetry.rules.parse import load_rules, parse_rules
from telemetry.rules.roster import Roster, parse_roster
from telemetry.rules.side_files import LARGEST_FILE, beside, read_text


def refusal(text: str, path: str) -> str:
    with pytest.raises(RuleError) as error:
        parse_roster(text, path)
    return str(error.value)


def test_a_text_file_has_a_name_a_line() -> None:
    assert parse_roster("b\n\n  a b\t\n# c\r\nd#\r\n", "x.txt") == Roster(("a b", "b", "d#"))


def test_a_csv_file_has_a_column_device() -> None:
    text = 'site,device\nnorth,b\n\nsouth,"a, 2"\nsouth,#c\n'
    assert parse_roster(text, "x.CSV") == Roster(("#c", "a, 2", "b"))


def test_list_text_and_csv_mean_the_same(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("b\na\n")
    (tmp_path / "two.csv").write_bytes(b"\xef\xbb\xbfdevice\r\na\r\nb\r\n")
    rules = "rules: [{id: r, metric: temp, above: 1}]\n"
    versions = {parse_rules(f"version: 2\nroster: [a, b]\n{rules}").version}
    for name in ("one.txt", "two.csv", f"{tmp_path}/one.txt"):
        (tmp_path / "rules.yaml").write_text(f"version: 2\nroster: {name}\n{rules}")
        versions.add(load_rules(str(tmp_path / "rules.yaml")).version)
    assert len(versions) == 1


@pytest.mark.parametrize(
    ("text", "path", "problem"),
    [
        ("", "x.txt", "x.txt: roster: names no device"),
        ("# a\n\n", "x.txt", "x.txt: roster: names no device"),
        ("device\n", "x.csv", "x.csv: roster: names no device"),
        ("a\nb\na\n", "x.txt", "x.txt line 3: roster: device 'a' is there twice"),
        ("device\na\na\n", "x.csv", "x.csv line 3: roster: device 'a' is there twice"),
        ("device,site\n,north\n", "x.csv", "x.csv line 2: roster: must be names of devices, not ''"),
        ("name\na\n", "x.csv", "x.csv line 1: the header has no column device"),
        ("device,site\na\n", "x.csv", "x.csv line 2: 1 cells, but the header has 2"),
    ],
)
def test_a_file_that_is_no_roster_is_named(text: str, path: str, problem: str) -> None:
    assert refusal(text, path) == problem


@pytest.mark.parametrize(
    ("rules_path", "path", "expected"),
    [
        ("", "x.csv", "x.csv"),
        ("rules.yaml", "x.csv", "x.csv"),
        ("a/rules.yaml", "x.csv", "a/x.csv"),
        ("a/rules.yaml", "../b/x.csv", "b/x.csv"),
        ("/a/rules.yaml", "/b/x.csv", "/b/x.csv"),
        ("gs://bucket/a/rules.yaml", "x.csv", "gs://bucket/a/x.csv"),
        ("gs://bucket/a/rules.yaml", "../x.csv", "gs://bucket/x.csv"),
        ("gs://bucket/a/rules.yaml", "s3://other/x.csv", "s3://other/x.csv"),
        ("a/rules.yaml", "gs://bucket/x.csv", "gs://bucket/x.csv"),
    ],
)
def test_paths_lead_from_the_folder_of_the_rules_file(rules_path: str, path: str, expected: str) -> None:
    assert beside(rules_path, path) == expected


def test_a_file_that_is_not_text_or_too_large_is_named(tmp_path: Path) -> None:
    file = tmp_path / "x.txt"
    file.write_bytes(b"a\nb\xff\n")
    with pytest.raises(RuleError, match=r"x\.txt line 2: not UTF-8 text$"):
        read_text(str(file))
    with file.open("wb") as sparse:
        sparse.truncate(LARGEST_FILE + 1)
    with pytest.raises(RuleError, match=r"x\.txt: larger than 64,000,000 bytes$"):
        read_text(str(file))


@pytest.mark.parametrize(("name", "expected"), [("a", True), ("b", False), ("c", True), ("", False), ("d", False)])
def test_it_says_which_devices_it_names(name: str, expected: bool) -> None:
    assert (name in Roster(("a", "c"))) == expected
