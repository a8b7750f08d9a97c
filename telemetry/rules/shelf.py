"""Define a shelf: a time for which the incidents of a rule, or of a device, are of no interest."""

import msgspec


class Shelf(msgspec.Struct, frozen=True, omit_defaults=True):
    """Some rules that open no incident for some devices until a time.

    Attributes:
        until_us: the time at which it ends, microseconds UTC of event time.
        rule: id of the rule; "" for every rule.
        device: glob of devices.
        reason: why, for people; it makes no difference to rules.
    """

    until_us: int
    rule: str = ""
    device: str = "*"
    reason: str = ""
