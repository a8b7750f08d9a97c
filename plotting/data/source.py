"""Open the results to draw: a folder of files or a BigQuery dataset."""

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path

from telemetry.bigquery.flags import read_target
from telemetry.errors import ConfigError
from telemetry.storage.files import StorageError
from telemetry.storage.result_store import FileStore, ResultStore

Source = str | Path | ResultStore
"""A store, or the folder that was given to the job as ``--output``, on any Beam filesystem."""


def add_source(parser: argparse._ActionsContainer) -> None:
    """Add the flags that name results."""
    parser.add_argument(
        "--results", default="", metavar="PATH", help="the job's --output, on any filesystem that Beam knows"
    )
    parser.add_argument(
        "--bigquery", default="", metavar="PROJECT:DATASET", help="in place of --results: the job's --bigquery"
    )
    parser.add_argument(
        "--bigquery-endpoint", default="", metavar="URL", help="another server that speaks BigQuery's protocol"
    )


def add_readings(parser: argparse._ActionsContainer, words: str) -> None:
    """Add the flag that names files of readings, with its help text."""
    parser.add_argument("--readings", nargs="+", action="extend", default=[], metavar="PATH", help=words)


def open_results(options: argparse.Namespace) -> ResultStore:
    """Return the results that the flags of `add_source` name; nothing is read from a folder yet.

    Raises:
        ConfigError: if the flags name none or two, or BigQuery cannot be used.
    """
    target = read_target(options.bigquery, options.bigquery_endpoint)
    if options.results and target is not None:
        raise ConfigError("--results and --bigquery", "", "only one of them can be read")
    if options.results:
        return FileStore(options.results)
    if target is None:
        raise ConfigError("--results", "", "nothing to read, give --results or --bigquery")
    from telemetry.bigquery.result_store import DatasetStore  # Google's client is loaded where it is used

    return DatasetStore(target)


def store_of(results: Source) -> ResultStore:
    """Return the store of a folder; a store is returned unchanged."""
    return FileStore(str(results)) if isinstance(results, str | Path) else results


def flag_of(store: ResultStore) -> str:
    """Return the flag that names a store: its own, else --results."""
    flag: str = getattr(store, "flag", "--results")
    return flag


def refusal(store: ResultStore, problem: str) -> ConfigError:
    """Return an error about a store, under the flag that names it."""
    return ConfigError(flag_of(store), store, problem)


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turn a StorageError of a folder into a ConfigError; a dataset raises ConfigErrors."""
    try:
        yield
    except StorageError as error:
        raise ConfigError("--results", error.path, error.problem) from error
