"""The port of the providers: who sent a webhook, and what it says.

A provider is one module of `countersign.providers`, named for its scheme, with a `PROVIDER`. Nothing lists them: a new
one is a new file. They are loaded by name, so that a cold start pays for the one that it serves.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib import import_module

from countersign import providers
from countersign.domain.documents import MAX_ID_CHARACTERS
from countersign.domain.errors import SignatureError, UnknownSchemeError
from countersign.domain.provider_events import ProviderEvent
from countersign.domain.values import Value


class WebhookRequest:
    """A request to a webhook, as it came.

    Args:
        headers: Names in any case. A name that comes twice counts as one header with both values (RFC 9110 §5.3).
        body: The raw bytes: signatures cover these, not what they mean.
        url: The public URL of this webhook as the provider knows it, from settings, never from the Host header.
    """

    __slots__ = ("body", "headers", "url")

    def __init__(self, headers: Mapping[str, str], body: bytes, url: str = "") -> None:
        lowered: dict[str, str] = {}
        for name, value in headers.items():
            key = name.lower()
            lowered[key] = f"{lowered[key]},{value}" if key in lowered else value
        self.headers: Mapping[str, str] = lowered
        self.body = body
        self.url = url

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


class Verified(Value):
    """A body that is known to come from the provider.

    Args:
        body: The raw bytes that the signature covers.
        delivery_id: The id of the delivery where the provider puts it into a header; empty where the body has it.
            Signed by Standard Webhooks. Not signed by GitHub and Shopify: whoever has seen one of their requests can
            send it again under another id, so that an effect must not rest on the id alone.
    """

    __slots__ = ("body", "delivery_id")

    def __init__(self, body: bytes, delivery_id: str = "") -> None:
        self.body = body
        self.delivery_id = delivery_id


class Provider(ABC):
    """One provider's scheme.

    Attributes:
        content_type: The media type of its bodies.
        acknowledgement: The body that it wants to read in a 200 answer; empty for those that only read the status.
    """

    content_type: str = "application/json"
    acknowledgement: str = ""

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
    def translate(self, verified: Verified) -> tuple[ProviderEvent, ...]:
        """Return the events that a verified body holds; none when they are of types that the kit ignores.

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
        UnknownSchemeError: There is no such module; names those that there are.
    """
    if scheme not in schemes():
        raise UnknownSchemeError(scheme, schemes())
    provider: Provider = import_module(f"{providers.__name__}.{scheme}").PROVIDER
    return provider


def schemes() -> tuple[str, ...]:
    """Return the names of all schemes, sorted."""
    files = [name for folder in providers.__path__ for name in os.listdir(folder)]  # noqa: PTH208  pathlib is heavy
    return tuple(sorted(name[:-3] for name in files if name.endswith(".py") and not name.startswith("_")))
