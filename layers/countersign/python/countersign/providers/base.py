"""The interface of providers: verify the sender of a webhook, and translate the body into events.

A provider is one module with a `PROVIDER`, named for its scheme: in `countersign.providers`, or in a fork's
`extensions/providers`. No list names them: a new provider is a new file. Modules are loaded by name, so that a cold
start loads only the provider that it serves.
"""

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from countersign.domain.errors import SignatureError, UnknownSchemeError
from countersign.domain.provider_events import EventStatus, ProviderEvent
from countersign.providers.documents import MAX_ID_CHARACTERS, Document

TEST_MODE, LIVE_MODE = "test_mode", "live_mode"
"""Reasons of ignored events: test mode although live mode is expected, and the reverse."""

_NO_SCHEMES = ("__init__", "base", "documents", "signatures")


class _Headers(dict[str, str]):
    """Headers that note which of them are read: those that a verification needs."""

    def __init__(self) -> None:
        super().__init__()
        self.read: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        """Return a header's value, or the default."""
        self.read.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> str:
        self.read.add(name)
        return super().__getitem__(name)


@dataclass(frozen=True)
class WebhookRequest:
    """An unverified request to a webhook.

    Attributes:
        headers: Names may be given in any case and are kept in lower case. A repeated name is one header with all
            values (RFC 9110 §5.3).
        body: The raw bytes, which signatures cover.
        url: The public URL of this webhook at the provider, from settings, never from the Host header.
    """

    headers: Mapping[str, str]
    body: bytes
    url: str = ""

    def __post_init__(self) -> None:
        """Change the names of the headers to lower case."""
        lowered = _Headers()
        for name, value in self.headers.items():
            key = name.lower()
            lowered[key] = f"{lowered[key]},{value}" if key in lowered else value
        lowered.read.clear()
        object.__setattr__(self, "headers", lowered)

    @property
    def headers_read(self) -> dict[str, str]:
        """The headers that were read so far: of a verified request, those that verify it again."""
        read: set[str] = self.headers.read  # type: ignore[attr-defined]
        return {name: value for name, value in self.headers.items() if name in read}

    def header(self, name: str) -> str:
        """Return a header's value.

        Args:
            name: In lower case.

        Raises:
            SignatureError: `missing` if it is absent or empty.
        """
        value = self.headers.get(name)
        if not value:
            raise SignatureError("missing")
        return value

    def identifier(self, name: str) -> str:
        """Return the value of a header with an id: 1 to 200 printable ASCII characters.

        Raises:
            SignatureError: `missing` or `malformed`.
        """
        value = self.header(name)
        if len(value) > MAX_ID_CHARACTERS or not value.isascii() or not value.isprintable():
            raise SignatureError("malformed")
        return value


@dataclass(frozen=True)
class Verified:
    """A body that is verified to come from the provider.

    Attributes:
        body: The raw bytes that the signature covers.
        delivery_id: The id of the delivery, if the provider signs it in a header; otherwise empty.
        origin: The sender, as known from outside the body; otherwise empty. PayPal: the environment that confirmed the
            event, `live` or `sandbox`. Shopify: the shop in an unsigned header.
    """

    body: bytes
    delivery_id: str = ""
    origin: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of the body in hex: the event's id if the provider signs no id."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Expected:
    """The provider's settings: which of its events the stage accepts.

    Attributes:
        live: Whether events of live mode act, or those of test mode. An event without a mode counts as live mode.
        declined_is_final: Whether the payer has only one attempt, so that a decline ends the payment.
        accounts: The accounts whose events act, by the names of the scheme's settings, such as `merchant_account`; and
            `live_prefix`, the account's part of the API's host.
    """

    live: bool = True
    declined_is_final: bool = False
    accounts: Mapping[str, str] = field(default_factory=dict)

    def judge(
        self, event: ProviderEvent, *, live: bool = True, unset: str | None = None, **accounts: object
    ) -> ProviderEvent:
        """Return an event under these settings; ignored, with the reason, if they do not expect it.

        Args:
            event: The event.
            live: Whether it is of live mode.
            unset: The value that a missing setting expects; None for any.
            accounts: The event's accounts, by the names of the settings.
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
"""Expects events of live mode, and none of other accounts."""

Call = Callable[[str, Mapping[str, str], bytes | None], Document]
"""Calls a path of the provider's host with headers, by GET or, with a body, by POST, and returns the JSON answer."""


class Provider(ABC):
    """One provider's scheme.

    Attributes:
        content_type: The media type of its bodies.
        acknowledgement: The body that it expects in a 200 answer; empty if it reads only the status.
        settings: The settings that the scheme reads: `live`, `declined`, and the names of those with accounts whose
            events act. The synth refuses all others.
    """

    content_type: str = "application/json"
    acknowledgement: str = ""
    settings: frozenset[str] = frozenset()

    @abstractmethod
    def verify(self, request: WebhookRequest, secrets: Sequence[str], now: datetime) -> Verified:
        """Return the body after verifying that it comes from the provider.

        Args:
            request: The request.
            secrets: All active secrets; two during a rotation.
            now: The current time.

        Raises:
            SignatureError: The request is not the provider's; a request can cause no other error.
            SecretError: A secret is missing or malformed; independent of the request.
            VerifierUnavailableError: PayPal, which verifies its own events, did not answer.
        """

    @abstractmethod
    def translate(self, verified: Verified, expected: Expected = AS_BY_DEFAULT) -> tuple[ProviderEvent, ...]:
        """Return the events of a verified body; none if the kit ignores their types.

        Args:
            verified: The body.
            expected: The provider's settings; its `judge` marks unexpected events as ignored.

        Raises:
            ContractError: The body does not have the documented form; the error has the JSON pointer to the place.
        """

    def identity(self, verified: Verified, event: ProviderEvent) -> bytes:  # noqa: ARG002  for those that need it
        """Return the bytes that are the same at each delivery of an event: the body, unless less of it is signed.

        Args:
            verified: The body.
            event: One of the events that `translate` read from it.
        """
        return verified.body


class Look(Provider):
    """A provider whose API reads one payment: the kit asks it when a webhook does not come.

    The kit calls this host only, by HTTPS, and follows no redirect. It asks for ids that match the pattern, and checks
    the answer like an event.

    Attributes:
        host: The API's host, such as `api.example.com`.
        sandbox: The host of test mode; empty if one host serves both modes.
        path: The path of a payment, with `{}` in place of its percent-encoded external id.
        ids: Pattern of the external ids that the API knows; it matches whole ids. By default it knows none.
        lookup_path: The path of a payment by its lookup id; empty if lookup ids are not used.
        lookup_ids: Pattern of the lookup ids that the API knows.
    """

    host: str
    sandbox: str = ""
    path: str = ""
    ids: str = r"(?!)"
    lookup_path: str = ""
    lookup_ids: str = r"(?!)"

    def knows(self, external_id: str, lookup_id: str = "") -> bool:
        """Tell whether the API can know a payment by its lookup id, or without one by its external id; any texts."""
        ids, _, asked = self._asked(external_id, lookup_id)
        return re.fullmatch(ids, asked) is not None

    def place(self, external_id: str, lookup_id: str, expected: Expected) -> tuple[str, str]:
        """Return the host and the path of a payment that the API can know.

        Raises:
            LookFailedError: `no_host`, if the settings do not name the host's own part.
        """
        from urllib.parse import quote

        _, path, asked = self._asked(external_id, lookup_id)
        return self.host if expected.live else self.sandbox or self.host, path.format(quote(asked, safe=""))

    def _asked(self, external_id: str, lookup_id: str) -> tuple[str, str, str]:
        by_lookup = lookup_id and self.lookup_path
        return (self.lookup_ids, self.lookup_path, lookup_id) if by_lookup else (self.ids, self.path, external_id)

    def headers(self, key: str, expected: Expected, call: Call) -> Mapping[str, str]:  # noqa: ARG002  for those that need them
        """Return the headers that authenticate the question: the API key as a bearer token, unless overridden.

        Args:
            key: The API key, visible ASCII.
            expected: The provider's settings.
            call: Calls the same host, for example for an access token.
        """
        return {"Authorization": f"Bearer {key}"}

    @abstractmethod
    def answer(self, said: Document, expected: Expected = AS_BY_DEFAULT) -> tuple[ProviderEvent, ...]:
        """Return the payment's status as events: refunds and disputes first, without event ids.

        Args:
            said: The API's answer.
            expected: The provider's settings; its `judge` marks unexpected payments as ignored.

        Raises:
            ContractError: The answer does not have the documented form.
        """


class Unsigned(Look):
    """A provider that signs nothing: what it posts only names a payment, for which the kit then asks it.

    So a forged post can at most cause a question about a payment that waits for its provider in any case.
    """

    @abstractmethod
    def named(self, body: bytes) -> str:
        """Return the external id that an unverified body names; any other text, or an empty one, if it names none."""

    def verify(self, request: WebhookRequest, secrets: Sequence[str], now: datetime) -> Verified:  # noqa: ARG002  nothing verifies it
        """Refuse every request: none is an event."""
        raise SignatureError("missing")

    def translate(self, verified: Verified, expected: Expected = AS_BY_DEFAULT) -> tuple[ProviderEvent, ...]:  # noqa: ARG002  it has no events
        """Return no events: only `answer` says how a payment stands."""
        return ()


@cache
def load(scheme: str) -> Provider:
    """Return the provider of a scheme, the name of its module.

    Raises:
        UnknownSchemeError: No module has this name; the error lists the kit's.
    """
    if not scheme.isidentifier():
        raise UnknownSchemeError(scheme, schemes())
    name = f"{'countersign' if scheme in schemes() else 'extensions'}.providers.{scheme}"
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if not f"{name}.".startswith(f"{error.name}."):  # the module exists, but not one of its imports
            raise
        raise UnknownSchemeError(scheme, schemes()) from None
    provider: Provider = module.PROVIDER
    return provider


def schemes() -> tuple[str, ...]:
    """Return the names of the kit's schemes, sorted."""
    modules = (path.stem for path in Path(__file__).parent.iterdir() if path.suffix == ".py")
    return tuple(sorted(module for module in modules if module not in _NO_SCHEMES))
