"""Masks of a provider's body: amounts, ids and states stay, everything that may be a secret or a person is hidden."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

MASK = "***"

_IDS = re.compile(r"(.+_)?ids?|.*[a-z]Ids?|(.+_)?reference|.*[a-z]Reference")
_OF_PEOPLE = re.compile(
    r".*(birth|device|dob|identity|licen[cs]e|national|passport|person|secret|social|tax|vat).*", re.IGNORECASE
)
_STATES = frozenset(
    {"type", "event", "event_type", "eventcode", "object", "status", "state", "action", "conclusion", "currency"}
    | {"currency_code", "presentment_currency", "success", "livemode", "live", "test", "mode"}
)
_NUMBERS = re.compile(r"(.*_)?(amount|total|value|created|count|version)(_.*|received|refunded)?", re.IGNORECASE)
_TIMES = re.compile(r".*(time|date|timestamp|_at|created|updated)", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,99}")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}")
_NUMBER = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,6})?")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]{5,15}(Z|[+-][0-9:]{4,6})?)?|[0-9]{10,13}")


def masked(value: Any, known: Collection[str], name: str = "") -> Any:
    """Return a JSON value with its parts masked.

    Args:
        value: The value.
        known: Texts that stay wherever they stand: the ids that the kit itself read from the body.
        name: The name of the member that has the value; empty for the whole body.
    """
    if isinstance(value, dict):
        return {key if _NAME.fullmatch(key) else MASK: masked(each, known, key) for key, each in value.items()}
    if isinstance(value, list):
        return [masked(each, known, name) for each in value]
    if value is None or isinstance(value, bool) or (isinstance(value, str) and value in known):
        return value
    return value if _is_plain(name, str(value)) else MASK


def _is_plain(name: str, text: str) -> bool:
    """Tell whether a value is an amount, an id, a time or a state, by its member's name and its own form."""
    if _OF_PEOPLE.fullmatch(name):
        return False
    return bool(
        ((name.lower() in _STATES or _IDS.fullmatch(name)) and _WORD.fullmatch(text))
        or (_NUMBERS.fullmatch(name) and _NUMBER.fullmatch(text))
        or (_TIMES.fullmatch(name) and _TIME.fullmatch(text))
    )
