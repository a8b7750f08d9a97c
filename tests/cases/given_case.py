"""Read the cases of a YAML file, and decode one as the job does: configuration, metrics, files or messages, readings.

A case is a mapping. Its input is

- `file`, a name, with `text`, `base64` or `hex`; `ends: crlf` for Windows' line ends, `encoding` of the text (with its
  mark, where `mark: true`), `packed: gzip` or `zip`; or
- `files`, a mapping of names to texts; or
- `messages`, each with `text`, `base64` or `hex`, and perhaps `attributes` and `published`.

`feed` is the feed file (without its version), `flags` a list of further flags of the job. Expected are:

- `readings`: [line, time, device, value of each metric, or null] in the order of the input; with several files or
  messages, the line is ``number of the file or message:line``;
- `metrics`: names of the values; without it those of the feed;
- `dead`: [line, reason, beginning of the error], `unread`: how many values of a metric could not be read, by
  ``metric problem``, and `ignored`: fields that nobody asked for;
- or `error`, the one line with which the job ends before it begins.
"""

import base64
import gzip
import io
import math
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.arguments import build_parser
from pipeline.config import JobConfig, make_config
from pipeline.found_metrics import find_metrics
from pipeline.sources.files import plan_portions, read_portion
from telemetry.model.message_batch import MessageBatch
from telemetry.model.messages import Message
from telemetry.text.timestamps import format_time, parse_time
from transforms.decode.codec import decode_parts
from transforms.decode.decoded_batch import DecodedBatch

DATA: Final = Path(__file__).with_name("data")
SUBSCRIPTION: Final = "projects/demo/subscriptions/telemetry"
PUBLISHED: Final = "2026-01-01T00:00:00Z"
FileSystems.set_options(PipelineOptions([]))


@dataclass
class Decoded:
    """Result of decoding an input.

    Attributes:
        metrics: names of the values.
        readings: [place, time, device, values…] of each.
        dead: [place, reason, error, payload] of each.
        unread: how many values could not be read, by metric and problem.
        ignored: how often each field was skipped.
        content: of each file chunk or message, by its number.
    """

    metrics: tuple[str, ...]
    readings: list[list[Any]] = field(default_factory=list)
    dead: list[tuple[Any, str, str, bytes]] = field(default_factory=list)
    unread: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)


def load_cases() -> list[dict[str, Any]]:
    """Return the cases of all files; the name of each is that of its file and its own."""
    found = []
    for path in sorted(DATA.glob("*.yaml")):
        cases = yaml.safe_load(path.read_text("utf-8"))
        found += [{**case, "name": f"{path.stem}: {case['name']}"} for case in cases]
    return found


def content_of(one: dict[str, Any]) -> bytes:
    """Return the bytes of a file or message."""
    if "base64" in one:
        return base64.b64decode(one["base64"])
    if "hex" in one:
        return bytes.fromhex(one["hex"])
    text = one["text"].replace("\n", "\r\n") if one.get("ends") == "crlf" else one["text"]
    content = (("\ufeff" if one.get("mark") else "") + text).encode(one.get("encoding", "utf-8"))
    if one.get("packed") == "zip":
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr(one["file"].removesuffix(".zip"), content)
        return target.getvalue()
    return gzip.compress(content) if one.get("packed") == "gzip" else content


def write_files(case: dict[str, Any], folder: Path) -> list[Path]:
    """Write the files of a case, and return their paths."""
    contents = {name: text.encode() for name, text in case.get("files", {}).items()}
    if "file" in case:
        contents[case["file"]] = content_of(case)
    paths = [folder / name for name in contents]
    for path in paths:
        path.write_bytes(contents[path.name])
    return paths


def flags_of(case: dict[str, Any], folder: Path) -> list[str]:
    """Return the flags of the job that reads a case, with the feed written into a folder, and without an output."""
    flags = [flag for path in write_files(case, folder) for flag in ("--input", str(path))]
    flags += ["--subscription", SUBSCRIPTION] if "messages" in case else []
    if "feed" in case:
        path = folder / "feed.yaml"
        path.write_text(yaml.safe_dump({"version": 1, **case["feed"]}, allow_unicode=True, sort_keys=False), "utf-8")
        flags += ["--feed", str(path)]
    return [*flags, *case.get("flags", [])]


def decode_case(case: dict[str, Any], folder: Path) -> Decoded:
    """Decode a case.

    Raises:
        ConfigError: as the job does, before it begins; so is NothingUsableError.
    """
    args, beam_args = build_parser().parse_known_args([*flags_of(case, folder), "--output", str(folder / "out")])
    config = make_config(args, beam_args)
    if "messages" in case:
        messages = MessageBatch.of(message_of(number, one) for number, one in enumerate(case["messages"], 1))
        return collect(config, [decode_parts(messages, config.decoding)], several=len(messages) > 1)
    portions = plan_portions(config.inputs, config.feed)
    config = find_metrics(config, portions)
    chunks = [chunk for portion in portions for chunk in read_portion(portion)]
    parts = [decode_parts(MessageBatch.of([chunk]), config.decoding) for chunk in chunks]
    return collect(config, parts, several=len(chunks) > 1)


def message_of(number: int, one: dict[str, Any]) -> Message:
    """Return a message of a case."""
    published_us = parse_time(one.get("published", PUBLISHED))
    return Message(content_of(one), one.get("attributes", {}), str(number), published_us)


def collect(config: JobConfig, inputs: Sequence[Iterator[DecodedBatch]], *, several: bool) -> Decoded:
    """Return what was decoded of some inputs, each with its number in front of its lines if there are several."""
    result = Decoded(config.metrics)
    for number, parts in enumerate(inputs, 1):
        for part in parts:
            _add(result, part, number, several=several)
    return result


def _add(result: Decoded, part: DecodedBatch, number: int, *, several: bool) -> None:
    def place(line: int | None, name: str) -> Any:
        return f"{name if name.isdecimal() else number}:{line}" if several else line

    batch = part.readings
    if batch is not None:
        for row in range(len(batch)):
            name = batch.messages.ids[batch.message[row]]
            values = [None if math.isnan(value) else value for value in batch.values[:, row].tolist()]
            time = format_time(int(batch.event_us[row])).replace(".000000", "")
            result.readings.append([place(int(batch.line[row]), name), time, batch.devices[batch.device[row]], *values])
    for one in part.rejected:
        content = base64.b64decode(one.payload)
        result.dead.append((place(one.line, one.message_id), one.reason, one.error, content))
    result.ignored.update(part.ignored)
    for kind, count in part.unread.counts.items():
        result.unread[f"{kind.metric} {kind.problem}"] += count
