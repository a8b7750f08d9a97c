"""Define how incidents open again, are updated and flap."""

import msgspec


class Flapping(msgspec.Struct, frozen=True, omit_defaults=True):
    """When a series that opens again and again becomes one incident.

    Attributes:
        opens: the opening, counted within `within_us`, that makes it flap.
        within_us: time in which openings are counted, microseconds.
        calm_us: time without an opening that ends the flapping, microseconds.
    """

    opens: int
    within_us: int
    calm_us: int


class IncidentPolicy(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the incidents of all rules behave.

    Attributes:
        reopen_us: an opening this soon after closing continues the incident, microseconds.
        update_every_us: least time between two updates of an open incident, microseconds.
        flapping: when a series flaps; None if it never does.
    """

    reopen_us: int = 0
    update_every_us: int = 300_000_000
    flapping: Flapping | None = None
