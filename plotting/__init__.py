"""Draw stored results as charts. The job never imports this package.

In a notebook: ``from plotting import scatter, trend, overview``. These functions, and Matplotlib, are loaded on first
access.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plotting.notebook import overview, scatter, trend

__all__ = ["overview", "scatter", "trend"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'plotting' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module("plotting.notebook"), name)
