"""Build report pages with the command, and parse their content."""

import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from plotting.report.command import add_arguments, run
from telemetry.cli.commands import exit_code
from telemetry.cli.parser import OneLineParser
from telemetry.model.records import Anomaly, DeadLetter, LedgerEntry
from tests.support.runs import MINUTE, T0, anomaly, window, write, write_run

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror="window.hacked=1">\'',
    "</script><script>window.hacked=1</script>",
    "<!-- <script> & &lt; {count} ${where} $x",
    "\u202eevil\u202c مرحبا \u2028 \u2066",
    "x" * 400,
)
VOID = {"meta", "link", "input", "img", "br"}


def report(output: Path | str, results: Path | str, *arguments: object) -> int:
    """Run the command as `python -m plotting report` does; returns the exit code, prints what it says."""
    parser = OneLineParser()
    add_arguments(parser)

    def command() -> int:
        return run(parser.parse_args(["--results", str(results), "--output", str(output), *map(str, arguments)]))

    return exit_code("plotting", command)


def make(folder: Path, results: Path, *arguments: object) -> Path:
    """Build a page and return its file."""
    file = folder / "report.html"
    assert report(file, results, *arguments) == 0
    return file


def letter(reason: str = "too_late", line: int = 1) -> DeadLetter:
    return DeadLetter(reason, "what is wrong", "decode", "YQ==", line, "{}", "m1", None, None)


def entry(number: int = 0, item: str = "rows_decoded", count: int = 24) -> LedgerEntry:
    return LedgerEntry(f"e{number}", "run", item, "", count, T0)


def hot(device: str = "a", at: int = T0, value: float = 31.0, severity: str = "critical", **options: Any) -> Anomaly:
    return msgspec.structs.replace(anomaly(device, at, value, **options), severity=severity)


def small_run(folder: Path) -> Path:
    """Write two devices of 24 windows, 60 anomalies of two rules and three severities, and 3 dead letters."""
    windows = [window(device, minute, 20.0 + minute / 10) for device in "ab" for minute in range(24)]
    anomalies = [
        hot("ab"[n % 3 == 0], T0 + n * MINUTE // 3, 30.0 + n % 7, ("critical", "warning", "info")[n % 3],
            rule=("temp-high", "temp-spike")[n % 2])
        for n in range(60)
    ]  # fmt: skip
    run = write_run(folder, windows, anomalies)
    write(run, "dead_letters", [letter(), letter(line=2), letter("not_json")])
    write(run, "ledger", [entry(0), entry(1, count=6), entry(2, "rows_rejected", 2)])
    return run


def hostile_run(folder: Path) -> Path:
    return write_run(folder, [window(HOSTILE[0])], [hot(name, T0 + n * MINUTE) for n, name in enumerate(HOSTILE)])


def big_run(folder: Path, count: int = 100_000) -> Path:
    """Write `count` anomalies of 400 devices and 5 rules, with values of full precision."""
    generator = np.random.default_rng(5)
    devices, rules = generator.integers(0, 400, count), generator.integers(0, 5, count)
    times, values = np.sort(generator.integers(0, 8 * 86_400_000_000, count)), generator.exponential(3, count)
    rows = [
        anomaly(f"sensor-{device:03}", T0 + int(at), 30 + float(value), rule=f"rule-{rule}")
        for device, rule, at, value in zip(devices, rules, times, values, strict=True)
    ]
    return write_run(folder, [window(f"sensor-{number:03}") for number in range(400)], rows, kind="parquet")


@dataclass
class Element:
    name: str
    attributes: dict[str, str]
    children: list["Element | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    def all(self, name: str, **attributes: str) -> list["Element"]:
        found = []
        for child in self.children:
            if isinstance(child, Element):
                if child.name == name and attributes.items() <= child.attributes.items():
                    found.append(child)
                found += child.all(name, **attributes)
        return found

    def every(self) -> list["Element"]:
        return [self, *(e for child in self.children if isinstance(child, Element) for e in child.every())]


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("document", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: content or "" for name, content in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].name == tag, f"</{tag}> closes <{self.open[-1].name}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def parse(file: Path) -> Element:
    """Return the element tree of a page, and check that all elements are closed in order."""
    builder = _Builder()
    builder.feed(file.read_text(encoding="utf-8"))
    builder.close()
    assert len(builder.open) == 1
    return builder.open[0]


def cards(page: Element) -> dict[str, str]:
    """Return the headline numbers by their names."""
    return {card.all("dt")[0].text: card.all("dd")[0].text for card in page.all("div") if "card" in
            card.attributes.get("class", "").split()}  # fmt: skip


def breakdowns(page: Element) -> dict[str, dict[str, str]]:
    """Return the breakdowns by heading."""
    (folder,) = page.all("div", **{"class": "breakdowns"})
    return {
        section.all("h3")[0].text: {row.all("th")[0].text: row.all("td")[0].text for row in section.all("tr")}
        for section in folder.all("section")
    }


def embedded(page: Element) -> dict[str, Any]:
    """Return the data embedded for the script."""
    (block,) = page.all("script", type="application/json")
    content: dict[str, Any] = json.loads(block.text)
    return content


def rows_of(content: dict[str, Any]) -> list[tuple[int, float, str, str, str, str, str]]:
    """Return (time, value, device, metric, rule, severity, limit) of each embedded anomaly."""
    columns = [
        [content[name]["names"][at] for at in content[name]["at"]]
        for name in ("device", "metric", "rule", "severity", "limit")
    ]
    return list(zip(np.cumsum(content["time"]).tolist(), content["value"], *columns, strict=True))


def addresses(page: Element) -> set[str]:
    """Return all addresses in the page's attributes and style; of ``data:`` addresses only the scheme."""
    found = {
        content
        for element in page.every()
        for name, content in element.attributes.items()
        if name in ("src", "href", "srcset", "action", "data", "poster", "formaction", "background")
    }
    found |= {match for style in page.all("style") for match in re.findall(r"url\([^)]*\)|@import[^;]*", style.text)}
    return {"data:" if address.startswith("data:") else address for address in found}
