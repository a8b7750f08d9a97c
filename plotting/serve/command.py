"""Show results live in the browser while a job writes them: ``telemetry serve``."""

import argparse
import asyncio
import sys
from typing import Final

from plotting.data.rule_bounds import add_rules_flag, read_rules_flag
from plotting.data.source import add_readings, add_source, explained, open_results
from plotting.serve.view_choice import FIGURES, ViewChoice
from plotting.serve.words import WORDS
from plotting.style.themes import THEMES
from telemetry.cli.flags import read_duration, read_whole

EXAMPLES: Final = """
%(prog)s --results results
%(prog)s --results results --figure overview --port 0 --theme dark
%(prog)s --bigquery my-project:telemetry --refresh 60s
"""
_PORT: Final = 8988
_REFRESH, _REFRESH_PAID = "1s", "30s"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    add_source(parser)
    parser.add_argument("--port", default=str(_PORT), metavar="N", help=f"port; 0: any that is free (default: {_PORT})")
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address to listen on: by default only this machine reaches it (default: 127.0.0.1)",
    )
    parser.add_argument(
        "--figure", choices=list(FIGURES), default="trend", help="picture to begin with (default: trend)"
    )
    parser.add_argument("--metric", default="temp", help="metric to begin with (default: temp)")
    add_readings(
        parser, "for a scatter the readings themselves, as render takes them; the folder of an archive is followed"
    )
    add_rules_flag(parser)
    parser.add_argument(
        "--refresh",
        default="",
        metavar="DURATION",
        help=f"how often to ask for new results (default: {_REFRESH}; of BigQuery, which takes money: {_REFRESH_PAID})",
    )
    parser.add_argument("--lang", choices=sorted(WORDS), default="en", help="language of the page (default: en)")
    parser.add_argument("--theme", choices=list(THEMES), default="light", help="paper and ink (default: light)")


def run(options: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM, and return the exit code.

    Raises:
        ConfigError: if the port is taken, or there is no such folder or dataset.
    """
    from plotting.serve.polling import ReadingsPoller, ResultsPoller  # the server is loaded where it is used
    from plotting.serve.run_watcher import RunWatcher
    from plotting.serve.server import address_of, listen, loopback, serve

    usually = _REFRESH_PAID if options.bigquery else _REFRESH
    refresh_s = read_duration("--refresh", options.refresh or usually, 100_000) / 1e6
    port = read_whole("--port", options.port, 65_535, 0)
    store = open_results(options)
    with explained():
        store.check_exists()  # there may be results one day: a job that has just begun has written none yet
    sockets = listen(options.host, port)
    watcher = RunWatcher(
        ResultsPoller(store), ReadingsPoller(options.readings), refresh_s, read_rules_flag(options.rules)
    )
    default = ViewChoice(options.figure, options.metric, language=options.lang, theme=options.theme)

    def ready() -> None:
        if not loopback(options.host):
            sys.stderr.write(f"{options.program}: warning: everybody who reaches {options.host} sees these results\n")
        sys.stdout.write(f"{store} at {address_of(sockets)} (Ctrl-C ends it)\n")
        sys.stdout.flush()

    asyncio.run(serve(sockets, watcher, default, str(store), ready))
    sys.stdout.write("ended\n")
    return 0
