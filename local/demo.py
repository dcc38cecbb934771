"""`make demo`: one order approval, from the request to the resumed workflow, told as it happens."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, TypeVar

from local import terminal
from local.client import RequestsApi, open_page, press
from local.cloud import Cloud
from local.mailbox import Mail, Mailbox
from local.watch import Execution

OUTCOMES = {"approve": "approved", "reject": "rejected", "expire": "expired"}
"""What each `--answer` is to end as."""

WORKFLOW = "order-approval"
APPROVER = "maria@example.com"
_ORDER = {
    "order_id": "A-1042",
    "amount": "1249.90",
    "currency": "EUR",
    "description": "Twelve office chairs",
    "requester": "rita@example.com",
    "approvers": [APPROVER],
}

_DEADLINES = {"expire": 12, None: 3600}
_DEADLINE_SECONDS = 600
_PATIENCE_SECONDS = 60
_LOOK_SECONDS = 0.25

T = TypeVar("T")


class DemoError(Exception):
    """The demo did not end as it should; the message says where it stopped."""


@dataclass
class Demo:
    """One run of the demo.

    Attributes:
        cloud: Where it runs.
        answer: `approve`, `reject` or `expire`; None when a person decides.
    """

    cloud: Cloud
    answer: str | None
    request_id: str = field(default_factory=lambda: f"demo-{time.strftime('%Y%m%d-%H%M%S')}")

    @property
    def _api(self) -> RequestsApi:
        return RequestsApi(self.cloud.api_url)

    def run(self) -> dict[str, Any]:
        """Run it to its end and return the workflow's result.

        Raises:
            DemoError: A step did not happen, or the workflow ended otherwise than asked.
        """
        mailbox = Mailbox(self.cloud.mailbox_url)
        seen = {mail.message_id for mail in mailbox.mails()}
        deadline = _DEADLINES.get(self.answer, _DEADLINE_SECONDS)
        self._submit(deadline)
        self._see_task()
        mail = _wait_for("a mail with a review link", lambda: _new_mail(mailbox, seen))
        terminal.done("mail", f"“{mail.subject}” to {', '.join(mail.recipients)}")
        execution = _wait_for("the durable execution", self._find_execution)
        _wait_for("the workflow to be suspended", lambda: execution.is_suspended() or None)
        terminal.done("waiting", "the workflow is suspended: no function runs, it costs nothing, for days if need be")
        link = mail.review_link
        assert link is not None, "only mails with a link were looked for"
        self._decide(link)
        return self._finish(execution, link, deadline)

    def _submit(self, deadline: int) -> None:
        answer = self._api.submit(WORKFLOW, self.request_id, {**_ORDER, "deadline_seconds": deadline})
        if answer.status != HTTPStatus.ACCEPTED:
            raise DemoError(f"POST /requests answered {answer.status} instead of 202: {answer.text}")
        terminal.done("request", f"POST /requests → 202 accepted: {WORKFLOW} {self.request_id}")

    def _see_task(self) -> None:
        task = _wait_for("the task to be opened", lambda: next(iter(self._report()["tasks"]), None))
        terminal.done("task", f"opened {task['task_id']}, until {_clock(task['expires_at'])}")

    def _find_execution(self) -> Execution | None:
        return Execution.named(self.cloud.endpoint_url, self.cloud.workflow(WORKFLOW), self.request_id)

    def _decide(self, link: str) -> None:
        if self.answer in ("approve", "reject"):
            terminal.doing(f"opening the review link as a browser would, and pressing “{self.answer}”")
            page = press(open_page(link), self.answer, comment="Decided by the demo.")
            if page.answer.status != HTTPStatus.OK:
                raise DemoError(f"POST /review answered {page.answer.status} instead of 200: {page.text}")
        elif self.answer == "expire":
            terminal.doing("leaving the mail unanswered until the deadline has passed")
        else:
            terminal.say("\n  Now it is your turn. Open this link and decide (Ctrl-C stops the demo):")
            terminal.link(link)

    def _finish(self, execution: Execution, link: str, deadline: int) -> dict[str, Any]:
        patience = _PATIENCE_SECONDS + (0 if self.answer in ("approve", "reject") else deadline)
        task = _wait_for("an end of the task", self._closed_task, patience)
        if task["decided_at"]:
            terminal.done("decision", f"{task['outcome']}, recorded in the ledger at {_clock(task['decided_at'])}")
        else:
            terminal.done("deadline", f"it passed: the task is {task['status'].lower()}, and its link is closed")
        report = _wait_for("the workflow to end", self._ended_report)
        _wait_for("the durable execution to be over", lambda: execution.has_ended() or None)
        terminal.done("resumed", f"the workflow ran on from where it stopped: {_told(execution)}")
        result = report["result"] or {}
        terminal.done("result", f"{report['status']}: {_sentence(result)}")
        self._check(report, link)
        return result

    def _check(self, report: dict[str, Any], link: str) -> None:
        status = (report["result"] or {}).get("status")
        wanted = (OUTCOMES[self.answer],) if self.answer else tuple(OUTCOMES.values())
        if status not in wanted:
            raise DemoError(f"the workflow ended {status!r} ({report['status']}), not {' or '.join(wanted)}")
        if status == OUTCOMES["expire"] and open_page(link).answer.status != HTTPStatus.GONE:
            raise DemoError("the review link of an expired task did not answer 410")

    def _report(self) -> dict[str, Any]:
        answer = self._api.report(self.request_id)
        if answer.status != HTTPStatus.OK:
            raise DemoError(f"GET /requests/{self.request_id} answered {answer.status} instead of 200: {answer.text}")
        report: dict[str, Any] = answer.json()
        return report

    def _closed_task(self) -> dict[str, Any] | None:
        return next((task for task in self._report()["tasks"] if task["status"] != "OPEN"), None)

    def _ended_report(self) -> dict[str, Any] | None:
        report = self._report()
        return None if report["status"] == "running" else report


def _new_mail(mailbox: Mailbox, seen: set[str]) -> Mail | None:
    mails = mailbox.mails(APPROVER)
    return next((mail for mail in mails if mail.message_id not in seen and mail.review_link), None)


def _wait_for(what: str, find: Callable[[], T | None], seconds: float = _PATIENCE_SECONDS) -> T:
    deadline = time.monotonic() + seconds
    while (found := find()) is None:
        if time.monotonic() > deadline:
            raise DemoError(f"waited {seconds:.0f} seconds in vain for {what}")
        time.sleep(_LOOK_SECONDS)
    return found


def _clock(instant: str) -> str:
    return datetime.fromisoformat(instant).astimezone(UTC).strftime("%H:%M:%S UTC")


def _told(execution: Execution) -> str:
    steps = execution.operations()
    return f"{execution.invocations()} invocations, {len(steps)} durable operations ({', '.join(steps)})"


def _sentence(result: dict[str, Any]) -> str:
    by = result.get("decided_by")
    said = f" by {by if isinstance(by, str) else ', '.join(by)}" if by else ""
    comment = f", who wrote “{result['comment']}”" if by and result.get("comment") else ""
    return f"order {result.get('order_id')} ended as {result.get('status')}{said}{comment}"
