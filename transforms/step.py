"""Define the base class of the public steps: dataclasses that are PTransforms."""

import apache_beam as beam


class Step(beam.PTransform):
    """A PTransform whose subclasses are dataclasses: their fields are its arguments."""

    def __post_init__(self) -> None:
        """Initialize the fields of Beam's own base class, which a dataclass does not call."""
        super().__init__()
