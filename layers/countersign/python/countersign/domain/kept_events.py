"""Kept events: verified posts of providers, which operators list and replay.

A kept event belongs to one stage, and its key follows from its content. So a copy in another stage, or under another
key, is refused. Its headers and the time of receipt are checked by the provider's signature when it is replayed.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from countersign.domain.clock import from_text, to_text
from countersign.domain.errors import KeptEventError
from countersign.domain.strict_json import canonical, digest

VERSION = 1
_DIGITS = 32


@dataclass(frozen=True)
class KeptEvent:
    """A verified post, as it was received.

    Attributes:
        stage: The stage that received it, `<app>-<stage>`.
        provider: The provider's name in the stage's settings.
        scheme: The provider's scheme at that time.
        received_at: Time of receipt.
        url: The public URL that it was posted to, which some providers sign.
        headers: The headers that verify it, by their names in lower case.
        body: The raw bytes.
        delivery_id: `Verified.delivery_id`.
        origin: `Verified.origin`.
        became: How it was handled at receipt, such as `recorded`, `malformed` or `failed`.
    """

    stage: str
    provider: str
    scheme: str
    received_at: datetime
    url: str
    headers: Mapping[str, str]
    body: bytes
    delivery_id: str
    origin: str
    became: str

    @property
    def key(self) -> str:
        """Its key: the provider, the day, and a digest that is the same for each delivery of the event."""
        event = [self.stage, self.provider, self.delivery_id, sha256(self.body).hexdigest()]
        return f"{self.provider}/{self.received_at:%Y-%m-%d}/{digest(event)[:_DIGITS]}"

    def to_bytes(self) -> bytes:
        """Return the content of its object, which `read` reads."""
        times_and_bytes = {"received_at": to_text(self.received_at), "body": b64encode(self.body).decode()}
        return canonical({"v": VERSION, **vars(self), **times_and_bytes})


def read(content: bytes, key: str, stage: str) -> KeptEvent:
    """Read an object of `KeptEvent.to_bytes`.

    Args:
        content: The object.
        key: Its key.
        stage: The stage that reads it, `<app>-<stage>`.

    Raises:
        KeptEventError: It is malformed, another stage received it, or its content does not belong to its key.
    """
    try:
        document = json.loads(content)
        document.pop("v")
        times_and_bytes = {"received_at": from_text(document["received_at"]), "body": b64decode(document["body"])}
        event = KeptEvent(**{**document, **times_and_bytes})
        own_key = event.key
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise KeptEventError("the kept event was altered: it cannot be read") from error
    if event.stage != stage:
        raise KeptEventError(f"the stage {event.stage} received the event, not {stage}; replay it there")
    if own_key != key:
        raise KeptEventError("the kept event was altered: its content does not belong to its key")
    return event


def require_kept(event: KeptEvent, days: int, now: datetime) -> None:
    """Refuse an event that is older than the stage keeps events.

    Raises:
        KeptEventError: It is.
    """
    if now - event.received_at > timedelta(days=days):
        raise KeptEventError(f"the event is older than {days} days, the stage's keep_events_days")
