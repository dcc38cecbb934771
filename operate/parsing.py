"""`away` and `alias`: what the directory says of people."""

from __future__ import annotations

from datetime import datetime

from countersign.domain.clock import moment_of
from countersign.domain.identity import is_address, normalise, same_domain
from countersign.domain.people import Absence
from operate.errors import OperateError


def address(text: str) -> str:
    """Return an e-mail address as the directory has it.

    Raises:
        OperateError: It is none.
    """
    normal = normalise(text)
    if not is_address(normal):
        raise OperateError(f"must be an e-mail address, got: {text}")
    return normal


def moment(text: str) -> datetime:
    """Read a date or a time.

    Raises:
        OperateError: It is neither.
    """
    try:
        return moment_of(text)
    except (OverflowError, ValueError):
        raise OperateError(f"must be a date or a time in ISO 8601, such as 2026-08-01, got: {text}") from None


def absence(person: str, to: str, since: str, until: str) -> Absence:
    """Return that somebody is away, and who stands in for them.

    Raises:
        OperateError: Something is missing, or makes no sense.
    """
    if not (to and since and until):
        raise OperateError("an absence needs --to, --since and --until; to end one, --back alone")
    found = Absence(moment(since), moment(until), address(to))
    if found.since >= found.until:
        raise OperateError(f"--until must be after --since, got: {until} after {since}")
    if not same_domain(found.to, person):
        raise OperateError(f"{found.to} cannot stand in for {person}: name somebody with an address of the same domain")
    if found.to == person:
        raise OperateError(f"{person} cannot stand in for themselves")
    return found
