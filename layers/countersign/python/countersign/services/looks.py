"""Looks: ask a provider how a payment stands, and record its answer like an event of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from countersign.domain.answers import ASKED, Sender
from countersign.domain.errors import ContractError, LookFailedError, SecretError, UnknownProviderError
from countersign.domain.payments import REVERSALS
from countersign.domain.provider_events import EventStatus, Handling, ProviderEvent
from countersign.domain.strict_json import digest
from countersign.providers.base import Look, load
from countersign.providers.documents import Document
from countersign.services.provider_events import ProviderEvents
from countersign.services.webhooks import Source

if TYPE_CHECKING:
    from countersign.ports import ProviderApi, Secrets

UNASKABLE = "unaskable"
"""Why a look fails for an id that the provider's API cannot know, such as a PayPal `custom_id` without a lookup id."""

_ONLY_REPORTED = frozenset({EventStatus.PENDING, EventStatus.DECLINED, EventStatus.FAILED, EventStatus.EXPIRED})
"""What a look never records: a payment may succeed after the answer, and only the provider's own event ends it."""


@dataclass(frozen=True)
class Looked:
    """The result of a look.

    Attributes:
        status: The payment's status at the provider.
        handling: What the kit did; IGNORED for a status that a look does not record.
        reason: Why the payment is not one of this stage, such as `test_mode`; empty otherwise.
    """

    status: EventStatus
    handling: Handling
    reason: str = ""


@dataclass(frozen=True)
class Looks:
    """Asks providers.

    Attributes:
        sources: The providers that can be asked, by name.
        keys: The API keys, by the names of the providers. The first active one is used.
        api: The providers' APIs.
        events: Records the answers.
    """

    sources: Mapping[str, Source]
    keys: Secrets
    api: ProviderApi
    events: ProviderEvents

    def look(self, name: str, external_id: str, lookup_id: str = "") -> Looked:
        """Ask a provider for a payment, and record its answer. The ledger must have a task of this external id.

        Args:
            name: The provider's name in the settings.
            external_id: The provider's id of the payment; any text.
            lookup_id: The id by which its API reads the payment; any text, empty if it is the external id.

        Raises:
            UnknownProviderError: The stage does not ask this provider.
            LookFailedError: The provider did not answer, or not about this payment; or there is no API key.
            TransientError: The secret or the ledger could not be read.
        """
        source = self.sources.get(name)
        provider = load(source.scheme) if source else None
        if source is None or not isinstance(provider, Look):
            raise UnknownProviderError
        if not provider.knows(external_id, lookup_id):
            raise LookFailedError(UNASKABLE)
        said = self._said(name, provider, source, (external_id, lookup_id))
        handlings = [self._recorded(name, event) for event in said]
        return Looked(said[-1].status, handlings[-1], said[-1].reason or "")

    def _said(self, name: str, provider: Look, source: Source, ids: tuple[str, str]) -> Sequence[ProviderEvent]:
        try:
            said = provider.answer(self._asked(name, provider, source, ids), source.expected)
        except ContractError as error:
            raise LookFailedError("unreadable") from error
        except SecretError as error:
            raise LookFailedError("no_key") from error
        if any(event.external_id != ids[0] for event in said):
            raise LookFailedError("other_payment")
        return [replace(event, event_id=_event_id(event)) for event in said]

    def _asked(self, name: str, provider: Look, source: Source, ids: tuple[str, str]) -> Document:
        """Ask with the cached key, and again with the current one if it was replaced."""
        key = _checked(self.keys.active(name))
        try:
            return self._asked_with(key, provider, source, ids)
        except LookFailedError as error:
            fresh = self.keys.reread(name) if error.reason == "denied" else None
            if not fresh or fresh[0] == key:
                raise
        return self._asked_with(_checked(fresh), provider, source, ids)

    def _asked_with(self, key: str, provider: Look, source: Source, ids: tuple[str, str]) -> Document:
        host, path = provider.place(*ids, source.expected)
        fetch = self.api.at(host)

        def call(path: str, headers: Mapping[str, str], body: bytes | None) -> Document:
            return Document.read(fetch(path, {"Accept": "application/json", **headers}, body))

        headers = provider.headers(key, source.expected, call)
        return call(path, headers, None)

    def _recorded(self, name: str, event: ProviderEvent) -> Handling:
        if event.status in _ONLY_REPORTED:
            return Handling.IGNORED
        said = digest([event.status, event.amount, event.currency, event.payment_id])
        return self.events.receive(event, said, Sender(name, ASKED), parks=False)


def _event_id(event: ProviderEvent) -> str:
    """Return an id for the answer. A payment is paid once; each further refund or dispute raises their total."""
    total = f":{event.amount}" if event.status in REVERSALS else ""
    return f"look:{event.external_id}:{event.status}{total}"


def _checked(keys: Sequence[str]) -> str:
    """Return the first key; a header takes no other characters."""
    if not keys[0].isascii() or not keys[0].isprintable() or " " in keys[0]:
        raise SecretError("has an API key with other characters than visible ASCII")
    return keys[0]
