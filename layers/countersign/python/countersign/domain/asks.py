"""Repeated asks: an AI agent may not ask the same again while people decide it, or soon after they have said no."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from countersign.domain.errors import AlreadyAskedError
from countersign.domain.requests import Request, RequestStatus
from countersign.domain.strict_json import digest

_READ = frozenset("LMNS")
"""The first letters of the Unicode categories of what a text says: letters, marks, numbers, symbols."""

_IN_NUMBERS = re.compile(r"(?<=\d)[.,](?=\d)|-(?=\d)")
"""What makes another number of the same digits: 1.50 and 150, -100 and 100."""


class Ask(NamedTuple):
    """What a request asks, so that the ledger finds it under one key.

    Attributes:
        fingerprint: SHA-256, in hex, of the agent's role and of what it asks.
        earlier: Id of the request that asked it last; empty for none.
    """

    fingerprint: str
    earlier: str


def fingerprint(document: Mapping[str, Any]) -> str:
    """Return the fingerprint of an agent's input, which keeps the contract `approval.input`.

    Asks that differ in case, spaces, punctuation outside numbers or invisible characters only are the same; so are
    those with another deadline.
    """
    amount = (f"{Decimal(document['amount']).normalize():f}", document["currency"]) if "amount" in document else ()
    words = (document["title"], document.get("on_behalf_of", ""))
    rows = [(row["label"], row["value"]) for row in document.get("rows", ())]
    attachments = [(each["name"], each["url"]) for each in document.get("attachments", ())]
    said = [[_plain(text) for text in texts] for texts in (words, *rows, *attachments)]
    return digest([document["agent"], list(amount), len(rows), said])


def check(earlier: Request, ask_again_seconds: int, now: datetime) -> None:
    """Refuse to ask the same again.

    Args:
        earlier: The request that asked it last.
        ask_again_seconds: How long the policy makes an agent wait after a rejection, in seconds.
        now: The current time.

    Raises:
        AlreadyAskedError: It is not decided yet, or it was rejected or withdrawn within this time.
    """
    if earlier.ended_at is None:
        raise AlreadyAskedError(earlier.request_id)
    until = earlier.ended_at + timedelta(seconds=ask_again_seconds)
    if _was_refused(earlier) and now < until:
        raise AlreadyAskedError(earlier.request_id, until)


def _was_refused(request: Request) -> bool:
    result = request.result if isinstance(request.result, Mapping) else {}
    return request.status is RequestStatus.CANCELLED or result.get("status") == "rejected"


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = {sign.start() for sign in _IN_NUMBERS.finditer(folded)}
    return "".join(
        character for at, character in enumerate(folded) if at in kept or unicodedata.category(character)[0] in _READ
    )
