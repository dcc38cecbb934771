"""Webhooks: verify what a provider posts, translate it into events, and record each event once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from countersign.domain.answers import SIGNED, Sender
from countersign.domain.clock import Clock
from countersign.domain.errors import ContractError, MediaTypeError, SignatureError, UnknownProviderError
from countersign.domain.provider_events import EventStatus, Handling
from countersign.providers.base import AS_BY_DEFAULT, Expected, Provider, Unsigned, Verified, WebhookRequest, load
from countersign.services.provider_events import ProviderEvents

if TYPE_CHECKING:
    from datetime import datetime

    from countersign.ports import KeepEvent, Secrets

FAILED, MALFORMED = "failed", "malformed"
"""Why a kept event was not handled: the ledger or the function failed, or its body cannot be read."""

_WORST_FIRST = (
    Handling.CONFLICT,
    Handling.HELD,
    Handling.DISPUTED,
    Handling.REFUNDED,
    Handling.PARKED,
    Handling.PENDING,
    Handling.DECLINED,
    Handling.RECORDED,
    Handling.DUPLICATE,
    Handling.IGNORED,
)


@dataclass(frozen=True)
class Source:
    """A provider's settings.

    Attributes:
        scheme: The module that verifies and translates its events.
        expected: Which of its events act.
        parks: Whether an event without a task is parked.
    """

    scheme: str
    expected: Expected = AS_BY_DEFAULT
    parks: bool = True

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Source:
        """Read a source from the function's environment: `scheme`, and all values that differ from the defaults."""
        expected = Expected(
            live=document.get("live", True),
            declined_is_final=document.get("declined") == "final",
            accounts=document.get("accounts") or {},
        )
        return cls(document["scheme"], expected, document.get("unmatched") != "ignore")


@dataclass(frozen=True)
class Received:
    """The result of a post.

    Attributes:
        handlings: How each of its events is handled; none if the kit does not act on their types.
        acknowledgement: The body that the provider expects; empty if it reads only the status.
        ignored: Why unexpected events were ignored, words such as `test_mode`.
        asks: Whether the provider, which signs nothing, is asked for the payment that the post names.
    """

    handlings: tuple[Handling, ...]
    acknowledgement: str = ""
    ignored: tuple[str, ...] = ()
    asks: bool = False

    @property
    def handling(self) -> Handling:
        """The handling that needs the most attention."""
        return next((handling for handling in _WORST_FIRST if handling in self.handlings), Handling.IGNORED)


@dataclass(frozen=True)
class Webhooks:
    """Records the posts of providers.

    Attributes:
        sources: The providers of the stage, by name.
        notice: Takes a notice of an unsigned provider, by its name and the external id; returns whether it is asked.
        keep: Keeps each verified post after its events were handled, and never raises; None keeps none.
    """

    sources: Mapping[str, Source]
    secrets: Secrets
    events: ProviderEvents
    clock: Clock
    notice: Callable[[str, str], bool]
    keep: KeepEvent | None = None

    def receive(self, name: str, request: WebhookRequest, received_at: datetime | None = None) -> Received:
        """Verify a provider's post and record its events. An unsigned post is only a reason to ask the provider.

        Args:
            name: The provider's name in the path; any text.
            request: The unverified post.
            received_at: When a kept post was received, for its verification; it is not kept again. None for now.

        Raises:
            UnknownProviderError: The stage has no provider of this name.
            MediaTypeError: The body has another type than the provider sends, or it is compressed.
            SignatureError: The signature is not the provider's; nothing was recorded.
            ContractError: The body does not have the form that the provider documents.
            SecretError: The provider's secret is missing or malformed.
            TransientError: A service did not answer; nothing is lost if the provider posts again.
        """
        source = self.sources.get(name)
        if source is None:
            raise UnknownProviderError
        provider = load(source.scheme)
        if isinstance(provider, Unsigned):
            external_id = provider.named(request.body)
            return Received((), asks=provider.knows(external_id) and self.notice(name, external_id))
        _check_media_type(request, provider)
        now = received_at or self.clock.now()
        verified = self._verified(name, provider, request, now)
        became = FAILED
        try:
            received = take(provider, verified, source, self.events, Sender(name, SIGNED))
            became = received.handling
        except ContractError:
            became = MALFORMED
            raise
        finally:
            # After the ledger's write: no payment waits for its copy.
            if self.keep and received_at is None:
                self.keep(name, source.scheme, request, verified, now, became)
        return received

    def _verified(self, name: str, provider: Provider, request: WebhookRequest, now: datetime) -> Verified:
        """Verify with the cached secrets, and again with the current ones if they have been rotated."""
        active = self.secrets.active(name)
        try:
            return provider.verify(request, active, now)
        except SignatureError as error:
            fresh = self.secrets.reread(name) if error.reason == "mismatch" else None
            if fresh is None or fresh == active:
                raise
        return provider.verify(request, fresh, now)


def take(provider: Provider, verified: Verified, source: Source, events: ProviderEvents, sender: Sender) -> Received:
    """Record the events of a verified body, under the source's settings."""
    said = provider.translate(verified, source.expected)
    handlings = [
        events.receive(
            event, hashlib.sha256(provider.identity(verified, event)).hexdigest(), sender, parks=source.parks
        )
        for event in said
    ]
    ignored = tuple(event.reason or "" for event in said if event.status is EventStatus.IGNORED)
    return Received(tuple(handlings), provider.acknowledgement, ignored)


def _check_media_type(request: WebhookRequest, provider: Provider) -> None:
    sent = request.headers.get("content-type", provider.content_type)
    if sent.partition(";")[0].strip().lower() != provider.content_type:
        raise MediaTypeError
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise MediaTypeError
