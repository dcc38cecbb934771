"""The scenarios of `make demo`: one request on the embedded cloud, from its start to its result, step by step."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, TypeVar

from countersign.client import CallError, Report, Task
from local.demo import sandbox
from local.demo.sandbox import HABITS, Sandbox
from local.demo.scripts import APPROVER, DEADLINE_SECONDS, ORDER, PAYMENT, QUESTION, REFUND, SCRIPTS
from local.demo.watch import Execution
from operate.client import Envelope, answer, open_page, press, take
from operate.embedded.cloud import Cloud
from operate.embedded.mailbox import Mail, Mailbox
from operate.terminal import Terminal

_terminal = Terminal()

PATIENCE_SECONDS = 60
_LOOK_SECONDS = 0.25
_LOOKS_A_ROUND = 10
"""The number of requests whose reports are read between two looks into the queue."""

_DEADLINES = {"expire": 20, "": 3600}
"""By the `--answer`, in seconds. The mail must be sent before the deadline, even if every function starts cold."""

_HABIT = "pending-first"

OUTCOMES = {"approve": "approved", "reject": "rejected", "expire": "expired"}
"""The status of an approval's result, by the `--answer`."""

SCENARIOS: Mapping[str, Mapping[str, str]] = {
    "order-approval": OUTCOMES,
    "approval": OUTCOMES,
    "payment": {habit: "failed" if habit == "failed" else "paid" for habit in HABITS},
    "refund": {"refunded": "refunded", "declined": "failed"},
    **{name: {way: script.result["status"] for way, script in ways.items()} for name, ways in SCRIPTS.items()},
}
"""The status of each workflow's result, by the `--answer`."""

_PAID_AS = ("external_id", "amount", "currency")

T = TypeVar("T")


class DemoError(Exception):
    """The demo did not end as expected; the message says where it stopped."""


@dataclass(kw_only=True)
class Demo(ABC):
    """One run of a scenario.

    Attributes:
        workflow: The workflow that it shows.
        cloud: The cloud that it runs on.
        answer: The `--answer`; empty for the scenario's default.
        request_id: Id of the request.
    """

    workflow: str
    cloud: Cloud
    answer: str = ""
    request_id: str = field(default_factory=lambda: f"demo-{time.strftime('%Y%m%d-%H%M%S')}")
    _mails_before: int = field(default=0, init=False)

    def run(self) -> dict[str, Any]:
        """Run it to its end and return the workflow's result.

        Raises:
            DemoError: A step did not happen in time, or the workflow ended otherwise than expected.
        """
        self.start()
        self._answer()
        report = wait_for("the workflow to end", self.ended_report)
        execution = wait_for("the durable execution", self.execution)
        wait_for("the durable execution to end", execution.has_ended)
        steps = execution.operations()
        told = f"invocations: {execution.invocations()}, durable operations: {len(steps)} ({', '.join(steps)})"
        _terminal.done("resumed", f"the workflow continued where it had waited; {told}")
        result: dict[str, Any] = report.result or {}
        _terminal.done("result", f"{report.status}: {self._sentence(result)}")
        self._check(report)
        return result

    def start(self) -> None:
        """Start the workflow.

        Raises:
            DemoError: The API refused it.
        """
        self._mails_before = len(self._mails())
        document = {"deadline_seconds": DEADLINE_SECONDS, **self._input()}
        try:
            self.cloud.client().request(self.workflow, self.request_id, document)
        except CallError as error:
            raise DemoError(f"POST /requests answered {error}") from error
        _terminal.done("request", f"POST /requests → 202 accepted: {self.workflow} {self.request_id}")

    def execution(self) -> Execution | None:
        """Find the durable execution; None before it was started."""
        return Execution.named(self.cloud.endpoint_url, self.cloud.workflow(self.workflow), self.request_id)

    def ended_report(self) -> Report | None:
        """Return the API's report of the request; None while it runs."""
        report = self._report()
        return report if report.ended else None

    def _report(self) -> Report:
        try:
            return self.cloud.client().get(self.request_id)
        except CallError as error:
            raise DemoError(f"GET /requests/{self.request_id} answered {error}") from error

    @abstractmethod
    def _input(self) -> Mapping[str, Any]:
        """Return the workflow's input."""

    def _mails(self) -> list[Mail]:
        """Return the mails to the scenario's approver, if it has one."""
        return []

    def _new_mail(self) -> Mail | None:
        """Return the mail with a review link that came since the start; None before it has come."""
        return next((mail for mail in self._mails()[self._mails_before :] if mail.review_link), None)

    @abstractmethod
    def _answer(self) -> None:
        """Answer for the people and machines that the workflow asks."""

    @abstractmethod
    def _sentence(self, result: Mapping[str, Any]) -> str:
        """Return the workflow's result in words."""

    def _check(self, report: Report) -> None:
        status, statuses = (report.result or {}).get("status"), SCENARIOS[self.workflow]
        expected = (statuses[self.answer],) if self.answer else tuple(statuses.values())
        if status not in expected:
            raise DemoError(f"the workflow ended {status!r} ({_end_of(report)}), not {' or '.join(expected)}")


@dataclass(kw_only=True)
class TaskDemo(Demo):
    """A scenario with one task, printed step by step."""

    def _answer(self) -> None:
        task = wait_for("the task to be opened", lambda: next(iter(self._report().tasks), None))
        _terminal.done("task", f"opened {task.task_id}; it stays open until {_clock(task.expires_at)}")
        self._see_hand_off()
        execution = wait_for("the durable execution", self.execution)
        wait_for("the workflow to be suspended", execution.is_suspended)
        _terminal.done("waiting", "the workflow is suspended, and uses no compute while it waits")
        self._decide()
        task = wait_for("the end of the task", self._closed_task, self._patience_seconds())
        if task.decided_at:
            _terminal.done("decision", f"{task.outcome}, recorded in the ledger at {_clock(task.decided_at)}")
        else:
            _terminal.done("deadline", f"passed without an answer: the task is {task.status.lower()}")

    @abstractmethod
    def _see_hand_off(self) -> None:
        """Wait for the hand-off."""

    @abstractmethod
    def _decide(self) -> None:
        """Answer the task, or let the user answer it."""

    def _patience_seconds(self) -> float:
        """Return how long the decision may take."""
        return PATIENCE_SECONDS

    def _closed_task(self) -> Task | None:
        return next((task for task in self._report().tasks if task.status != "OPEN"), None)


@dataclass(kw_only=True)
class Approval(TaskDemo):
    """A person approves an order, or anything else: the user of the demo, or with an answer the demo itself."""

    workflow: str = "order-approval"
    _link: str = field(default="", init=False)

    @property
    def _deadline_seconds(self) -> int:
        return _DEADLINES.get(self.answer, DEADLINE_SECONDS)

    def _input(self) -> Mapping[str, Any]:
        asked = ORDER if self.workflow == "order-approval" else QUESTION
        return {**asked, "deadline_seconds": self._deadline_seconds}

    def _mails(self) -> list[Mail]:
        return Mailbox(self.cloud.mailbox_url).mails(APPROVER)

    def _see_hand_off(self) -> None:
        mail = wait_for("a mail with a review link", self._new_mail)
        _terminal.done("mail", f"“{mail.subject}” to {', '.join(mail.recipients)}")
        self._link = mail.review_link or ""

    def _decide(self) -> None:
        if self.answer in ("approve", "reject"):
            _terminal.doing(f"opening the review link as a browser does, and pressing “{self.answer}”")
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

    def _check(self, report: Report) -> None:
        super()._check(report)
        if report.result["status"] == "expired" and open_page(self._link).answer.status != HTTPStatus.GONE:
            raise DemoError("the review link of an expired task did not answer 410")

    def _sentence(self, result: Mapping[str, Any]) -> str:
        by = result.get("decided_by")
        said = f" by {by if isinstance(by, str) else ', '.join(by)}" if by else ""
        comment = f" with the comment “{result['comment']}”" if by and result.get("comment") else ""
        asked = f"order {result['order_id']}" if "order_id" in result else f"“{QUESTION['title']}”"
        return f"{asked} is {result.get('status')}{said}{comment}"


@dataclass(kw_only=True)
class Payment(TaskDemo):
    """The sandbox provider takes a payment; an answer is one of its habits."""

    workflow: str = "payment"
    _asked: sandbox.Payment = field(init=False)

    def __post_init__(self) -> None:
        self.answer = self.answer or _HABIT
        self._provider = Sandbox(self.cloud, self.answer)

    @property
    def _external_id(self) -> str:
        return f"pay_{self.request_id}"

    def _input(self) -> Mapping[str, Any]:
        return {**PAYMENT, "external_id": self._external_id}

    def _see_hand_off(self) -> None:
        self._asked = wait_for("the payment in the queue", self._find_payment)
        asked = f"{self._asked.amount} {self._asked.currency} as {self._asked.external_id}"
        _terminal.done("hand-off", f"payment.requested in the queue external-tasks: {asked}")

    def _find_payment(self) -> sandbox.Payment | None:
        asked = self._provider.asked()
        return next((payment for payment in asked if payment.external_id == self._external_id), None)

    def _decide(self) -> None:
        _terminal.doing(f"the sandbox provider takes the payment, with the habit “{self.answer}”")
        for delivery in self._provider.settle(self._asked):
            _terminal.done("webhook", str(delivery))

    def _sentence(self, result: Mapping[str, Any]) -> str:
        amount = f"{result.get('amount')} {result.get('currency')}"
        reason = f": {result['reason']}" if result.get("reason") else ""
        return f"the payment of {amount} for order {result.get('order_id')} is {result.get('status')}{reason}"


@dataclass(kw_only=True)
class Refund(Demo):
    """A payment is made, and a part of it refunded: approved by mail, carried out by a worker, confirmed by webhook."""

    workflow: str = "refund"

    def __post_init__(self) -> None:
        self.answer = self.answer or "refunded"
        self._payment = Payment(cloud=self.cloud, answer="prompt", request_id=f"{self.request_id}-paid")

    def start(self) -> None:
        """Make the payment, then start the workflow."""
        self._payment.run()
        super().start()

    def _input(self) -> Mapping[str, Any]:
        return {**REFUND, "payment_request_id": self._payment.request_id}

    def _mails(self) -> list[Mail]:
        return Mailbox(self.cloud.mailbox_url).mails(APPROVER)

    def _answer(self) -> None:
        mail = wait_for("a mail with a review link", self._new_mail)
        _terminal.done("mail", f"“{mail.subject}” to {', '.join(mail.recipients)}")
        status = press(open_page(mail.review_link or ""), "approve", comment="Approved by the demo.").answer.status
        _terminal.done("decision", f"approved by the link in the mail → {status}")
        (asked,) = wait_for("the refund in the queue", self._handed_off)
        money = f"{asked['task']['amount']} {asked['task']['currency']}"
        _terminal.done("hand-off", f"refund.requested in the queue external-tasks: {money}, with an idempotency key")
        if self.answer == "declined":
            said = answer(asked, "fail", {"code": "insufficient_balance"})
            _terminal.done("answer", f"the worker could not carry it out → {said.status}")
            return
        said = answer(asked, "succeed", {"refund_id": f"re_{self.request_id}"})
        _terminal.done("answer", f"the worker has asked the provider → {said.status}; it is not confirmed yet")
        provider, refunded = Sandbox(self.cloud), sandbox.Payment(*(asked["task"][name] for name in _PAID_AS))
        for delivery in provider.report(refunded, "refunded"):
            _terminal.done("webhook", str(delivery))

    def _handed_off(self) -> list[Envelope]:
        return take(self.cloud, lambda envelope: envelope.get("task_id") == f"{self.request_id}.refund")

    def _sentence(self, result: Mapping[str, Any]) -> str:
        reason = f": {result['reason']}" if result.get("reason") else ""
        return f"{result.get('amount')} {result.get('currency')} of the payment are {result.get('status')}{reason}"


@dataclass(kw_only=True)
class PatternDemo(Demo):
    """A callback pattern whose machines answer by a script."""

    _asked: Counter[str] = field(default_factory=Counter, init=False)
    _reviewed: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.answer = self.answer or "happy"
        self._script = SCRIPTS[self.workflow][self.answer]

    def reply(self, envelope: Envelope) -> None:
        """Answer a hand-off by the script.

        Raises:
            DemoError: The status of an answer is not the script's.
        """
        kind = envelope["kind"]
        _terminal.done("hand-off", f"{kind}, of {envelope['task_id']}")
        calls = self._script.reply(kind, self._asked[kind])
        self._asked[kind] += 1
        for call in calls:
            got = answer(envelope, call.said, call.document)
            _terminal.done("answer", f"{call} → {got.status}")
            if got.status != call.answered:
                raise DemoError(f"{call} to {kind} was answered {got.status}, not {call.answered}: {got.text}")

    def review(self) -> None:
        """Approve as the script's reviewer, once the mail has come."""
        if self._script.reviewer and not self._reviewed and (mail := self._new_mail()):
            page = press(open_page(mail.review_link or ""), "approve", comment="Approved by the demo.")
            status = page.answer.status
            _terminal.done("decision", f"{self._script.reviewer} approves by the link in the mail → {status}")
            self._reviewed = status == HTTPStatus.OK

    def _input(self) -> Mapping[str, Any]:
        return self._script.input

    def _mails(self) -> list[Mail]:
        reviewer = self._script.reviewer
        return Mailbox(self.cloud.mailbox_url).mails(reviewer) if reviewer else []

    def _answer(self) -> None:
        answer_all(self.cloud, [self])

    def _sentence(self, result: Mapping[str, Any]) -> str:
        return ", ".join(f"{name} {value!r}" for name, value in result.items())

    def _check(self, report: Report) -> None:
        if report.result != self._script.result:
            raise DemoError(f"the workflow ended {report.result} ({_end_of(report)}), not {self._script.result}")


def answer_all(cloud: Cloud, demos: Iterable[PatternDemo]) -> None:
    """Answer the hand-offs of started patterns until all of the patterns have ended.

    Raises:
        DemoError: A pattern did not end in time, or the status of an answer is not its script's.
    """
    running = {demo.request_id: demo for demo in demos}
    looked_at = deque(running)
    quiet_since = time.monotonic()
    while running:
        for envelope in take(cloud, lambda envelope: envelope.get("request_id") in running):
            running[envelope["request_id"]].reply(envelope)
            quiet_since = time.monotonic()
        for request_id in [looked_at.popleft() for _ in range(min(_LOOKS_A_ROUND, len(looked_at)))]:
            running[request_id].review()
            if running[request_id].ended_report() is None:
                looked_at.append(request_id)
            else:
                del running[request_id]
                quiet_since = time.monotonic()
        if time.monotonic() - quiet_since > PATIENCE_SECONDS:
            raise DemoError(f"{', '.join(running)} did not end within {PATIENCE_SECONDS} seconds")


def demo_of(workflow: str, cloud: Cloud, answer: str = "") -> Demo:
    """Return a run of the scenario of a workflow."""
    kinds: Mapping[str, type[Demo]] = {
        "order-approval": Approval,
        "approval": Approval,
        "payment": Payment,
        "refund": Refund,
    }
    return kinds.get(workflow, PatternDemo)(workflow=workflow, cloud=cloud, answer=answer)


def show_all(cloud: Cloud) -> None:
    """Run every scenario, one after the other, and print a table of the results.

    Raises:
        DemoError: A scenario ended otherwise than expected.
    """
    rows = [_row(workflow, cloud) for workflow in SCENARIOS]
    _terminal.table(("workflow", "ended as", "seconds", "invocations", "durable operations"), rows)


def _row(workflow: str, cloud: Cloud) -> list[str]:
    _terminal.title(workflow)
    began = time.monotonic()
    demo = demo_of(workflow, cloud, next(iter(SCENARIOS[workflow])))
    demo.request_id += f"-{workflow}"
    result = demo.run()
    seconds, execution = time.monotonic() - began, wait_for("the durable execution", demo.execution)
    return [
        workflow,
        result["status"],
        f"{seconds:.1f}",
        str(execution.invocations()),
        str(len(execution.operations())),
    ]


def wait_for(what: str, find: Callable[[], T | None], seconds: float = PATIENCE_SECONDS) -> T:
    """Call `find` until it returns something, and return that.

    Raises:
        DemoError: Nothing was found in time.
    """
    deadline = time.monotonic() + seconds
    while not (found := find()):
        if time.monotonic() > deadline:
            raise DemoError(f"waited {seconds:.0f} seconds for {what}, without success")
        time.sleep(_LOOK_SECONDS)
    return found


def _clock(instant: datetime | None) -> str:
    """Return the time of day of an instant."""
    return instant.astimezone(UTC).strftime("%H:%M:%S UTC") if instant else "its end"


def _end_of(report: Report) -> str:
    """Return how a request ended, and why if it has no result."""
    return f"{report.status}: {report.error.code}" if report.error else report.status
