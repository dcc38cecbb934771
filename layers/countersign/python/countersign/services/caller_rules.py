"""A stage's rules for its callers' requests, beyond the contracts of the inputs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from countersign.contracts import validation
from countersign.contracts.validation import Rule
from countersign.domain import proofs
from countersign.domain.errors import CallerRefusedError, ContractError, WorkflowNotAllowedError
from countersign.domain.identity import is_address, is_session_of, normalise, role_of, session_name
from countersign.services.starts import OWN_IDS

CALLER = "caller"
"""The value of the setting `requester` that makes the caller the requester."""

AGENTS_WORKFLOW = "approval"
"""The only workflow that agents start."""

_NAMED = ("approvers", "reviewers")
"""The members of inputs that name deciders."""


_NOT_BY_AGENTS = {
    "requester": "must be absent: you are the requester; name the person for whom you ask under on_behalf_of",
    **dict.fromkeys(
        ("approvers", "rule", "reminders_seconds"),
        "must be absent: for agents, the policy of the stage names the approvers, the rule and the reminders",
    ),
}
"""The members of the input that agents may not write, with the reason."""


@dataclass(frozen=True)
class Caller:
    """A role's limits.

    Attributes:
        workflows: The workflows that it may start; None for any.
        is_agent: Whether it is an AI agent's.
        own_only: Whether it sees the requests of its own sessions only.
    """

    workflows: tuple[str, ...] | None = None
    is_agent: bool = False
    own_only: bool = False

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Caller":
        """Read a row of the stage's table of callers."""
        workflows = document["workflows"]
        return cls(None if workflows is None else tuple(workflows), document["agent"], document["own_only"])


_ANY_CALLER = Caller()


@dataclass(frozen=True)
class CallerRules:
    """A stage's rules for callers.

    Attributes:
        providers: Names of the providers whose events reach the stage.
        requester: `input`: the requester whom the input names; `caller`: the name of the caller's session.
        approver_domains: The domains of the approvers that requests may name; empty for any.
        prover: The ARN of the role whose requests may have ids of proofs; empty for nobody. The rules above do not
            apply to them. They start workflows of proofs only, name people of SES's mailbox simulator only, and no
            order or provider of others.
        callers: The limits of roles, by the role's ARN.
    """

    providers: tuple[str, ...] = ()
    requester: str = "input"
    approver_domains: tuple[str, ...] = ()
    prover: str = ""
    callers: Mapping[str, Caller] = field(default_factory=dict)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "CallerRules":
        """Read the stage's table of rules."""
        callers = {role: Caller.from_document(each) for role, each in document["callers"].items()}
        domains = tuple(document["approver_domains"])
        return cls(tuple(document["providers"]), document["requester"], domains, document["prover"], callers)

    def caller(self, arn: str) -> Caller:
        """Return the limits of a caller, an IAM ARN.

        The case of a role's name does not matter: IAM has one role of a name in an account, whatever its case, and a
        limit must not be lost by a typing error.
        """
        asking = arn.casefold()
        return next(
            (each for role, each in self.callers.items() if is_session_of(asking, role.casefold())), _ANY_CALLER
        )

    def check_workflow(self, document: Any, caller: str) -> None:
        """Refuse a request for a workflow that its caller, an IAM ARN, may not start, whether it exists or not.

        Raises:
            WorkflowNotAllowedError: The stage's settings list other workflows for the caller's role.
        """
        allowed = self.caller(caller).workflows
        name = document.get("workflow") if isinstance(document, dict) else None
        if allowed is not None and isinstance(name, str) and name not in allowed:
            raise WorkflowNotAllowedError(allowed)

    def filled_in(self, contract: str, document: Mapping[str, Any], caller: str) -> Mapping[str, Any]:
        """Return a request whose input names the caller: as the agent, or as the requester if the settings say so.

        Args:
            contract: Name of the input's schema.
            document: The body of `POST /requests`.
            caller: IAM ARN of the caller.

        Raises:
            CallerRefusedError: The name of the caller's session is not an address.
        """
        given = document.get("input")
        if self.caller(caller).is_agent and isinstance(given, dict):
            return {**document, "input": {"agent": role_of(caller), **given}}
        if proofs.is_proof(document) or self.requester != CALLER or not validation.has_member(contract, "requester"):
            return document
        address = _address_of(caller)
        if not is_address(address):
            raise CallerRefusedError
        return {**document, "input": {"requester": address, **given}} if isinstance(given, dict) else document

    def ids(self, caller: str) -> Rule:
        """Return the rule for the id of a request from a caller, an IAM ARN, and for what ids of proofs may start."""
        return Rule(("request_id", "workflow"), lambda document, prefix: self._id(document, prefix, caller))

    def _id(self, document: Mapping[str, Any], prefix: str, caller: str) -> Iterator[ContractError]:
        if document["request_id"].startswith(OWN_IDS):
            yield ContractError(f"must not begin with {OWN_IDS}, as the kit's own requests do", f"{prefix}/request_id")
        if proofs.is_proof(document) and not is_session_of(caller, self.prover):
            reason = f"must not begin with {proofs.PREFIX}, unless the caller is the stage's role under [prove]"
            yield ContractError(reason, f"{prefix}/request_id")
        if proofs.is_proof(document) and document["workflow"] not in proofs.WORKFLOWS:
            yield ContractError(f"must be one of {', '.join(proofs.WORKFLOWS)} for a proof", f"{prefix}/workflow")

    def rules(self, contract: str, document: Mapping[str, Any], caller: str) -> Iterator[Rule]:
        """Yield the rules for the input of a request; the arguments are those of `filled_in`."""
        if contract == f"{AGENTS_WORKFLOW}.input":
            yield Rule(("agent",), lambda given, prefix: self._agent(given, prefix, caller))
        if self.caller(caller).is_agent:
            return
        is_proof = proofs.is_proof(document)
        yield Rule(("provider", "external_id"), lambda given, prefix: self._provider(given, prefix, is_proof=is_proof))
        if is_proof:
            yield Rule(("order_id", "requester", *_NAMED), _of_a_proof)
            return
        if self.requester == CALLER:
            yield Rule(("requester",), lambda document, prefix: _requester(document, prefix, caller))
        if self.approver_domains:
            yield Rule(_NAMED, self._domains)

    def _agent(self, document: Mapping[str, Any], prefix: str, caller: str) -> Iterator[ContractError]:
        is_agent = self.caller(caller).is_agent
        if "agent" in document and not (is_agent and document["agent"] == role_of(caller)):
            yield ContractError("must be absent: the server names the role that has signed", f"{prefix}/agent")
        for member, reason in _NOT_BY_AGENTS.items() if is_agent else ():
            if member in document:
                yield ContractError(reason, f"{prefix}/{member}")

    def _provider(self, document: Mapping[str, Any], prefix: str, *, is_proof: bool) -> Iterator[ContractError]:
        known = [name for name in self.providers if (name == proofs.PROVIDER) is is_proof]
        if {"provider", "external_id"} <= document.keys() and document["provider"] not in known:
            names = ", ".join(known) or "none"
            yield ContractError(f"must be a provider of this stage; there are {names}", f"{prefix}/provider")

    def _domains(self, document: Mapping[str, Any], prefix: str) -> Iterator[ContractError]:
        allowed = ", ".join(self.approver_domains)
        for place, address in _people(document):
            if normalise(address).rpartition("@")[2] not in self.approver_domains:
                yield ContractError(f"must be an address of {allowed}", f"{prefix}/{place}")


def _of_a_proof(document: Mapping[str, Any], prefix: str) -> Iterator[ContractError]:
    if not str(document.get("order_id", proofs.PREFIX)).startswith(proofs.PREFIX):
        yield ContractError(f"must begin with {proofs.PREFIX}, as the request's id does", f"{prefix}/order_id")
    requester = [("requester", document["requester"])] if "requester" in document else []
    for place, address in (*requester, *_people(document)):
        if not proofs.is_simulated(address):
            yield ContractError(f"must be an address of {proofs.SIMULATOR}", f"{prefix}/{place}")


def _people(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the people whom an input names to answer, with their places in it."""
    for member in _NAMED:
        for number, address in enumerate(document.get(member, ())):
            yield f"{member}/{number}", address


def _requester(document: Mapping[str, Any], prefix: str, caller: str) -> Iterator[ContractError]:
    if "requester" in document and normalise(document["requester"]) != _address_of(caller):
        reason = "must be the caller's own address, the name of their session; leave it out to have it filled in"
        yield ContractError(reason, f"{prefix}/requester")


def _address_of(caller: str) -> str:
    return normalise(session_name(caller))
