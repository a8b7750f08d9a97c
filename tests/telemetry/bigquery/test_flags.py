"""The dataset that a command line names."""

import pytest

from telemetry.bigquery.flags import read_target
from telemetry.bigquery.schema import BigQueryTarget
from telemetry.errors import ConfigError


def test_a_dataset_and_where_it_is() -> None:
    assert read_target("project-x:results", "") == BigQueryTarget("project-x", "results")
    assert read_target("example.com:project-x:results_2", "http://localhost:9050/", "storage_write_api") == (
        BigQueryTarget("example.com:project-x", "results_2", "storage_write_api", "http://localhost:9050")
    )


def test_nothing_is_no_dataset() -> None:
    assert read_target("", "") is None


@pytest.mark.parametrize(
    ("text", "endpoint", "problem"),
    [
        ("project-x.results", "", "--bigquery project-x.results: must read PROJECT:DATASET"),
        ("results", "", "--bigquery results: must read PROJECT:DATASET"),
        ("project-x:a-b", "", "--bigquery project-x:a-b: must read PROJECT:DATASET"),
        ("", "http://localhost:1", "--bigquery-endpoint http://localhost:1: needs --bigquery, the dataset"),
        ("project-x:a", "localhost", "--bigquery-endpoint localhost: must read http://HOST:PORT or https://HOST"),
        ("project-x:a", "http://a/b", "--bigquery-endpoint http://a/b: must read http://HOST:PORT or https://HOST"),
    ],
)
def test_mistakes_are_named(text: str, endpoint: str, problem: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_target(text, endpoint)
    assert str(error.value) == problem
