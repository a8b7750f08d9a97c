"""List the commands that show stored results."""

from typing import Final

from telemetry.cli.groups import Group
from telemetry.cli.main import SUBCOMMANDS

PLOTTING: Final = Group(
    program="python -m plotting",
    description="Show stored results as pictures, as a page, or live in the browser.",
    commands={name: SUBCOMMANDS[name] for name in ("render", "report", "serve")},
    label="plotting",
)
