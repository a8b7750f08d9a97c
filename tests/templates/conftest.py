"""Programs that a test may call in place of gcloud and Docker."""

import sys
from pathlib import Path

import pytest

from tests.support.template_commands import Programs


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """A PATH with nothing on it but a shell, until programs are added."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return Programs(folder, sys.executable)
