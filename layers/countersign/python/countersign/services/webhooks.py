"""Webhooks: what providers post, verified, translated, and put on record once."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from countersign.domain.answers import Sender
from countersign.domain.clock import Clock
from countersign.domain.errors import MediaTypeError, SignatureError, UnknownProviderError
from countersign.domain.payments import Handling
from countersign.ports import Secrets
from countersign.services.provider_events import SIGNED, ProviderEvents
from countersign.webhooks import Provider, Verified, WebhookRequest, load

_WORST_FIRST = (
    Handling.CONFLICT,
    Handling.HELD,
    Handling.PARKED,
    Handling.PENDING,
    Handling.RECORDED,
    Handling.DUPLICATE,
    Handling.IGNORED,
)


@dataclass(frozen=True)
class Received:
    """What became of a post.

    Attributes:
        handlings: What became of each of its events; none when they are of types that the kit does not act on.
        acknowledgement: The body that the provider wants to read; empty where it only reads the status.
    """

    handlings: tuple[Handling, ...]
    acknowledgement: str = ""

    @property
    def handling(self) -> Handling:
        """What needs the most attention of it all."""
        return next((handling for handling in _WORST_FIRST if handling in self.handlings), Handling.IGNORED)


class Webhooks:
    """Takes the posts of providers."""

    def __init__(self, schemes: Mapping[str, str], secrets: Secrets, events: ProviderEvents, clock: Clock) -> None:
        """Take the ports.

        Args:
            schemes: The scheme of each provider of the stage, by its name.
            secrets: What they sign with.
            events: Where their events go.
            clock: The time.
        """
        self._schemes = schemes
        self._secrets = secrets
        self._events = events
        self._clock = clock

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
        if name not in self._schemes:
            raise UnknownProviderError
        provider = load(self._schemes[name])
        _check_media_type(request, provider)
        verified = self._verified(name, provider, request)
        sender = Sender(name, SIGNED)
        handlings = [
            self._events.receive(event, hashlib.sha256(provider.identity(verified, event)).hexdigest(), sender)
            for event in provider.translate(verified)
        ]
        return Received(tuple(handlings), provider.acknowledgement)

    def _verified(self, name: str, provider: Provider, request: WebhookRequest) -> Verified:
        """Verify with the secrets at hand, and once more with others if they have been rotated since."""
        now, active = self._clock.now(), self._secrets.active(name)
        try:
            return provider.verify(request, active, now)
        except SignatureError as error:
            fresh = self._secrets.reread(name) if error.reason == "mismatch" else None
            if fresh is None or fresh == active:
                raise
        return provider.verify(request, fresh, now)


def _check_media_type(request: WebhookRequest, provider: Provider) -> None:
    sent = request.headers.get("content-type", provider.content_type)
    if sent.partition(";")[0].strip().lower() != provider.content_type:
        raise MediaTypeError
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise MediaTypeError
