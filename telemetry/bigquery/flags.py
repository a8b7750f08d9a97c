"""Read the flags that name a BigQuery dataset."""

import re
from typing import Final

from telemetry.bigquery.schema import BigQueryTarget, Method
from telemetry.errors import ConfigError

_DATASET: Final = re.compile(r"((?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]):([A-Za-z0-9_]{1,1024})")
_URL: Final = re.compile(r"https?://[^\s/]+/?")


def read_target(text: str, endpoint: str, method: Method = "streaming_inserts") -> BigQueryTarget | None:
    """Return the dataset that --bigquery and --bigquery-endpoint name; None if they are empty.

    Raises:
        ConfigError: if they do not name a dataset.
    """
    if not text:
        if endpoint:
            raise ConfigError("--bigquery-endpoint", endpoint, "needs --bigquery, the dataset")
        return None
    found = _DATASET.fullmatch(text)
    if found is None:
        raise ConfigError("--bigquery", text, "must read PROJECT:DATASET")
    if endpoint and _URL.fullmatch(endpoint) is None:
        raise ConfigError("--bigquery-endpoint", endpoint, "must read http://HOST:PORT or https://HOST")
    return BigQueryTarget(found[1], found[2], method, endpoint.rstrip("/"))
