"""Requests: start a workflow once under the caller's id, and report its state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from countersign.contracts import validation
from countersign.contracts.validation import Rule
from countersign.domain import payments
from countersign.domain.clock import Clock, to_text
from countersign.domain.errors import (
    ContractError,
    RequestConflictError,
    RetiredWorkflowError,
    UncoveredAmountError,
    UnknownRequestError,
    UnknownWorkflowError,
)
from countersign.domain.identity import normalise, role_of
from countersign.domain.people import aliases_of, check_approvers, requesters_in
from countersign.domain.policy import ASK_AGAIN_SECONDS, Policy
from countersign.domain.proofs import is_proof, is_simulated
from countersign.domain.requests import REQUEST_ID, Request, RequestStatus
from countersign.domain.strict_json import digest
from countersign.domain.tasks import Task
from countersign.retries import retried
from countersign.services.caller_rules import CallerRules
from countersign.services.starts import Starts

if TYPE_CHECKING:
    from countersign.ports import Directory, RequestLedger, WorkflowStarter


@dataclass(frozen=True)
class Startable:
    """A deployed workflow.

    Attributes:
        deadline_seconds: The deadline of a request that does not name one.
        contract: Name of the workflow whose input contract applies.
        policy: Who approves which amount; None if requests name their approvers.
        is_retired: Whether it takes no new requests. A request in the ledger still starts, also if its first start
            was lost.
    """

    deadline_seconds: int
    contract: str
    policy: Policy | None = None
    is_retired: bool = False

    @property
    def input_contract(self) -> str:
        """Name of the input's schema."""
        return f"{self.contract}.input"


@dataclass(frozen=True)
class Submission:
    """The result of a POST.

    Attributes:
        request: The request in the ledger.
        started: Whether this call started the workflow; False if an earlier call did.
    """

    request: Request
    started: bool


@dataclass(frozen=True)
class Submissions:
    """Starts workflows and reports on them.

    Attributes:
        workflows: Every deployed workflow, by its name.
        caller_rules: The stage's rules for callers; None for the kit's own requests.
        tells_errors: Whether reports say what a workflow raised.
    """

    ledger: RequestLedger
    starter: WorkflowStarter
    directory: Directory
    clock: Clock
    workflows: Mapping[str, Startable]
    caller_rules: CallerRules | None = None
    tells_errors: bool = False

    def submit(self, document: Any, submitted_by: str) -> Submission:
        """Start the requested workflow, unless an earlier call did.

        Args:
            document: The body of `POST /requests`.
            submitted_by: IAM ARN of the caller.

        Raises:
            WorkflowNotAllowedError: The caller's role may not start the workflow.
            ContractError: The body or the workflow's input breaks its contract or a rule of the stage; the error has
                all problems.
            UnknownWorkflowError: No workflow of this name is deployed, and nothing else is wrong.
            RetiredWorkflowError: The request is new and its workflow retired, and nothing else is wrong.
            CallerRefusedError: The stage takes the requester from the caller's session, whose name is not an address.
            AlreadyAskedError: The caller is an AI agent that has asked the same, by another request.
            RequestConflictError: The id belongs to a request for another workflow or with another input.
            StartFailedError: Lambda did not accept the start; send the same request again.
            LedgerUnavailableError: The ledger did not answer; send the same request again.
        """
        if self.caller_rules is not None:
            self.caller_rules.check_workflow(document, submitted_by)
        document = self._filled_in(document, submitted_by)
        self._check(document, submitted_by)
        workflow, request_id = document["workflow"], document["request_id"]
        now = self.clock.now()
        asked = Request(
            request_id,
            workflow,
            digest(document["input"]),
            submitted_by,
            deadline_seconds=self.workflows[workflow].deadline_seconds,
            input=document["input"],
            created_at=now,
        )
        is_agent = self.caller_rules is not None and self.caller_rules.caller(submitted_by).is_agent
        standing = self._put_of_agent(asked, now) if is_agent else self.ledger.submit(asked, now)
        if (standing.workflow, standing.input_digest) != (asked.workflow, asked.input_digest):
            raise RequestConflictError(request_id)
        if standing.status is not RequestStatus.SUBMITTED:
            return Submission(standing, started=False)
        # The first submission's input, byte for byte; the ledger lacks it for old requests, and this one is equal.
        started = replace(standing, input=standing.input or document["input"])
        Starts(self.ledger, self.starter).start(started)
        return Submission(standing, started=True)

    @retried
    def _put_of_agent(self, asked: Request, now: datetime) -> Request:
        """Put a request, unless the agent asks the same again too soon."""
        # Imported here: few callers are agents.
        from countersign.domain import asks

        given, policy = asked.input or {}, self.workflows[asked.workflow].policy
        fingerprint = asks.fingerprint(given)
        last = self.ledger.last_asked(fingerprint)
        earlier = self.ledger.request(last) if last not in ("", asked.request_id) else None
        if earlier and self.ledger.request(asked.request_id) is None:
            asks.check(earlier, policy.ask_again_seconds(given) if policy else ASK_AGAIN_SECONDS, now)
        return self.ledger.submit(asked, now, asks.Ask(fingerprint, last))

    def _filled_in(self, document: Any, caller: str) -> Any:
        """Return a request whose input names the caller as the requester, if the stage's settings say so."""
        startable = self._startable(document)
        if self.caller_rules is None or startable is None:
            return document
        return self.caller_rules.filled_in(startable.input_contract, document, caller)

    def _check(self, document: Any, caller: str) -> None:
        """Refuse a request with all its problems.

        Retirement, the stage's rules and the directory do not apply to a request that the ledger already has: they may
        have changed since, and a retry must get the same result.
        """
        found = validation.problems("request", document)
        found += validation.broken_rules(self._rules(caller), document, "", found)
        startable = self._startable(document)
        asked = self._refused_by_stage(startable, document, caller, found) if startable else []
        if asked and (found or self.ledger.request(document["request_id"]) is None):
            found += asked
        validation.refuse(found)

    def _refused_by_stage(
        self, startable: Startable, document: Mapping[str, Any], caller: str, found: list[ContractError]
    ) -> list[ContractError]:
        if startable.is_retired:
            return [RetiredWorkflowError()]
        rules = self._rules_of_stage(startable, document, caller)
        return validation.broken_rules(rules, document.get("input"), "/input", found)

    def _startable(self, document: Any) -> Startable | None:
        name = document.get("workflow") if isinstance(document, dict) else None
        return self.workflows.get(name) if isinstance(name, str) else None

    def _rules(self, caller: str) -> Iterator[Rule]:
        """Yield the rules for every request: its workflow is deployed, and its input keeps the contract."""
        if self.caller_rules is not None:
            yield self.caller_rules.ids(caller)
        yield Rule(("workflow",), self._is_deployed)
        yield Rule(("workflow", "input"), self._keeps_contract)

    def _is_deployed(self, document: Mapping[str, Any], _: str) -> Iterator[ContractError]:
        if document["workflow"] not in self.workflows:
            yield UnknownWorkflowError()

    def _keeps_contract(self, document: Mapping[str, Any], prefix: str) -> Iterable[ContractError]:
        startable = self._startable(document)
        return validation.problems(startable.input_contract, document["input"], f"{prefix}/input") if startable else ()

    def _rules_of_stage(self, startable: Startable, document: Mapping[str, Any], caller: str) -> Iterator[Rule]:
        """Yield the stage's rules for an input: those for callers, of the directory, and of the policy."""
        if self.caller_rules is not None:
            yield from self.caller_rules.rules(startable.input_contract, document, caller)
        policy = startable.policy
        if validation.has_member(startable.input_contract, "approvers"):
            yield Rule(
                ("approvers", "requester", "on_behalf_of", "rule"),
                lambda given, prefix: self._people(policy, {"approvers": (), **given}, prefix),
            )
        if policy is not None:
            yield Rule(("amount", "currency"), lambda given, _: _covered(policy, given))
            if is_proof(document):
                yield Rule(("amount", "currency"), lambda given, prefix: _asks_nobody(policy, given, prefix))

    def _people(self, policy: Policy | None, document: Mapping[str, Any], prefix: str) -> Iterator[ContractError]:
        """Yield the problems, by directory and policy, of the approvers of a request: named in it, or in the policy."""
        approvers, requesters = document["approvers"], requesters_in(document)
        try:
            people = policy.asks(document) if policy and not approvers else approvers
            aliases = aliases_of(self.directory.entries(map(normalise, (*requesters, *people)), consistent=False))
            if approvers or policy is None:
                check_approvers(approvers, requesters, document.get("rule", {}), aliases, prefix)
            if policy is not None:
                policy.check(document, aliases)
        except UncoveredAmountError:
            return  # the rule for the amount reports it
        except ContractError as error:
            yield error

    def report(self, request_id: str, only_of: str = "") -> dict[str, Any]:
        """Return the body of `GET /requests/{request_id}`.

        Args:
            request_id: The request's id.
            only_of: ARN of the role whose requests alone the caller sees; empty for all.

        Raises:
            UnknownRequestError: No request has this id, or not for the caller.
            LedgerUnavailableError: The ledger did not answer.
        """
        request, tasks = self.ledger.with_tasks(request_id) if REQUEST_ID.fullmatch(request_id) else (None, [])
        if request is None or only_of not in ("", role_of(request.submitted_by)):
            raise UnknownRequestError
        return {
            "request_id": request_id,
            "workflow": request.workflow,
            "status": request.reported_status,
            "result": _as_of_now(request.result, tasks),
            "error": self._error(request),
            "created_at": request.created_at and to_text(request.created_at),
            "ended_at": request.ended_at and to_text(request.ended_at),
            "submitted_by": request.submitted_by,
            "tasks": [_task_report(task) for task in tasks],
        }

    def _error(self, request: Request) -> dict[str, str] | None:
        """Return why a request ended without a result."""
        if request.raised is None or request.reported_error is None or not self.tells_errors:
            return request.reported_error
        return {**request.reported_error, "class": request.raised.kind, "at": request.raised.at}


def _as_of_now(result: Any, tasks: Sequence[Task]) -> Any:
    """Return a recorded result with the refunds and disputes of its payment since."""
    return {**result, **payments.reversals(*tasks)} if isinstance(result, Mapping) else result


def _covered(policy: Policy, document: Mapping[str, Any]) -> Iterator[ContractError]:
    try:
        policy.check({name: document.get(name) for name in ("amount", "currency")})
    except ContractError as error:
        yield error


def _asks_nobody(policy: Policy, document: Mapping[str, Any], prefix: str) -> Iterator[ContractError]:
    """Yield a problem if a proof would ask people whom the policy names."""
    with suppress(UncoveredAmountError):  # the rule for the amount reports it
        if not all(map(is_simulated, policy.asks(document))):
            yield ContractError("must be an amount for which the policy names no people", f"{prefix}/amount")


def _task_report(task: Task) -> dict[str, Any]:
    return {
        "task_id": task.task_id,
        "kind": task.question.kind,
        "status": task.status.value,
        "outcome": task.outcome and task.outcome.value,
        "opened_at": task.opened_at and to_text(task.opened_at),
        "expires_at": to_text(task.expires_at),
        "decided_at": task.decided_at and to_text(task.decided_at),
        **(_round(task) if task.audience else {}),
        **payments.reversals(task),
    }


def _round(task: Task) -> dict[str, Any]:
    """Return the round of a task of people, and the question for which it waits for its requester."""
    waits = task.returned and {
        "by": task.returned.by,
        "comment": task.returned.comment,
        "at": to_text(task.returned.at),
    }
    return {"round": task.round, "returned": waits}
