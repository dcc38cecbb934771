"""Links as items of the ledger: writes and reads their documents."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from countersign.adapters.keys import inbox_key, link_key, status_key, token_key
from countersign.adapters.task_items import epoch_after
from countersign.domain.clock import from_text, to_text

if TYPE_CHECKING:
    from countersign.domain.links import Link


def link_document(link: Link, expires_at: datetime) -> dict[str, Any]:
    """Return the document of a link; one of a review is in the index of its recipient's inbox."""
    # Imported here, as below: an event of a provider needs no link, and it would slow its cold start.
    from countersign.domain.links import Purpose

    key_of = {Purpose.CALLBACK: token_key, Purpose.REQUESTER: status_key}
    document = key_of.get(link.purpose, link_key)(link.fingerprint) | {
        "task_id": link.task_id,
        "recipient": link.recipient,
        "purpose": link.purpose.value,
        "expires_at": link.expires_at and to_text(link.expires_at),
        "minted_for": link.minted_for or None,
        "ttl": epoch_after(expires_at),
    }
    return document | (inbox_key(link.recipient, expires_at) if link.purpose is Purpose.REVIEW else {})


def link_of(document: Mapping[str, Any]) -> Link:
    """Read a document of `link_document`."""
    from countersign.domain.links import Link, Purpose

    expires_at = document.get("expires_at")
    return Link(
        document["pk"].partition("#")[2],
        document["task_id"],
        document["recipient"],
        Purpose(document.get("purpose", Purpose.REVIEW)),
        expires_at and from_text(expires_at),
        document.get("minted_for", ""),
    )
