"""The port of the providers: who sent a webhook, and what it says.

A provider is one module, named for its scheme, with a `PROVIDER`: in `countersign.providers`, or in a fork's
`extensions/providers`. Nothing lists them: a new one is a new file. They are loaded by name, so that a cold start pays
for the one that it serves.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import import_module
from pathlib import Path

from countersign.domain.errors import SignatureError, UnknownSchemeError
from countersign.domain.provider_events import EventStatus, ProviderEvent
from countersign.providers.documents import MAX_ID_CHARACTERS

TEST_MODE, LIVE_MODE = "test_mode", "live_mode"
"""Why an event is ignored: it is of test mode where live mode is expected, or the other way round."""

_NO_SCHEMES = ("__init__", "base", "documents", "signatures")


@dataclass(frozen=True)
class WebhookRequest:
    """A request to a webhook, as it came.

    Attributes:
        headers: Given by names in any case, kept in lower case. A name that comes twice counts as one header with both
            values (RFC 9110 §5.3).
        body: The raw bytes: signatures cover these, not what they mean.
        url: The public URL of this webhook as the provider knows it, from settings, never from the Host header.
    """

    headers: Mapping[str, str]
    body: bytes
    url: str = ""

    def __post_init__(self) -> None:
        """Keep the headers by their names in lower case."""
        lowered: dict[str, str] = {}
        for name, value in self.headers.items():
            key = name.lower()
            lowered[key] = f"{lowered[key]},{value}" if key in lowered else value
        object.__setattr__(self, "headers", lowered)

    def header(self, name: str) -> str:
        """Return a header's value.

        Args:
            name: In lower case.

        Raises:
            SignatureError: `missing` when it is absent or empty.
        """
        value = self.headers.get(name)
        if not value:
            raise SignatureError("missing")
        return value

    def identifier(self, name: str) -> str:
        """Return the value of a header that names something: 1 to 200 printable ASCII characters.

        Raises:
            SignatureError: `missing` or `malformed`.
        """
        value = self.header(name)
        if len(value) > MAX_ID_CHARACTERS or not value.isascii() or not value.isprintable():
            raise SignatureError("malformed")
        return value


@dataclass(frozen=True)
class Verified:
    """A body that is known to come from the provider.

    Attributes:
        body: The raw bytes that the signature covers.
        delivery_id: The id of the delivery where the provider puts it into a header and signs it; empty elsewhere.
        origin: What is known of the sender beside the body; empty where nothing is. PayPal: the environment that
            confirmed the event, `live` or `sandbox`. Shopify: the shop that an unsigned header names.
    """

    body: bytes
    delivery_id: str = ""
    origin: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of the body in hex: the event's id where the provider signs none."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Expected:
    """Which events of a provider the stage takes: the provider's settings.

    Attributes:
        live: Whether events of live mode act, or those of test mode. An event that carries no mode is of live mode.
        declined_is_final: Whether the payer has one attempt only, so that a declined one ends the payment.
        accounts: Whose events act, by the names of the settings that the scheme knows, such as `merchant_account`.
    """

    live: bool = True
    declined_is_final: bool = False
    accounts: Mapping[str, str] = field(default_factory=dict)

    def judge(
        self, event: ProviderEvent, *, live: bool = True, unset: str | None = None, **accounts: object
    ) -> ProviderEvent:
        """Return an event as it acts here; as ignored, with the reason, when it is not what the settings expect.

        Args:
            event: What the provider says.
            live: Whether it is of live mode.
            unset: What a setting that is not set expects; None for anything.
            accounts: Whose it is, by the names of the settings.
        """
        others = (name for name, whose in accounts.items() if self.accounts.get(name, unset) not in (None, whose))
        other = next(others, "")
        if live is not self.live:
            return event.restated(EventStatus.IGNORED, LIVE_MODE if live else TEST_MODE)
        if other:
            return event.restated(EventStatus.IGNORED, f"other_{other}")
        if event.status is EventStatus.DECLINED and self.declined_is_final:
            return event.restated(EventStatus.FAILED, event.reason)
        return event


AS_BY_DEFAULT = Expected()
"""Events of live mode, and of no account of somebody else."""


class Provider(ABC):
    """One provider's scheme.

    Attributes:
        content_type: The media type of its bodies.
        acknowledgement: The body that it wants to read in a 200 answer; empty for those that only read the status.
        settings: Which of its settings the scheme reads: `live`, `declined`, and the names of those that say whose
            events act. The synth refuses the others.
    """

    content_type: str = "application/json"
    acknowledgement: str = ""
    settings: frozenset[str] = frozenset()

    @abstractmethod
    def verify(self, request: WebhookRequest, secrets: Sequence[str], now: datetime) -> Verified:
        """Return the body once it is known to come from the provider.

        Args:
            request: As it came.
            secrets: Every active secret; while one is rotated, both.
            now: The current time.

        Raises:
            SignatureError: The only error that a request can cause, whatever its bytes.
            SecretError: A secret is configured badly, whatever the request.
            VerifierUnavailableError: From PayPal alone, whose service verifies: it did not answer.
        """

    @abstractmethod
    def translate(self, verified: Verified, expected: Expected = AS_BY_DEFAULT) -> tuple[ProviderEvent, ...]:
        """Return the events that a verified body holds; none when they are of types that the kit ignores.

        Args:
            verified: The body.
            expected: What the stage takes; `judge` turns an event of somebody else into one that is ignored.

        Raises:
            ContractError: The body is not what the provider documents; has the JSON pointer to the place.
        """

    def identity(self, verified: Verified, event: ProviderEvent) -> bytes:  # noqa: ARG002  for those that need it
        """Return what is the same when the event is sent again: the body, unless the provider signs less of it.

        Args:
            verified: The body that holds it.
            event: One of those that `translate` read from it.
        """
        return verified.body


@cache
def load(scheme: str) -> Provider:
    """Return the provider of a scheme, the name of its module.

    Raises:
        UnknownSchemeError: There is no such module; names those of the kit.
    """
    if not scheme.isidentifier():
        raise UnknownSchemeError(scheme, schemes())
    name = f"{'countersign' if scheme in schemes() else 'extensions'}.providers.{scheme}"
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if not f"{name}.".startswith(f"{error.name}."):  # the module exists, and one that it imports does not
            raise
        raise UnknownSchemeError(scheme, schemes()) from None
    provider: Provider = module.PROVIDER
    return provider


def schemes() -> tuple[str, ...]:
    """Return the names of the kit's schemes, sorted."""
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in _NO_SCHEMES))
