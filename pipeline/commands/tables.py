"""Create the job's BigQuery tables and views, or print their SQL: ``telemetry tables``."""

import argparse
import sys
from typing import Final

from pipeline.arguments import add_bigquery
from pipeline.config import check_columns
from telemetry.bigquery.flags import read_target
from telemetry.bigquery.schema import create_sql, table_specs
from telemetry.errors import ConfigError
from telemetry.feed.default_feed import DEFAULT_METRICS, metric_catalog
from telemetry.feed.flags import load_feed_flag, read_metrics

EXAMPLES: Final = """
%(prog)s --bigquery my-project:telemetry --print-sql
%(prog)s --bigquery my-project:telemetry --create --archive
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    add_bigquery(parser)
    parser.add_argument("--metrics", default=",".join(DEFAULT_METRICS), metavar="LIST", help="metric columns of "
                        "the table of archived readings")  # fmt: skip
    parser.add_argument("--feed", default="", metavar="FILE", help="the job's --feed, whose units the descriptions of "
                        "these columns have")  # fmt: skip
    parser.add_argument("--archive", action="store_true", help="add the table of archived readings")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--create", action="store_true", help="create what is missing and check what exists")
    what.add_argument("--print-sql", action="store_true", help="print the SQL statements; connect to nothing")


def run(options: argparse.Namespace) -> int:
    """Create the tables or print their SQL, and return the exit code.

    Raises:
        ConfigError: if a flag cannot be used, the dataset is missing, or a table is there and cannot take the rows.
    """
    target = read_target(options.bigquery, options.bigquery_endpoint)
    if target is None:
        raise ConfigError("--bigquery", "", "is needed: PROJECT:DATASET")
    metrics = read_metrics(options.metrics)
    if options.archive:
        check_columns(options.metrics, metrics, in_tables=True)
    catalog = metric_catalog(load_feed_flag(options.feed))
    specs = table_specs(metrics, archive=options.archive, catalog=catalog)
    if options.print_sql:
        sys.stdout.write(create_sql(specs, target) + "\n")
        return 0
    from telemetry.bigquery.client import connect, prepare_tables  # Google's client is loaded where it is used

    created = prepare_tables(connect(target), target, specs)
    sys.stdout.write(f"{target}: {', '.join(f'created {name}' for name in created) or 'nothing was missing'}\n")
    return 0
