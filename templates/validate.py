"""``python -m templates validate``: metadata and specs, parsed with Google's own message types, and looked through."""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from typing import Any, Final

from telemetry.storage.files import read_file
from templates.errors import TemplateError
from templates.metadata import METADATA, check_current

EXAMPLES: Final = """
%(prog)s
%(prog)s --spec gs://my-bucket/telemetry.json
"""
_MODES = ("EXACTLY_ONCE", "AT_LEAST_ONCE")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    parser.add_argument("--spec", default="", metavar="PATH", help="a spec on any Beam filesystem, in place of the "
                        "metadata file")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Check the metadata file, also against the job's flags, or a spec.

    Raises:
        TemplateError: if it is not JSON, has a field that Dataflow does not know, or says what it must not.
        StorageError: if it cannot be read.
    """
    if options.spec:
        content = read_json(options.spec)
        check_message("ContainerSpec", content)
        if content.get("defaultEnvironment", {}).get("sdkContainerImage") != content.get("image"):
            raise TemplateError(f"{options.spec}: workers and launcher have different images")
        content = content.get("metadata", {})
    else:
        check_current()
        content = read_json(str(METADATA))
        check_message("TemplateMetadata", content)
    found = list(problems(content))
    for problem in found:
        sys.stderr.write(f"{options.program}: error: {problem}\n")
    if not found:
        sys.stdout.write(f"valid: {len(content['parameters'])} parameters\n")
    return 1 if found else 0


def read_json(path: str) -> dict[str, Any]:
    """Return the content of a JSON file on any Beam filesystem.

    Raises:
        TemplateError: if it is no JSON object.
        StorageError: if it cannot be read.
    """
    try:
        content = json.loads(read_file(path))
    except ValueError as error:
        raise TemplateError(f"{path}: not JSON: {error}") from error
    if not isinstance(content, dict):
        raise TemplateError(f"{path}: not a JSON object")
    return content


def check_message(kind: str, content: dict[str, Any]) -> None:
    """Parse strictly as one of Dataflow's messages.

    Raises:
        TemplateError: for an unknown field, a wrong type or an unknown enum value.
    """
    from google.cloud.dataflow_v1beta3 import types  # loaded where it is used: it takes a second
    from google.protobuf import json_format

    message = getattr(types, kind)
    try:
        json_format.ParseDict(content, message.pb(message()), ignore_unknown_fields=False)
    except json_format.ParseError as error:
        raise TemplateError(f"not a {kind}: {' '.join(str(error).split())}") from error


def problems(metadata: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with metadata that has the right fields and types."""
    if not metadata.get("name"):
        yield "name: missing"
    mode = metadata.get("defaultStreamingMode", _MODES[0])
    if mode not in _MODES:
        yield f"defaultStreamingMode: {mode} is none of {', '.join(_MODES)}"
    names = [parameter.get("name", "") for parameter in metadata.get("parameters", [])]
    if not names:
        yield "parameters: there are none"
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{name}: there are several"
    for parameter in metadata.get("parameters", []):
        name = parameter.get("name", "")
        for problem in _problems(parameter):
            yield f"{name or 'a parameter without a name'}: {problem}"


def _problems(parameter: dict[str, Any]) -> Iterator[str]:
    for field in ("name", "label", "helpText"):
        if not parameter.get(field):
            yield f"{field} missing"
    default, regexes = parameter.get("defaultValue"), parameter.get("regexes", [])
    for regex in regexes:
        try:
            compiled = re.compile(regex)
        except re.error as error:
            yield f"regex {regex}: {error}"
            continue
        if default is not None and compiled.fullmatch(default) is None:
            yield f"default {default} does not match {regex}"
    options = [option.get("value") for option in parameter.get("enumOptions", [])]
    if (parameter.get("paramType") == "ENUM") != bool(options):
        yield "an ENUM, and only an ENUM, has enumOptions"
    if options and default not in options:
        yield f"default {default} is none of the enumOptions"
