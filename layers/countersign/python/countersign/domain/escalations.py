"""Escalations: who is asked too when nobody has decided for a while."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Escalation:
    """One more group that is asked.

    Attributes:
        after_seconds: When, counted from the opening.
        to: Their addresses.
    """

    after_seconds: int
    to: tuple[str, ...]
