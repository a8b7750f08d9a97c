"""Define the result of a source that says when the rules change."""

from typing import NamedTuple

import apache_beam as beam


class RuledMessages(NamedTuple):
    """Messages, and the rules that judge them.

    Attributes:
        messages: PCollection of MessageBatch.
        changes: PCollection of encoded `RulesChange`, the first of them that of the beginning; see
            `transforms.incidents.change_bytes`.
    """

    messages: beam.PCollection
    changes: beam.PCollection
