"""Webhooks: what providers post, verified, translated, and put on record once."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from countersign.domain.answers import SIGNED, Sender
from countersign.domain.clock import Clock
from countersign.domain.errors import MediaTypeError, SignatureError, UnknownProviderError
from countersign.domain.provider_events import EventStatus, Handling
from countersign.ports import Secrets
from countersign.providers.base import AS_BY_DEFAULT, Expected, Provider, Verified, WebhookRequest, load
from countersign.services.provider_events import ProviderEvents

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
    """A provider of the stage, by its settings.

    Attributes:
        scheme: The module that verifies and translates its events.
        expected: Which of its events act.
        parks: Whether an event without a task waits for one.
    """

    scheme: str
    expected: Expected = AS_BY_DEFAULT
    parks: bool = True

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Source":
        """Return the source that a function is deployed with: `scheme`, and what differs from the defaults."""
        expected = Expected(
            live=document.get("live", True),
            declined_is_final=document.get("declined") == "final",
            accounts=document.get("accounts") or {},
        )
        return cls(document["scheme"], expected, document.get("unmatched") != "ignore")


@dataclass(frozen=True)
class Received:
    """What became of a post.

    Attributes:
        handlings: What became of each of its events; none when they are of types that the kit does not act on.
        acknowledgement: The body that the provider wants to read; empty where it only reads the status.
        ignored: Why events of it were ignored that the settings do not expect, words such as `test_mode`.
    """

    handlings: tuple[Handling, ...]
    acknowledgement: str = ""
    ignored: tuple[str, ...] = ()

    @property
    def handling(self) -> Handling:
        """What needs the most attention of it all."""
        return next((handling for handling in _WORST_FIRST if handling in self.handlings), Handling.IGNORED)


@dataclass(frozen=True)
class Webhooks:
    """Takes the posts of providers.

    Attributes:
        sources: The providers of the stage, by name.
    """

    sources: Mapping[str, Source]
    secrets: Secrets
    events: ProviderEvents
    clock: Clock

    def receive(self, name: str, request: WebhookRequest) -> Received:
        """Put on record what a provider posts.

        Args:
            name: The provider's name in the path; any text.
            request: As it came.

        Raises:
            UnknownProviderError: The stage has no provider of this name.
            MediaTypeError: The body is of another type than the provider sends, or it is compressed.
            SignatureError: It is not known to come from the provider; nothing of it was read.
            ContractError: The provider documents another form.
            SecretError: The provider's secrets are configured badly.
            TransientError: Something did not answer; nothing is lost when the provider posts it again.
        """
        source = self.sources.get(name)
        if source is None:
            raise UnknownProviderError
        provider = load(source.scheme)
        _check_media_type(request, provider)
        verified = self._verified(name, provider, request)
        return take(provider, verified, source, self.events, Sender(name, SIGNED))

    def _verified(self, name: str, provider: Provider, request: WebhookRequest) -> Verified:
        """Verify with the secrets at hand, and once more with others if they have been rotated since."""
        now, active = self.clock.now(), self.secrets.active(name)
        try:
            return provider.verify(request, active, now)
        except SignatureError as error:
            fresh = self.secrets.reread(name) if error.reason == "mismatch" else None
            if fresh is None or fresh == active:
                raise
        return provider.verify(request, fresh, now)


def take(provider: Provider, verified: Verified, source: Source, events: ProviderEvents, sender: Sender) -> Received:
    """Put on record what a verified body says, by the source's settings."""
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
