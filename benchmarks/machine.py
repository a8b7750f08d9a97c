"""Describe the machine and the package versions that results depend on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Final

_PACKAGES: Final = ("apache-beam", "msgspec", "numpy", "pyarrow", "polars")


def machine_facts() -> dict[str, str]:
    """Return facts by name, in display order."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        "cores": str(cores),
        "processor": _processor(),
        **{name: f"{size / 1e9:.0f} GB" for name, size in memory_sizes().items()},
        "load before": f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown",
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
    }


def memory_sizes() -> dict[str, int]:
    """Return the bytes of memory and swap; omit swap if there is none, and both if they are unknown."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    kilobytes = {name: int(value.split()[0]) for name, _, value in (line.partition(":") for line in lines)}
    sizes = {"memory": kilobytes["MemTotal"] * 1_024, "swap": kilobytes["SwapTotal"] * 1_024}
    return {name: size for name, size in sizes.items() if size}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
