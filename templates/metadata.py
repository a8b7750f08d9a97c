"""``python -m templates metadata``: the metadata file, written from the flags, or compared with them."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from templates.errors import TemplateError
from templates.parameters import template_metadata

EXAMPLES: Final = """
%(prog)s
%(prog)s --check
"""
METADATA: Final = Path(__file__).with_name("metadata.json")
"""The file that is checked in."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the file is out of date")


def run(options: argparse.Namespace) -> int:
    """Write the file, or check it.

    Raises:
        TemplateError: if it says something else than the flags.
    """
    if options.check:
        check_current()
    else:
        METADATA.write_text(render(template_metadata()), encoding="utf-8")
    sys.stdout.write(f"{_NAME}: {'is current' if options.check else 'written'}\n")
    return 0


def render(content: dict[str, Any]) -> str:
    """Return JSON as it is checked in and stored."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def load_metadata() -> dict[str, Any]:
    """Return the content of the file.

    Raises:
        TemplateError: if it is not what the flags say.
    """
    check_current()
    return template_metadata()


def check_current() -> None:
    """Compare the file with the flags.

    Raises:
        TemplateError: if they differ.
    """
    if not METADATA.is_file() or METADATA.read_text(encoding="utf-8") != render(template_metadata()):
        raise TemplateError(f"{_NAME} is not what the job's flags say: python -m templates metadata writes it")


_NAME: Final = f"{METADATA.parent.name}/{METADATA.name}"
