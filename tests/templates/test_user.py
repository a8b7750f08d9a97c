"""Check the flag that chooses the user of the image."""

import pytest

from templates.__main__ import main
from tests.support.template_commands import IMAGE, PLACE, SPEC


@pytest.mark.parametrize(("flags", "told"), [((), False), (("--user", "root"), True), (("--user", "telemetry"), True)])
def test_the_user_is_an_argument_of_the_build(flags, told, tmp_path, capsys):
    where = [f"--context={tmp_path / 'context'}", "--builder=docker", "--dry-run"]
    assert main(["build", *PLACE, f"--image={IMAGE}", f"--spec={SPEC}", *where, *flags]) == 0
    assert (f"IMAGE_USER={flags[-1] if flags else ''}" in capsys.readouterr().out) is told


def test_a_user_that_the_image_does_not_have_is_refused(tmp_path, capsys):
    where = [f"--context={tmp_path / 'context'}", "--dry-run"]
    assert main(["build", *PLACE, f"--image={IMAGE}", f"--spec={SPEC}", *where, "--user", "nobody"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("error: --user nobody: must be root or telemetry: the image has no other user")
