"""Declare what a test may need besides Python's packages: how it is found, what installs it, and what it proves.

Every skip of the suite comes from here, so that each names the command or variable that enables the test, and the end
of a run can say what was not proven (see `tests/conftest.py`).
"""

import ctypes
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NoReturn

import pytest

DATA: Final = Path(os.environ.get("TELEMETRY_DATA", Path(__file__).parents[3] / "shared" / "data"))
"""Where the reference telemetry is, if it is on this machine."""
EMULATORS: Final = Path(sys.prefix) / "emulators"
"""Where ``make emulators`` installs servers, each in a folder of its own."""


@dataclass(frozen=True)
class Need:
    """Something that a machine may lack.

    Attributes:
        name: what it is called in the reason of a skip.
        enable: the command, package or variable that provides it.
        proves: what nothing proves where it is missing.
        find: returns where it is, or None; for a need that is found in one way only.
    """

    name: str
    enable: str
    proves: str
    find: Callable[[], str | Path | None] = lambda: None

    @property
    def reason(self) -> str:
        """Why a test is skipped that needs it."""
        return f"needs {self.name} ({self.enable})"

    @property
    def mark(self) -> pytest.MarkDecorator:
        """A decorator that skips a test, or all tests of a module, where it is missing."""
        return pytest.mark.skipif(self.find() is None, reason=self.reason)

    def skip(self, detail: str = "") -> NoReturn:
        """Skip the running test."""
        pytest.skip(f"{self.reason}: {detail}" if detail else self.reason)

    def path(self) -> Path:
        """Return where it is, or skip the running test."""
        found = self.find()
        return Path(found) if found is not None else self.skip()


def program(*names: str) -> Callable[[], str | None]:
    """Return how to find the first of some programs."""
    return lambda: next(filter(None, map(shutil.which, names)), None)


def emulator(package: str, name: str) -> Callable[[], str | None]:
    """Return how to find a program that ``make emulators`` installs, or that is on the PATH."""
    home = EMULATORS / package
    folders = os.pathsep.join([str(home / "bin"), str(home / "node_modules" / ".bin")])
    return lambda: shutil.which(name, path=folders) or shutil.which(name)


def existing(path: Path) -> Callable[[], Path | None]:
    """Return how to find a file or folder."""
    return lambda: path if path.exists() else None


def data(name: str) -> Path:
    """Return a file of the reference telemetry, or skip the running test."""
    return DATA / name if (DATA / name).exists() else TELEMETRY.skip(f"no {name}")


def _mallopt() -> str | None:
    return "mallopt" if sys.platform == "linux" and hasattr(ctypes.CDLL(None), "mallopt") else None


TELEMETRY: Final = Need(
    "the reference telemetry", "TELEMETRY_DATA=folder", "results on the founding data set", existing(DATA)
)
NAB: Final = Need(
    "the Numenta Anomaly Benchmark",
    "NAB_DATA=folder",
    "the scorer of NAB on its published scores",
    existing(Path(os.environ.get("NAB_DATA", DATA / "nab"))),
)
CHROMIUM: Final = Need(
    "Chromium",
    "apt-get install chromium",
    "pages in a browser",
    program("chromium", "chromium-browser", "google-chrome"),
)
GOOGLE_STORAGE: Final = Need(
    "the emulator of gs://", "make emulators", "gs://", emulator("storage", "gcp-storage-emulator")
)
AMAZON_STORAGE: Final = Need("the emulator of s3://", "make emulators", "s3://", emulator("storage", "moto_server"))
AZURE_STORAGE: Final = Need("the emulator of azfs://", "make emulators", "azfs://", emulator("azurite", "azurite-blob"))
BIGQUERY: Final = Need("BigQuery's emulator", "make emulators", "BigQuery", emulator("bigquery", "bqemulator"))
DUCKDB: Final = Need("DuckDB", "make emulators", "the queries in DuckDB", existing(EMULATORS / "bigquery/bin/python"))
PUBSUB_EMULATOR: Final = Need(
    "Google's Pub/Sub emulator",
    "gcloud components install pubsub-emulator",
    "the equality of the broker and Google's emulator",
)
JAVA: Final = Need(
    "Java", "apt-get install default-jre-headless", "the equality of the broker and Google's emulator", program("java")
)
ALERTMANAGER: Final = Need(
    "Alertmanager",
    "apt-get install prometheus-alertmanager",
    "alerts in the real Alertmanager",
    program("prometheus-alertmanager", "alertmanager"),
)
MOSQUITTO: Final = Need(
    "Mosquitto",
    "apt-get install mosquitto",
    "the bridge from MQTT",
    lambda: shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin"),  # Debian's place
)
GCLOUD: Final = Need("gcloud", "the Google Cloud CLI on the PATH", "the commands in gcloud", program("gcloud"))
TERRAFORM: Final = Need(
    "Terraform", "terraform or tofu on the PATH", "the Terraform module", program("terraform", "tofu")
)
PROVIDERS: Final = Need(
    "Google's providers for Terraform", "access to Terraform's registry", "the Terraform module against its providers"
)
PEERS: Final = Need("the tools that the benchmarks compare with", "make peers", "the benchmarks' other tools")
MALLOPT: Final = Need("mallopt", "Linux with glibc", "the reuse of freed memory", _mallopt)
PROC: Final = Need("/proc", "Linux", "the addresses on which programs listen", existing(Path("/proc/self/net/tcp")))
SETUPTOOLS: Final = Need(
    "setuptools",
    "pip install setuptools",
    "the worker's package",
    lambda: "setuptools" if find_spec("setuptools") else None,
)
NEEDS: Final = tuple(value for value in list(globals().values()) if isinstance(value, Need))


def not_proven(reasons: Iterable[str]) -> str:
    """Return in one line what the tests skipped for these reasons would prove, and what enables them; "" if nothing."""
    texts = list(reasons)
    missing: dict[str, list[str]] = {}
    for need in NEEDS:
        if any(need.reason in text for text in texts) and need.proves not in missing.get(need.enable, []):
            missing.setdefault(need.enable, []).append(need.proves)
    told = "; ".join(f"{', '.join(proves)} ({enable})" for enable, proves in missing.items())
    return f"not proven: {told}" if told else ""
