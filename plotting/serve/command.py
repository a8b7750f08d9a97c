"""Show results live in the browser while a job writes them: ``telemetry serve``."""

import argparse
import asyncio
import sys
from typing import Final

from plotting.data.rule_bounds import add_rules_flag, read_rules_flag
from plotting.data.source import add_readings, add_source, explained, open_results
from plotting.serve.view_choice import FIGURES, ViewChoice
from plotting.serve.words import WORDS
from plotting.style.feed_flag import add_units_flag, read_units_flag
from plotting.style.themes import THEMES
from telemetry.cli.flags import read_duration, read_whole
from telemetry.cli.hosts import is_loopback

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
    parser.add_argument("--port", default=str(_PORT), metavar="N", help="port to listen on; 0 for any free one")
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address to listen on; by default only this machine reaches the server",
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="host name under which the server is reached, such as that of a proxy; others are refused; repeatable",
    )
    parser.add_argument(
        "--no-token",
        action="store_true",
        help="require no token in the address of the page when other machines reach the server",
    )
    parser.add_argument("--figure", choices=list(FIGURES), default="trend", help="first picture")
    parser.add_argument("--metric", default="temp", help="first metric")
    add_readings(
        parser, "readings for a scatter, as for render; new files in the folder of an archive are read as they appear"
    )
    add_rules_flag(parser)
    add_units_flag(parser)
    parser.add_argument(
        "--refresh",
        default="",
        metavar="DURATION",
        help="interval between queries for new results "
        f"(default: {_REFRESH}; for BigQuery, where a query costs money: {_REFRESH_PAID})",
    )
    parser.add_argument("--lang", choices=sorted(WORDS), default="en", help="language of the page")
    parser.add_argument("--theme", choices=list(THEMES), default="light", help="colour theme")


def run(options: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM, and return the exit code.

    Raises:
        ConfigError: if the port is taken, or there is no such folder or dataset.
    """
    from plotting.serve.access import access_for
    from plotting.serve.polling import ReadingsPoller, ResultsPoller  # the server is loaded where it is used
    from plotting.serve.run_watcher import RunWatcher
    from plotting.serve.server import address_of, listen, serve

    usually = _REFRESH_PAID if options.bigquery else _REFRESH
    refresh_s = read_duration("--refresh", options.refresh or usually, 100_000) / 1e6
    port = read_whole("--port", options.port, 65_535, 0)
    catalog = read_units_flag(options.feed)
    store = open_results(options)
    with explained():
        store.check_exists()  # results may come later: a job that has just started has written none
    sockets = listen(options.host, port)
    addresses = [str(one.getsockname()[0]) for one in sockets]
    access = access_for(options.host, addresses, options.allow_host, with_token=not options.no_token)
    readings = ReadingsPoller(options.readings, catalog)
    watcher = RunWatcher(ResultsPoller(store), readings, refresh_s, read_rules_flag(options.rules))
    default = ViewChoice(options.figure, options.metric, language=options.lang, theme=options.theme, catalog=catalog)

    def ready() -> None:
        if not all(map(is_loopback, addresses)):
            who = "whoever has the token" if access.token else f"everybody who reaches {options.host}"
            sys.stderr.write(f"{options.program}: warning: {who} sees these results, and nothing is encrypted\n")
        sys.stdout.write(f"{store} at {address_of(sockets, access.token)} (Ctrl-C ends it)\n")
        sys.stdout.flush()

    asyncio.run(serve(sockets, watcher, default, str(store), access, ready))
    sys.stdout.write("ended\n")
    return 0
