"""A run of `prove`: its requests, its clicks, its waits, and what it leaves behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlencode

from botocore.exceptions import ClientError

from countersign.client import CallError, Client, Report
from countersign.domain.errors import ContractError, CountersignError, TaskClosedError
from countersign.domain.policy import Policy
from countersign.domain.proofs import PREFIX, SIMULATOR
from countersign.domain.tasks import Task
from operate.client import Page, open_page
from operate.context import Context
from operate.stage import Stage
from stacks.stage.policies import policy_document

WORKFLOW = "order-approval"
REQUESTER = f"ooto@{SIMULATOR}"
"""Not the approver's mailbox: without `separate_tags`, addresses that differ after `+` are one person."""

MOST_SECONDS = 20 * 60
"""How long a run may take."""

Found = TypeVar("Found")


class NotProvedError(Exception):
    """A claim does not hold, or did not show in time; the message is the evidence."""


class CannotProveError(Exception):
    """A claim that this stage cannot prove; the message is the reason."""


@dataclass
class Run:
    """A run against a stage.

    Attributes:
        context: The stage, and the operator's actions on it.
        patience: How many seconds a step may take.
        look: The seconds between two looks at something that is awaited.
        requests: The ids of the requests that it sent.
        mails: How many mails the requests cause.
    """

    context: Context
    patience: float
    look: float
    requests: list[str] = field(default_factory=list)
    mails: int = 0
    _began: float = field(default_factory=time.monotonic)

    @property
    def stage(self) -> Stage:
        """The stage."""
        return self.context.stage

    @cached_property
    def api(self) -> Client:
        """The client of the API, with the operator's signature."""
        url = self.stage.outputs("public")["ApiUrl"]
        return Client(url, region=self.stage.region, session=self.stage.session)

    def until(self, condition: Callable[[], Found | None], what: str, seconds: float = 0) -> Found:
        """Wait until a condition is true, and return its value.

        Raises:
            NotProvedError: It was not true in time.
        """
        until = min(time.monotonic() + (seconds or self.patience), self._began + MOST_SECONDS)
        while not (found := condition()):
            if time.monotonic() > until:
                raise NotProvedError(f"{what} did not happen in time")
            time.sleep(self.look)
        return found

    def submit(self, claim: str, workflow: str, document: dict[str, Any]) -> str:
        """Send a request, and return its id.

        Raises:
            NotProvedError: The API does not take it.
        """
        request_id = f"{PREFIX}{self.context.now:%Y%m%d%H%M%S}-{len(self.requests) + 1}-{claim}"
        try:
            self.api.request(workflow, request_id, {"order_id": request_id, **document})
        except CallError as error:
            raise NotProvedError(f"POST /requests answered {error}") from error
        self.requests.append(request_id)
        return request_id

    def ask(self, claim: str, mailbox: str = "success", deadline_seconds: int = 900) -> Task:
        """Ask a mailbox of the simulator for an approval, and return the task when the audit has its mail."""
        approver = f"{mailbox}+{PREFIX}{claim}@{SIMULATOR}"
        amount, currency = self._amount(approver)
        request_id = self.submit(
            claim,
            WORKFLOW,
            {
                "amount": amount,
                "currency": currency,
                "description": "countersign prove: nobody needs to answer",
                "requester": REQUESTER,
                "approvers": [approver],
                "deadline_seconds": deadline_seconds,
            },
        )
        self.mails += 1
        task_id = f"{request_id}.approval"
        self.until(lambda: "sent" in self.audit(task_id), f"the hand-off of {task_id}")
        return self.stage.ledger.present(task_id)

    def _amount(self, approver: str) -> tuple[str, str]:
        """Return an amount that one approver of the request decides, without people whom the policy names."""
        policy = Policy.from_document(policy_document(self.stage.settings.policies.get(WORKFLOW, ())))
        below = Decimal(0)
        for band in policy.bands:
            amount = band.up_to if band.up_to is not None else below + 1
            below = amount
            document: dict[str, Any] = {"amount": str(amount), "currency": band.currency, "approvers": [approver]}
            with suppress(ContractError):
                policy.check({**document, "requester": REQUESTER})
                if not band.terms.auto_approve and not policy.asks(document):
                    return str(amount), document["currency"]
        if policy.bands:
            raise CannotProveError(f"no row of policies.{WORKFLOW} lets one approver of the request decide")
        return "250.00", "EUR"

    def page(self, task: Task) -> Page:
        """Open the review page of a task by a link that the operator writes."""
        (recipient,) = task.audience
        token = self.context.operations.prove_link(task.task_id, recipient)
        page = open_page(f"{self.api.url}/review?{urlencode({'t': token})}")
        if page.answer.status != HTTPStatus.OK:
            raise NotProvedError(f"GET /review answered {page.answer.status}: {page.text}")
        return page

    def audit(self, task_id: str) -> list[str]:
        """Return the events of a task's audit, in order."""
        return [entry.event.event for entry in self.stage.ledger.audit(task_id)]

    def ended(self, request_id: str, seconds: float = 0) -> Report:
        """Wait for the end of a request, by default as long as for any step, and return its report."""
        return self.until(lambda: self._report_of_ended(request_id), f"the end of {request_id}", seconds)

    def _report_of_ended(self, request_id: str) -> Report | None:
        try:
            report = self.api.get(request_id)
        except CallError as error:
            raise NotProvedError(f"GET /requests/{request_id} answered {error}") from error
        if report.error:
            raise NotProvedError(f"{request_id} ended {report.status}: {report.error.code}")
        return report if report.ended else None

    def withdraw_open_tasks(self) -> Iterator[str]:
        """Withdraw the open tasks of this run and of earlier ones that were interrupted, and yield their ids."""
        for task in self.stage.ledger.open_tasks(PREFIX):
            with suppress(TaskClosedError):
                self.withdraw(task)
                yield task.task_id

    def withdraw(self, task: Task) -> None:
        """Withdraw a task, and ring its workflow; without the right to ring, the sweeper does it."""
        self.context.operations.withdraw(task.task_id, "countersign prove is done with it")
        with suppress(ClientError, CountersignError):
            self.context.rings.ring(task.task_id, task.callback_id)


def expect(holds: bool, evidence: str) -> None:  # noqa: FBT001
    """Refuse a claim with this evidence unless it holds.

    Raises:
        NotProvedError: It does not hold.
    """
    if not holds:
        raise NotProvedError(evidence)
