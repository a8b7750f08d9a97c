"""List the commands of the publisher."""

from typing import Final

from telemetry.cli.groups import Group
from telemetry.cli.main import SUBCOMMANDS

PUBLISHER: Final = Group(
    program="python -m publisher",
    description="Publish telemetry to Google Pub/Sub, and what belongs to it.",
    commands={name: SUBCOMMANDS[name] for name in ("replay", "bridge", "reprocess", "explore", "simulate", "broker")},
    label="publisher",
)
