"""Events that waited for a task which was never opened."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger

from countersign.adapters.keys import PARKED
from countersign.functions.telemetry import count

logger = Logger()


def tell_of_forgotten(change: Mapping[str, Any]) -> None:
    """Tell of an event that TTL has removed from where it waited: its provider was told that it is on record."""
    about, event = (change["Keys"][name]["S"] for name in ("pk", "sk"))
    if event.startswith(PARKED):
        count("EventsForgotten")
        logger.error("no task was opened for an event", about=about, parked=event)
