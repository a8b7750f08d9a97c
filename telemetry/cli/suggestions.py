"""Suggest the known word that a misspelt one resembles."""

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``, did you mean replay?`` for a word that resembles a known one, else ""."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f", did you mean {close[0]}?" if close else ""


def resembling(flag: str, known: Iterable[str]) -> str:
    """Return the known flag that ``--name`` or ``--name=value`` resembles most; "" if none does.

    Hyphens and underscores count as equal: Beam's flags have underscores, ours have hyphens.
    """
    spelled = {_comparable(name): name for name in known if name.startswith("--")}
    close = difflib.get_close_matches(_comparable(flag), list(spelled), n=1, cutoff=0.7)
    return spelled[close[0]] if close else ""


def unknown_flag(flag: str, known: Iterable[str]) -> str:
    """Return the complaint about a flag that is not among the known ones."""
    suggested = resembling(flag, known)
    return "unknown flag" + (f", did you mean {suggested}?" if suggested else "")


def _comparable(flag: str) -> str:
    return flag.partition("=")[0].removeprefix("--").replace("_", "-").lower()
