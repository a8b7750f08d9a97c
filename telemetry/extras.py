"""Explain an import that failed because the package was installed without one of its extras."""

import importlib
import re
from typing import Final

DISTRIBUTION: Final = "iot-telemetry-anomalies"
EXTRA_OF: Final = {
    "matplotlib": "plot",
    "mpl_toolkits": "plot",
    "pandas": "plot",
    "tornado": "plot",
    "paho": "mqtt",
    "apitools": "gcp",
    "google.cloud.bigquery": "gcp",
    "google.cloud.dataflow_v1beta3": "gcp",
    "google.cloud.storage": "gcp",
    **dict.fromkeys(
        ("apache_beam", "google.pubsub_v1", "grpc", "msgspec", "numpy", "pyarrow", "shtab", "tqdm", "yaml"), ""
    ),
}
"""Extra that installs a package, by the name under which the package is imported; "" where none is needed."""
_OURS: Final = frozenset({"pipeline", "plotting", "publisher", "templates", "transforms"})
_NOT_IN_PACKAGE: Final = re.compile(r"cannot import name '(\w+)' from '([\w.]+)'")
"""Python's message about a name that a namespace package such as google.cloud does not have."""


def install_command(extra: str) -> str:
    """Return the command that installs an extra; "" is the package itself."""
    return f"pip install '{DISTRIBUTION}[{extra}]'" if extra else f"pip install {DISTRIBUTION}"


def explain_missing(error: ImportError) -> str | None:
    """Return one line about a package that is not installed; None if the failed import is a defect of ours."""
    name = _missing_name(error)
    if name in _OURS:
        return f"the package {name} is not part of this installation"
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        package = ".".join(parts[:end])
        if package in EXTRA_OF:
            return f"{package} is not installed: {install_command(EXTRA_OF[package])}"
    return None


def missing_package(name: str) -> str | None:
    """Return one line about a package that cannot be imported because its extra is missing; None if it can be."""
    try:
        importlib.import_module(name)
    except ImportError as error:
        return explain_missing(error) or f"{name} cannot be imported: {error}"
    return None


def _missing_name(error: ImportError) -> str:
    if str(error).startswith("No module named"):
        return error.name or ""
    found = _NOT_IN_PACKAGE.match(str(error))
    return f"{found[2]}.{found[1]}" if found else ""
