"""Waits: the timeouts of callbacks, failed hand-offs, and the result of a decision."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from aws_durable_execution_sdk_python import CallbackExternalError, CallbackTimeoutError, StepError

from countersign.composition import Ports, use
from countersign.domain import errors
from countersign.domain.links import Link
from countersign.domain.mails import MailReport, reported
from countersign.domain.people import Absence, Entry
from countersign.domain.policy import Escalation
from countersign.domain.rules import Outcome, Rule
from countersign.domain.tasks import Status, Task
from countersign.domain.tokens import fingerprint
from countersign.services.reviews import Click, Reviews
from countersign.services.waits import Report
from countersign.testing.builders import (
    APPROVER,
    DETAILS,
    NOW,
    OTHER_APPROVER,
    REQUESTER,
    TITLE,
    any_click,
    any_question,
    any_token,
)
from countersign.testing.fakes import FixedClock, MemoryDirectory, MemoryHandOff, MemoryLedger
from countersign.workflows.approval import Approval, Approved, Rejected, request_approval
from countersign.workflows.ask import MAX_IDLE_RINGS, Schedule, ask
from tests.unit.services.races import crash, meanwhile

ENVIRONMENT = {
    "WORKFLOW": "order-approval",
    "EXECUTION_TIMEOUT_SECONDS": str(366 * 86400),
    "BASE_URL": "https://api.example.com",
}
PAYLOAD = '{"request_id": "order-1001", "input": {}}'
COLLEAGUE = "li@example.com"

End = Callable[["Execution"], object]
"""What happens while the workflow sleeps: it returns, or raises, as a callback's result does."""


class Execution:
    """A durable execution whose steps run at once. The test ends its callbacks, or they time out.

    Attributes:
        callbacks: The timeout and the heartbeat's timeout of each callback, in seconds.
        behind: How far behind the functions' clock is the one that says when a callback was created.
    """

    def __init__(self, *ends: End, behind: timedelta = timedelta()) -> None:
        self.ledger = MemoryLedger()
        self.hand_off = MemoryHandOff()
        self.directory = MemoryDirectory()
        self.clock = FixedClock()
        self.callbacks: list[tuple[int, int]] = []
        self.behind = behind
        self._created: dict[str, datetime] = {}
        self._ends = iter(ends)
        started = SimpleNamespace(start_timestamp=self.clock.now())
        self.state = SimpleNamespace(
            get_execution_operation=lambda: started,
            get_input_payload=lambda: PAYLOAD,
            get_checkpoint_result=lambda name, **_: SimpleNamespace(
                operation=SimpleNamespace(start_timestamp=self._created[name])
            ),
        )

    def create_callback(self, name: str, config: Any) -> Any:
        timeout = config.timeout.seconds
        self.callbacks.append((timeout, config.heartbeat_timeout.seconds))
        self._created[name] = self.clock.now() - self.behind

        def result() -> None:
            if end := next(self._ends, None):
                end(self)
                return
            self.clock.move(seconds=timeout)
            raise CallbackTimeoutError

        return SimpleNamespace(callback_id=name, operation_id=name, result=result)

    def step(self, body: Callable[[Any], Any], name: str, config: Any) -> Any:
        try:
            return body(None)
        except errors.TransientError as error:  # it was tried again for half a minute
            self.clock.move(seconds=30)
            raise StepError from error

    @contextmanager
    def running(self) -> Iterator[Any]:
        ports = Ports(ENVIRONMENT, {"policy": [], "operators": []})
        ports.ledger, ports.hand_off = self.ledger, self.hand_off
        ports.directory, ports.clock = self.directory, self.clock
        with use(ports):
            yield self

    def asked(self, payload: str = "", **schedule: Any) -> Report:
        with self.running() as context:
            audience = () if payload else (APPROVER,)
            asked_until = Schedule(**{"deadline_seconds": 3600} | schedule)
            return ask(context, "approval", any_question(payload=payload), asked_until, audience)

    def approval(self, approvers: Sequence[str], rule: Rule) -> Any:
        with self.running() as context:
            approval = Approval(TITLE, DETAILS, REQUESTER, tuple(approvers), 3600, rule)
            return request_approval(context, "approval", approval)

    @property
    def task(self) -> Task:
        return next(reversed(self.ledger.standing.values()))

    def vote(self, person: str, comment: str = "", decision: str = "approve") -> None:
        click = any_click(token=self.token(person), shown=self.task.shown, comment=comment, decision=decision)
        self.clock.move(seconds=1)
        assert not Reviews(self.ledger, self.directory, self.clock).decide(click).refusal

    def hand_over(self, person: str, colleague: str) -> None:
        handing = Click(self.token(person), colleague=colleague, fetch_site="same-origin", confirmed=True)
        assert not Reviews(self.ledger, self.directory, self.clock).hand_over(handing).refusal

    def token(self, person: str) -> str:
        """Return the token of a new link of this person to the latest task."""
        token = any_token(chr(ord("a") + len(self.ledger.links)))
        self.ledger.put_link(Link(fingerprint(token) or "", self.task.task_id, person), self.task.expires_at)
        return token


def failed_from_outside(_: Execution) -> None:
    raise CallbackExternalError


def completed_from_outside(_: Execution) -> None:
    """Return nothing, like a completed callback."""


def wake(execution: Execution) -> None:
    """End a callback by its timeout."""
    execution.clock.move(seconds=execution.callbacks[-1][0])
    raise CallbackTimeoutError


def refuse(times: int) -> End:
    """Let the bus refuse this number of hand-offs."""

    def end(execution: Execution) -> None:
        execution.hand_off.refusals = times
        wake(execution)

    return end


def lose_the_ledger(execution: Execution) -> None:
    """Let the ledger refuse the next change."""
    crash(execution.ledger, errors.LedgerUnavailableError())
    wake(execution)


@pytest.mark.parametrize("ring", [failed_from_outside, completed_from_outside])
def test_a_wait_fails_after_too_many_callbacks_ended_from_outside(ring: End) -> None:
    assert Execution(*[ring] * MAX_IDLE_RINGS).asked()["status"] == "EXPIRED"
    one_more = Execution(*[ring] * (MAX_IDLE_RINGS + 1))
    with pytest.raises(errors.IdleRingsError):
        one_more.asked()
    assert len(one_more.callbacks) == MAX_IDLE_RINGS + 1 == 21


def test_the_heartbeat_timeout_continues_across_a_new_callback() -> None:
    def idle_ring_after_twenty_seconds(execution: Execution) -> None:
        execution.clock.move(seconds=20)

    execution = Execution(idle_ring_after_twenty_seconds)
    execution.asked(payload="{}", heartbeat_seconds=60)
    assert [heartbeat for _, heartbeat in execution.callbacks[:2]] == [60, 40]


@pytest.mark.parametrize("micros", [0, 374_923])
def test_the_deadline_of_a_wait_ignores_fractions_of_a_second(micros: int) -> None:
    execution = Execution(behind=timedelta(microseconds=-micros))
    execution.asked(wait_seconds=60)
    assert (execution.task.expires_at, execution.callbacks) == (NOW + timedelta(seconds=60), [(60, 0)])


def test_a_later_wait_keeps_the_deadline_of_the_request() -> None:
    execution = Execution()
    execution.clock.move(minutes=30)
    assert execution.asked()["status"] == "EXPIRED"
    assert execution.task.expires_at == execution.clock.now() == NOW + timedelta(hours=1)
    assert execution.callbacks == [(3600, 0), (1800, 0)], "the first callback would have ended half an hour late"


def test_a_reminder_is_sent_at_once_if_the_clock_of_callbacks_is_behind() -> None:
    def end_in_time(execution: Execution) -> None:
        execution.clock.move(seconds=30)
        execution.behind = timedelta(seconds=2)
        raise CallbackTimeoutError

    execution = Execution(end_in_time)
    execution.asked(reminders_seconds=(30,))
    assert execution.hand_off.kinds == ["approval.requested", "approval.reminder"]
    assert [seconds for seconds, _ in execution.callbacks] == [30, 3570]


# Mails that bounce
BOSS, CHIEF = "boss@example.com", "chief@example.com"


def bounce(execution: Execution) -> None:
    """Have a message bounce for good after a minute; the relay rings."""
    execution.clock.move(seconds=60)
    task, number = execution.task, execution.task.bounced
    report = MailReport("bounced", task.task_id, APPROVER, f"mail-{number}", "permanent")
    change = reported(task, report, "aws.ses", execution.ledger.audit(task.task_id), execution.clock.now())
    assert change
    execution.ledger.commit(change)


def test_the_first_hard_bounce_brings_the_next_escalation_forward_and_leaves_the_others_at_their_time() -> None:
    execution = Execution(bounce, bounce)
    escalations = (Escalation(600, (BOSS,)), Escalation(1200, (CHIEF,)))
    execution.asked(escalations=escalations, reminders_seconds=(900,))
    told = [(sent["kind"], sent["attempt"], sent["task"]["recipients"]) for sent in execution.hand_off.sent]
    assert told == [
        ("approval.requested", 1, [APPROVER]),
        ("approval.escalated", 2, [BOSS]),
        ("approval.reminder", 3, [APPROVER, BOSS]),
        ("approval.escalated", 4, [CHIEF]),
    ]
    assert [seconds for seconds, _ in execution.callbacks] == [600, 840, 780, 300, 2400]


def test_a_bounce_while_the_workflow_begins_a_round_brings_the_escalation_forward_without_a_ring() -> None:
    """The ring goes to the callback that the round replaces."""
    execution = Execution(lambda execution: meanwhile(execution.ledger, lambda: bounce(execution), "refresh"))
    execution.asked(escalations=(Escalation(1200, (BOSS,)),))
    assert execution.hand_off.kinds == ["approval.requested", "approval.escalated"]
    assert [seconds for seconds, _ in execution.callbacks] == [1200, 1200, 3540]


# Reminders and escalations that fail
@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The counted metrics."""
    names: list[str] = []
    monkeypatch.setattr("countersign.functions.telemetry.count", names.append)
    return names


def test_a_failed_reminder_is_recorded_and_sent_minutes_later(counted: list[str]) -> None:
    named: list[str] = []

    def look(execution: Execution) -> None:
        named.append(execution.task.callback_id)
        wake(execution)

    execution = Execution(refuse(2), look)
    execution.asked(reminders_seconds=(600,))
    assert execution.hand_off.kinds == ["approval.requested", "approval.reminder"]
    assert [seconds for seconds, _ in execution.callbacks] == [600, 3000, 300, 2670, 300, 2340]
    failures = [entry.event for entry in execution.ledger.entries if entry.event.event == "hand_off_failed"]
    assert [failure.data for failure in failures] == [
        {"hand_off": 2, "operation": f"approval open {number}"} for number in (2, 4)
    ]
    assert counted == ["HandOffsFailed"] * 2
    assert [*named, execution.task.callback_id] == ["approval callback 3", "approval callback 6"]


def test_a_reminder_that_fails_near_the_deadline_is_sent_before_the_deadline() -> None:
    execution = Execution(refuse(1))
    execution.asked(reminders_seconds=(3500,))
    assert execution.hand_off.kinds == ["approval.requested", "approval.reminder"]


@pytest.mark.parametrize("after_the_ledger_has_it", [True, False])
def test_a_failed_escalation_is_sent_together_with_the_next_due_reminder(after_the_ledger_has_it: bool) -> None:
    execution = Execution(refuse(1) if after_the_ledger_has_it else lose_the_ledger)
    execution.asked(escalations=(Escalation(600, ("boss@example.com",)),), reminders_seconds=(700,))
    told = [(each["kind"], each["attempt"], each["task"]["recipients"]) for each in execution.hand_off.sent]
    assert told[1:] == [("approval.escalated", 3, ["boss@example.com"]), ("approval.reminder", 3, [APPROVER])]
    assert execution.task.audience == (APPROVER, "boss@example.com")


def test_a_hand_off_that_always_fails_stays_within_the_limit_of_operations() -> None:
    execution = Execution(refuse(10_000))
    assert execution.asked(deadline_seconds=10**9, reminders_seconds=(60,))["status"] == "EXPIRED"
    assert 20 < len(execution.callbacks) < 250, "in a year, with at most three operations per round"


def test_a_decision_made_while_a_reminder_fails_ends_the_wait(counted: list[str]) -> None:
    def decide_meanwhile(execution: Execution) -> None:
        def decide_and_fail(envelope: object) -> None:
            execution.vote(APPROVER)
            raise errors.HandOffRejectedError("refused")

        execution.hand_off.send = decide_and_fail  # type: ignore[method-assign]
        wake(execution)

    execution = Execution(decide_meanwhile)
    assert (execution.asked(reminders_seconds=(600,))["status"], len(execution.callbacks)) == ("APPLIED", 2)


def test_a_decision_made_while_the_first_hand_off_fails_wins() -> None:
    execution = Execution()

    def decide_and_fail(envelope: object) -> None:
        execution.vote(APPROVER)
        raise errors.HandOffRejectedError("refused")

    execution.hand_off.send = decide_and_fail  # type: ignore[method-assign]
    assert execution.asked()["outcome"] == "approved"


def test_two_waits_of_one_name_are_refused() -> None:
    execution = Execution()
    execution.asked()
    execution.ledger.standing[execution.task.task_id] = replace(execution.task, opened_by="another callback")
    with pytest.raises(errors.DuplicateTaskNameError):
        execution.asked()


def test_a_decision_that_the_votes_do_not_support_fails_the_workflow() -> None:
    def tampered(execution: Execution) -> None:
        execution.vote(APPROVER, decision="reject")
        execution.ledger.standing[execution.task.task_id] = replace(execution.task, outcome=Outcome.APPROVED)

    execution = Execution(tampered)
    with pytest.raises(errors.UnsoundDecisionError):
        execution.asked()
    assert execution.task.status is Status.DECIDED


# Results
def test_with_the_rule_in_order_the_first_rejection_ends_the_approval() -> None:
    execution = Execution(lambda execution: execution.vote(APPROVER, decision="reject"))
    result = execution.approval([APPROVER, OTHER_APPROVER], Rule("in_order"))
    assert (type(result), result.by, len(execution.hand_off.sent)) == (Rejected, (APPROVER,), 1)


def test_the_result_has_the_deciding_comment_and_the_votes_in_the_order_of_the_approvers() -> None:
    def second_approver_first(execution: Execution) -> None:
        execution.vote(OTHER_APPROVER, "I was first")
        execution.vote(APPROVER, "I decided it")

    result = Execution(second_approver_first).approval([APPROVER, OTHER_APPROVER], Rule.from_document({"kind": "all"}))
    assert isinstance(result, Approved)
    assert (result.comment, [vote.by for vote in result.votes]) == ("I decided it", [APPROVER, OTHER_APPROVER])


def test_with_the_rule_in_order_a_colleague_of_one_level_is_not_a_stand_in_at_another() -> None:
    def colleague_decides(execution: Execution) -> None:
        execution.hand_over(APPROVER, COLLEAGUE)
        execution.vote(COLLEAGUE)

    absence = Absence(NOW, NOW + timedelta(days=1), COLLEAGUE)
    execution = Execution(colleague_decides, lambda execution: execution.vote(OTHER_APPROVER))
    execution.directory.known[OTHER_APPROVER] = Entry(OTHER_APPROVER, (absence,))
    result = execution.approval([APPROVER, OTHER_APPROVER], Rule("in_order"))
    assert execution.task.audience == (OTHER_APPROVER,), "the absent approver stays in the audience"
    assert isinstance(result, Approved)
    assert result.by == (COLLEAGUE, OTHER_APPROVER)
    assert [row[:2] for row in execution.task.question.earlier] == [(COLLEAGUE, "approve")], "the second level sees it"
    assert len({task.expires_at for task in execution.ledger.standing.values()}) == 1, "the levels share a deadline"
