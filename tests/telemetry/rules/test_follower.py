"""A rules file that changes is noticed; one that cannot be used changes nothing."""

from pathlib import Path

import pytest

from telemetry.rules.errors import RuleError
from telemetry.rules.follower import RulesFollower, load_live_rules
from telemetry.rules.rule_set import RuleSet
from telemetry.rules.shelf import Shelf
from telemetry.rules.shelves import write_shelves

HOT = "version: 2\nrules:\n- {id: hot, metric: temp, above: 30}\n"


class File:
    """A rules file, and the files beside it."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "rules.yaml")
        self.folder = folder
        self.written = 0
        self.write(HOT)
        self.follower = RulesFollower(self.path, ("temp",), load_live_rules(self.path, ("temp",)))

    def write(self, text: str, name: str = "rules.yaml") -> None:
        """Write a file as many editors do: the inode is another one, so that no clock has to have moved."""
        self.written += 1
        new = self.folder / f"new-{self.written}"
        new.write_text(text)
        new.replace(self.folder / name)

    def looks(self, number: int = 2) -> list[RuleSet | str | None]:
        found: list[RuleSet | str | None] = []
        for _ in range(number):
            try:
                found.append(self.follower.look())
            except RuleError as error:
                found.append(str(error))
        return found


@pytest.fixture
def file(tmp_path: Path) -> File:
    return File(tmp_path)


def bound(rules: RuleSet | str | None) -> float:
    assert isinstance(rules, RuleSet)
    return rules.rules[0].threshold


def test_a_file_that_stays_is_no_change(file: File) -> None:
    assert file.looks(5) == [None] * 5


def test_a_change_counts_when_two_looks_have_found_it(file: File) -> None:
    file.looks()
    file.write(HOT.replace("30", "31"))
    first, second, third = file.looks(3)
    assert (first, bound(second), third) == (None, 31, None)


def test_a_change_from_before_the_first_look_counts(file: File) -> None:
    file.write(HOT.replace("30", "31"))
    assert bound(file.looks()[1]) == 31


def test_a_file_that_is_being_written_is_left_alone(file: File) -> None:
    file.looks()
    for text in ("", "version: 2\n", "version: 2\nrules:\n", HOT.replace("30", "31")):
        file.write(text)
        assert file.looks(1) == [None]
    assert bound(file.looks(1)[0]) == 31


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("version: 3\n", "line 1: version: must be 1 or 2, not 3"),
        (HOT.replace("temp", "humidity"), "line 3: rule 'hot': metric 'humidity' is not one of temp"),
        ("a: [", "line 1: "),
    ],
)
def test_a_file_that_cannot_be_used_is_told_once_and_changes_nothing(file: File, text: str, problem: str) -> None:
    file.looks()
    file.write(text)
    found = file.looks(5)
    assert [one for one in found if one is not None] == [found[1]]
    assert isinstance(found[1], str)
    assert found[1].startswith(problem)
    file.write(HOT)
    assert file.looks(4) == [None] * 4, "the rules in force are back"
    file.write(HOT.replace("30", "32"))
    assert bound(file.looks()[1]) == 32


def test_a_file_that_is_gone_is_told_once(file: File) -> None:
    file.looks()
    Path(file.path).unlink()
    found = file.looks(4)
    assert [one for one in found if one is not None] == [found[1]]
    assert "No such file" in str(found[1])


def test_another_layout_is_no_change(file: File) -> None:
    file.looks()
    file.write(f"# the same\n{HOT}")
    assert file.looks(3) == [None] * 3


def test_files_that_the_rules_name_are_followed(file: File) -> None:
    file.write("device,rule,bound\na,hot,40\n", "bounds.csv")
    file.write(f"overrides: bounds.csv\n{HOT}")
    changed = file.looks()[1]
    assert isinstance(changed, RuleSet)
    assert changed.rules[0].bounds_of("a").low == 40
    assert file.looks(3) == [None] * 3
    file.write("device,rule,bound\na,hot,50\n", "bounds.csv")
    changed = file.looks()[1]
    assert isinstance(changed, RuleSet)
    assert changed.rules[0].bounds_of("a").low == 50


def test_what_is_shelved_beside_the_file_is_followed(file: File) -> None:
    file.looks()
    write_shelves(file.path, (Shelf(10**15, "hot"),))
    changed = file.looks()[1]
    assert isinstance(changed, RuleSet)
    assert changed.shelves == (Shelf(10**15, "hot"),)
    (file.folder / "rules.shelved.json").unlink()
    changed = file.looks()[1]
    assert isinstance(changed, RuleSet)
    assert changed.shelves == ()
