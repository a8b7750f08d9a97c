"""``python -m pipeline tables``: the job's tables and views in BigQuery, created or shown as SQL."""

import sys
from collections.abc import Sequence

from pipeline.arguments import add_bigquery
from pipeline.config import check_columns, read_metrics
from telemetry.bigquery.flags import read_target
from telemetry.bigquery.schema import create_sql, table_specs
from telemetry.cli.commands import OneLineParser
from telemetry.errors import ConfigError
from telemetry.model.metrics import DEFAULT_METRICS


def build_parser() -> OneLineParser:
    """Return the parser of the command."""
    parser = OneLineParser(
        prog="python -m pipeline tables",
        description="The job's tables and views in BigQuery: created, or printed as the SQL that creates them.",
    )
    add_bigquery(parser)
    parser.add_argument("--metrics", default=",".join(DEFAULT_METRICS), metavar="LIST", help="columns of the table "
                        "of readings (default: %(default)s)")  # fmt: skip
    parser.add_argument("--archive", action="store_true", help="with the table of readings")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--create", action="store_true", help="create what is missing, and check what is there")
    what.add_argument("--print-sql", action="store_true", help="print statements, and connect to nothing")
    return parser


def run(args: Sequence[str]) -> int:
    """Create the tables or print their SQL; returns 0.

    Raises:
        ConfigError: if a flag cannot be used, the dataset is missing, or a table is there and cannot take the rows.
    """
    options = build_parser().parse_args(args)
    target = read_target(options.bigquery, options.bigquery_endpoint)
    if target is None:
        raise ConfigError("--bigquery", "", "is needed: PROJECT:DATASET")
    metrics = read_metrics(options.metrics)
    if options.archive:
        check_columns(options.metrics, metrics, in_tables=True)
    specs = table_specs(metrics, archive=options.archive)
    if options.print_sql:
        sys.stdout.write(create_sql(specs, target) + "\n")
        return 0
    from telemetry.bigquery.client import connect, prepare_tables  # Google's client is loaded where it is used

    created = prepare_tables(connect(target), target, specs)
    sys.stdout.write(f"{target}: {', '.join(f'created {name}' for name in created) or 'nothing was missing'}\n")
    return 0
