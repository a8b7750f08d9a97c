"""Install the project once for all tests of a session, as `pip install .` does, in an environment outside of it."""

import fcntl
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.support import needs
from tests.support.sources import ROOT

_LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist", "out", "tests", "docs", "*.png")


def installed_environment(factory: pytest.TempPathFactory) -> Path:
    """Return an environment (the folder that holds ``bin``) in which the project is installed as a package.

    Its dependencies are those of the environment the tests run in, by a path and not by a download. The workers of a
    session share it.
    """
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    environment = shared / "installed"
    with (shared / "installed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (environment / "done").exists():
            _install(environment, shared / "package")
            (environment / "done").touch()
    return environment


def _install(environment: Path, package: Path) -> None:
    needs.SETUPTOOLS.path()  # it builds the package
    shutil.copytree(ROOT, package, ignore=_LEFT_OUT)  # built from a copy: a build leaves files beside the sources
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True, timeout=120)
    site = sysconfig.get_path("purelib", vars={"base": str(environment)})
    (Path(site) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python"), "install", "--quiet"]
    flags = ["--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    subprocess.run([*pip, *flags, str(package)], check=True, timeout=300)
