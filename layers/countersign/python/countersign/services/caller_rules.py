"""A stage's rules for its callers' requests, beyond the contracts of the inputs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from countersign.contracts import validation
from countersign.contracts.validation import Rule
from countersign.domain.errors import CallerRefusedError, ContractError
from countersign.domain.identity import is_address, normalise, session_name
from countersign.services.starts import OWN_IDS

CALLER = "caller"
"""The value of the setting `requester` that makes the caller the requester."""

_NAMED = ("approvers", "reviewers")
"""The members of inputs that name deciders."""


@dataclass(frozen=True)
class CallerRules:
    """A stage's rules for callers.

    Attributes:
        providers: Names of the providers whose events reach the stage.
        requester: `input`: the requester whom the input names; `caller`: the name of the caller's session.
        approver_domains: The domains of the approvers that requests may name; empty for any.
    """

    providers: tuple[str, ...] = ()
    requester: str = "input"
    approver_domains: tuple[str, ...] = ()

    def filled_in(self, contract: str, document: Mapping[str, Any], caller: str) -> Mapping[str, Any]:
        """Return a request whose input names the caller as the requester, if the stage's settings say so.

        Args:
            contract: Name of the input's schema.
            document: The body of `POST /requests`.
            caller: IAM ARN of the caller.

        Raises:
            CallerRefusedError: The name of the caller's session is not an address.
        """
        if self.requester != CALLER or not validation.has_member(contract, "requester"):
            return document
        address = _address_of(caller)
        if not is_address(address):
            raise CallerRefusedError
        given = document.get("input")
        return {**document, "input": {"requester": address, **given}} if isinstance(given, dict) else document

    def rules(self, caller: str) -> Iterator[Rule]:
        """Yield the rules for the input of a request from a caller, an IAM ARN."""
        yield Rule(("provider", "external_id"), self._provider)
        if self.requester == CALLER:
            yield Rule(("requester",), lambda document, prefix: _requester(document, prefix, caller))
        if self.approver_domains:
            yield Rule(_NAMED, self._domains)

    def _provider(self, document: Mapping[str, Any], prefix: str) -> Iterator[ContractError]:
        if {"provider", "external_id"} <= document.keys() and document["provider"] not in self.providers:
            names = ", ".join(self.providers) or "none"
            yield ContractError(f"must be a provider of this stage; there are {names}", f"{prefix}/provider")

    def _domains(self, document: Mapping[str, Any], prefix: str) -> Iterator[ContractError]:
        for member in _NAMED:
            for place, address in enumerate(document.get(member, ())):
                if normalise(address).rpartition("@")[2] not in self.approver_domains:
                    allowed = ", ".join(self.approver_domains)
                    yield ContractError(f"must be an address of {allowed}", f"{prefix}/{member}/{place}")


def own_ids(document: Mapping[str, Any], prefix: str) -> Iterator[ContractError]:
    """Yield a problem if the id is reserved for the kit's own requests."""
    if document["request_id"].startswith(OWN_IDS):
        yield ContractError(f"must not begin with {OWN_IDS}, as the kit's own requests do", f"{prefix}/request_id")


def _requester(document: Mapping[str, Any], prefix: str, caller: str) -> Iterator[ContractError]:
    if "requester" in document and normalise(document["requester"]) != _address_of(caller):
        reason = "must be the caller's own address, the name of their session; leave it out to have it filled in"
        yield ContractError(reason, f"{prefix}/requester")


def _address_of(caller: str) -> str:
    return normalise(session_name(caller))
