"""The scenarios of `make demo` that show a whole part of the kit: an approval by a person, a payment by a provider."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, ClassVar

from local.client import open_page, press
from local.demo import sandbox
from local.demo.demo import PATIENCE_SECONDS, Demo, DemoError, clock, wait_for
from local.demo.sandbox import HABITS, Sandbox
from local.demo.scripts import APPROVER, ORDER, PAYMENT
from local.demo.watch import Execution
from operate.embedded.mailbox import Mail, Mailbox
from operate.terminal import Terminal

_terminal = Terminal()

OUTCOMES = {"approve": "approved", "reject": "rejected", "expire": "expired"}
"""What each `--answer` to an order approval is to end as."""

_HABIT = "pending-first"

_DEADLINES = {"expire": 12, None: 3600}
_DEADLINE_SECONDS = 600


@dataclass(kw_only=True)
class TaskDemo(Demo):
    """A scenario with one task."""

    def run(self) -> dict[str, Any]:
        """See `Demo.run`."""
        self._submit()
        self._see_task()
        self._see_hand_off()
        execution = wait_for("the durable execution", self.execution)
        wait_for("the workflow to be suspended", lambda: execution.is_suspended() or None)
        self.tell("waiting", "the workflow is suspended: no function runs, it costs nothing, for days if need be")
        self._decide()
        return self._finish(execution)

    @abstractmethod
    def _see_hand_off(self) -> None:
        """Wait for what tells the outside."""

    @abstractmethod
    def _decide(self) -> None:
        """Answer, or have somebody answer."""

    def _patience_seconds(self) -> float:
        """Return how long the decision may take."""
        return PATIENCE_SECONDS

    def _see_task(self) -> None:
        task = wait_for("the task to be opened", lambda: next(iter(self._report()["tasks"]), None))
        self.tell("task", f"opened {task['task_id']}, until {clock(task['expires_at'])}")

    def _finish(self, execution: Execution) -> dict[str, Any]:
        task = wait_for("an end of the task", self._closed_task, self._patience_seconds())
        if task["decided_at"]:
            self.tell("decision", f"{task['outcome']}, recorded in the ledger at {clock(task['decided_at'])}")
        else:
            self.tell("deadline", f"it passed: the task is {task['status'].lower()}, and its link is closed")
        return self._end(execution)

    def _closed_task(self) -> dict[str, Any] | None:
        return next((task for task in self._report()["tasks"] if task["status"] != "OPEN"), None)


@dataclass(kw_only=True)
class OrderApproval(TaskDemo):
    """A person approves an order: whoever watches, or with an answer the demo itself."""

    workflow = "order-approval"
    answers = OUTCOMES
    _link: str = field(default="", init=False)
    _seen: frozenset[str] = field(default=frozenset(), init=False)

    @property
    def _mailbox(self) -> Mailbox:
        return Mailbox(self.cloud.mailbox_url)

    @property
    def _deadline_seconds(self) -> int:
        return _DEADLINES.get(self.answer, _DEADLINE_SECONDS)

    def _input(self) -> Mapping[str, Any]:
        self._seen = frozenset(mail.message_id for mail in self._mailbox.mails())
        return {**ORDER, "deadline_seconds": self._deadline_seconds}

    def _see_hand_off(self) -> None:
        mail = wait_for("a mail with a review link", self._new_mail)
        self.tell("mail", f"“{mail.subject}” to {', '.join(mail.recipients)}")
        assert mail.review_link is not None, "only mails with a link were looked for"
        self._link = mail.review_link

    def _new_mail(self) -> Mail | None:
        mails = self._mailbox.mails(APPROVER)
        return next((mail for mail in mails if mail.message_id not in self._seen and mail.review_link), None)

    def _decide(self) -> None:
        if self.answer in ("approve", "reject"):
            _terminal.doing(f"opening the review link as a browser would, and pressing “{self.answer}”")
            page = press(open_page(self._link), self.answer, comment="Decided by the demo.")
            if page.answer.status != HTTPStatus.OK:
                raise DemoError(f"POST /review answered {page.answer.status} instead of 200: {page.text}")
        elif self.answer == "expire":
            _terminal.doing("leaving the mail unanswered until the deadline has passed")
        else:
            _terminal.say()
            _terminal.say("  Now it is your turn. Open this link and decide (Ctrl-C stops the demo):")
            _terminal.link(self._link)

    def _patience_seconds(self) -> float:
        waits = self.answer not in ("approve", "reject")
        return PATIENCE_SECONDS + (self._deadline_seconds if waits else 0)

    def _check(self, report: Mapping[str, Any]) -> None:
        super()._check(report)
        if report["result"]["status"] == "expired" and open_page(self._link).answer.status != HTTPStatus.GONE:
            raise DemoError("the review link of an expired task did not answer 410")

    def _sentence(self, result: Mapping[str, Any]) -> str:
        by = result.get("decided_by")
        said = f" by {by if isinstance(by, str) else ', '.join(by)}" if by else ""
        comment = f", who wrote “{result['comment']}”" if by and result.get("comment") else ""
        return f"order {result.get('order_id')} ended as {result.get('status')}{said}{comment}"


@dataclass(kw_only=True)
class Payment(TaskDemo):
    """The sandbox provider takes a payment; an answer is one of its habits."""

    workflow = "payment"
    answers: ClassVar[Mapping[str, str]] = {name: habit.ends_as for name, habit in HABITS.items()}
    _asked: sandbox.Payment = field(init=False)

    def __post_init__(self) -> None:
        self.answer = self.answer or _HABIT
        self._provider = Sandbox(self.cloud, self.answer)

    @property
    def _external_id(self) -> str:
        return f"pay_{self.request_id}"

    def _input(self) -> Mapping[str, Any]:
        return {**PAYMENT, "external_id": self._external_id, "deadline_seconds": _DEADLINE_SECONDS}

    def _see_hand_off(self) -> None:
        self._asked = wait_for("the payment in the queue", self._find_payment)
        asked = f"{self._asked.amount} {self._asked.currency} as {self._asked.external_id}"
        self.tell("hand-off", f"payment.requested in the queue external-tasks: {asked}")

    def _find_payment(self) -> sandbox.Payment | None:
        asked = self._provider.asked()
        return next((payment for payment in asked if payment.external_id == self._external_id), None)

    def _decide(self) -> None:
        _terminal.doing(f"the sandbox provider takes the payment, with the habit “{self.answer}”")
        for delivery in self._provider.settle(self._asked):
            self.tell("webhook", str(delivery))

    def _sentence(self, result: Mapping[str, Any]) -> str:
        amount = f"{result.get('amount')} {result.get('currency')}"
        reason = f": {result['reason']}" if result.get("reason") else ""
        return f"order {result.get('order_id')}, {amount}, ended as {result.get('status')}{reason}"
