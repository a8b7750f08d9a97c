"""Reduce the transitions of incidents to the latest one of each incident."""

from typing import Final

import numpy as np
import pyarrow as pa

ORDER: Final = ("incident_id", "sequence", "job_id")
"""Columns by which the latest transition of an incident is found."""


def latest_incidents(transitions: pa.Table) -> pa.Table:
    """Return the latest transition of each incident, which says all that is known of it, ordered by `incident_id`.

    An incident that several jobs have stored has the same id in all of them: the highest `sequence` counts, then the
    first `job_id`. The views `incidents` and `open_incidents` in BigQuery choose the same.

    Args:
        transitions: any columns of incidents, including those of `ORDER`; they may be repeated, in any order.
    """
    ranked = transitions.sort_by(list(zip(ORDER, ("ascending", "descending", "ascending"), strict=True)))
    ids = ranked.column("incident_id").combine_chunks().dictionary_encode().indices.to_numpy()
    return ranked.take(pa.array(np.flatnonzero(np.diff(ids, prepend=-1))))
