"""Requests: start a workflow once under the caller's id, and tell how it goes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from countersign import contracts
from countersign.domain import payments
from countersign.domain.clock import Clock, to_text
from countersign.domain.errors import ContractError, RequestConflictError, UnknownRequestError, UnknownWorkflowError
from countersign.domain.identity import NO_ALIASES, Aliases, normalise
from countersign.domain.people import aliases_of, check_approvers
from countersign.domain.policy import Policy
from countersign.domain.strict_json import digest
from countersign.domain.tasks import Task
from countersign.ports import Directory, Request, RequestLedger, WorkflowStarter
from countersign.services.starts import Starts

_REQUEST_ID = re.compile("[A-Za-z0-9_-]{1,64}", re.ASCII)
"""As the contract `request` has it: nothing else was ever submitted, and longer keys the ledger would not take."""


@dataclass(frozen=True)
class Startable:
    """A workflow that is deployed.

    Attributes:
        deadline_seconds: The deadline of a request that names none.
        contract: Whose input's contract it takes: a workflow's name.
        policy: Who approves which amount; None where requests say so themselves.
    """

    deadline_seconds: int
    contract: str
    policy: Policy | None = None


@dataclass(frozen=True)
class Submission:
    """What became of a POST.

    Attributes:
        request: The request as it stands.
        started: Whether this call started the workflow; False when the same request was started before.
    """

    request: Request
    started: bool


class Submissions:
    """Starts workflows and reports on them."""

    def __init__(
        self,
        ledger: RequestLedger,
        starter: WorkflowStarter,
        directory: Directory,
        clock: Clock,
        workflows: Mapping[str, Startable],
    ) -> None:
        """Take the ports.

        Args:
            ledger: Where requests are kept.
            starter: Starts durable executions.
            directory: What is known of people.
            clock: The time.
            workflows: Every deployed workflow, by its name.
        """
        self._ledger = ledger
        self._starts = Starts(ledger, starter)
        self._directory = directory
        self._clock = clock
        self._workflows = workflows

    def submit(self, document: Any, submitted_by: str) -> Submission:
        """Start what the document asks for, unless that happened before.

        Args:
            document: The body of `POST /requests`.
            submitted_by: IAM ARN of the caller.

        Raises:
            ContractError: The body, or the workflow's input, breaks its contract.
            UncoveredAmountError: The workflow has a policy, and it does not cover the amount.
            UnknownWorkflowError: No workflow of that name is deployed.
            RequestConflictError: The id stands for another workflow or input.
            StartFailedError: Lambda did not take the start; the same request may be sent again.
            LedgerUnavailableError: The ledger did not answer; the same request may be sent again.
        """
        contracts.check("request", document)
        workflow, request_id = document["workflow"], document["request_id"]
        startable = self._workflows.get(workflow)
        if startable is None:
            raise UnknownWorkflowError(workflow)
        contracts.check(f"{startable.contract}.input", document["input"], "/input")
        self._check_people(startable, request_id, document["input"])
        asked = Request(
            request_id,
            workflow,
            digest(document["input"]),
            submitted_by,
            deadline_seconds=startable.deadline_seconds,
            input=document["input"],
        )
        standing = self._ledger.submit(asked, self._clock.now())
        if (standing.workflow, standing.input_digest) != (asked.workflow, asked.input_digest):
            raise RequestConflictError(request_id)
        if standing.status != "submitted":
            return Submission(standing, started=False)
        # The first one's input, for its spelling; a request of before it was kept has this one's, which says the same.
        self._starts.start(replace(standing, input=standing.input or document["input"]))
        return Submission(standing, started=True)

    def _check_people(self, startable: Startable, request_id: str, document: Mapping[str, Any]) -> None:
        """Refuse what the directory or the policy does not allow; a request that came before they changed is itself."""
        try:
            aliases = self._aliases(document)
            if startable.policy is not None:
                startable.policy.check(document, aliases)
        except ContractError:
            if self._ledger.request(request_id) is None:
                raise

    def _aliases(self, document: Mapping[str, Any]) -> Aliases:
        """Look up the approvers that a request names, if it does, and refuse those of whom two are one person."""
        if "approvers" not in document:
            return NO_ALIASES
        approvers, requester = document["approvers"], document.get("requester", "")
        aliases = aliases_of(self._directory.entries(map(normalise, (requester, *approvers))))
        check_approvers(approvers, requester, document.get("rule", {}), aliases, "/input")
        return aliases

    def report(self, request_id: str) -> dict[str, Any]:
        """Return what `GET /requests/{request_id}` shows.

        Raises:
            UnknownRequestError: There is no such request.
            LedgerUnavailableError: The ledger did not answer.
        """
        request = self._ledger.request(request_id) if _REQUEST_ID.fullmatch(request_id) else None
        if request is None:
            raise UnknownRequestError
        tasks = self._ledger.tasks(self._ledger.task_ids(request_id))
        return {
            "request_id": request_id,
            "workflow": request.workflow,
            "status": "running" if request.status == "submitted" else request.status,
            "result": _as_of_now(request.result, tasks),
            "tasks": [_task_report(task) for task in tasks],
        }


def _as_of_now(result: Any, tasks: Sequence[Task]) -> Any:
    """Return a recorded result, with what was taken back of the payment that it tells of."""
    return {**result, **payments.reversals(*tasks)} if isinstance(result, Mapping) else result


def _task_report(task: Task) -> dict[str, Any]:
    return {
        "task_id": task.task_id,
        "kind": task.kind,
        "status": task.status.value,
        "outcome": task.outcome and task.outcome.value,
        "opened_at": task.opened_at and to_text(task.opened_at),
        "expires_at": to_text(task.expires_at),
        "decided_at": task.decided_at and to_text(task.decided_at),
        **payments.reversals(task),
    }
