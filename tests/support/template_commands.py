"""Running the command in tests: its exit code, and stand-ins for the programs that it calls."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

IMAGE = "europe-west1-docker.pkg.dev/my-project/iot/telemetry:1.4"
SPEC = "gs://my-bucket/telemetry.json"
PLACE = ["--project=my-project", "--region=europe-west1"]

PROGRAM = """#!/bin/sh
exec "{python}" - "$0" "$@" <<'EOF'
import json, sys
with open("{log}", "a") as log:
    log.write(json.dumps(["{name}", *sys.argv[2:]]) + "\\n")
sys.exit({code})
EOF
"""


class Programs:
    """Programs by these names come first on the PATH; they note how they were called, and exit with a code."""

    def __init__(self, folder: Path, python: str) -> None:
        self.folder, self.python, self.log = folder, python, folder / "calls.jsonl"

    def add(self, name: str, code: int = 0) -> None:
        program = self.folder / name
        program.write_text(PROGRAM.format(python=self.python, log=self.log, name=name, code=code))
        os.chmod(program, 0o755)

    @property
    def calls(self) -> Sequence[list[str]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []
