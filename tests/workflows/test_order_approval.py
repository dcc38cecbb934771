"""The order-approval workflow on AWS's local runner: its results, failures and races."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from countersign.domain import tasks
from countersign.domain.clock import to_text
from countersign.domain.errors import LedgerUnavailableError
from countersign.domain.mails import MailReport
from countersign.domain.policy import Policy
from countersign.domain.rules import Decision
from countersign.domain.strict_json import digest
from countersign.domain.tasks import Status
from countersign.services import rounds
from countersign.services.mail_reports import MailReports
from countersign.testing.bench import Bench, close_runner
from countersign.testing.builders import CALLER, NOW, any_input
from countersign.testing.fakes import MemoryHandOff

TASK = "order-1001.approval"


def any_order_input(**changes: Any) -> dict[str, Any]:
    return any_input(**{"deadline_seconds": 60} | changes)


def once(action: Any) -> Any:
    """Run an action at the first call only."""
    calls = [action]

    def run(*arguments: Any) -> None:
        if calls:
            calls.pop()(*arguments)

    return run


def test_an_approval_takes_at_most_two_invocations_and_returns_who_decided_and_why(bench: Bench) -> None:
    bench.start(any_order_input())
    bench.answer(Decision.APPROVE, comment="Go ahead")
    bench.relay()
    result = bench.result()
    assert bench.invocations <= 2
    assert (result["status"], result["decided_by"], result["comment"]) == ("approved", "maria@example.com", "Go ahead")
    assert result["votes"][0]["decision"] == "approve"
    assert (bench.ledger.standing[TASK].status, bench.ledger.standing[TASK].submitted_by) == (Status.APPLIED, CALLER)


def test_an_approval_without_an_answer_expires_at_its_deadline(bench: Bench) -> None:
    bench.start(any_order_input(deadline_seconds=1))
    assert bench.result()["status"] == "expired"
    assert bench.ledger.standing[TASK].status is Status.EXPIRED


def test_a_click_after_the_old_deadline_counts_if_it_was_extended(bench: Bench) -> None:
    bench.start(any_order_input(deadline_seconds=2))
    task = bench.open_task()
    until = task.expires_at + timedelta(seconds=30)
    bench.ledger.commit(tasks.extend(task, until, "arn:aws:iam::111122223333:user/olga", bench.clock.now()))
    bench.callback_id("approval callback 2")
    bench.until(lambda: bench.ledger.standing[TASK].callback_id != task.callback_id)
    assert bench.clock.now() > task.expires_at
    bench.answer(Decision.APPROVE)
    bench.relay()
    assert bench.result()["status"] == "approved"
    assert bench.hand_off.kinds == ["approval.requested"], "no new link is sent"


def test_a_click_in_the_gap_between_a_timed_out_callback_and_the_next_one_counts(bench: Bench) -> None:
    click = once(lambda: bench.answer(Decision.APPROVE))
    bench.ledger.before_write = lambda write: click() if write == "commit" else None
    bench.start(any_order_input(reminders_seconds=[1]))
    assert bench.result()["status"] == "approved"
    assert bench.hand_off.kinds == ["approval.requested"], "a decided task is not handed off again"


def test_a_decision_before_the_wait_begins_counts(bench: Bench) -> None:
    def answer_and_ring() -> None:
        bench.hand_off.sent.append({"kind": "early"})
        bench.answer(Decision.REJECT)
        bench.relay()

    early = once(answer_and_ring)
    bench.ledger.after_write = lambda write: early() if write == "open" else None
    bench.start(any_order_input())
    assert bench.result()["status"] == "rejected"


def test_a_callback_completed_from_the_console_changes_nothing(bench: Bench) -> None:
    bench.start(any_order_input())
    bench.open_task()
    bench.runner.send_callback_success(bench.callback_id("approval callback 1"), b'{"decision": "approve"}')
    bench.callback_id("approval callback 2")
    assert bench.ledger.standing[TASK].status is Status.OPEN
    bench.until(lambda: digest(bench.ledger.standing[TASK].callback_id) != bench.ledger.standing[TASK].opened_by)
    bench.answer(Decision.REJECT)
    bench.relay()
    assert bench.result()["status"] == "rejected"
    assert bench.hand_off.kinds == ["approval.requested"], "a ring without a decision sends no mail"


def test_a_decision_without_a_ring_is_read_at_the_deadline(bench: Bench) -> None:
    bench.start(any_order_input(deadline_seconds=2))
    bench.answer(Decision.APPROVE)
    assert bench.result()["status"] == "approved"


def test_an_extended_deadline_of_one_level_holds_for_the_later_levels(bench: Bench) -> None:
    bench.start(any_order_input(approvers=["a@example.com", "b@example.com"], rule={"kind": "in_order"}))
    first = bench.open_task(f"{TASK}-1")
    later = first.expires_at + timedelta(hours=1)
    bench.ledger.commit(tasks.extend(first, later, "arn:aws:iam::123456789012:user/olga", bench.clock.now()))
    bench.answer(Decision.APPROVE, "a@example.com", task_id=f"{TASK}-1")
    bench.relay(f"{TASK}-1")
    assert bench.open_task(f"{TASK}-2").expires_at == later


def sent_back(bench: Bench, task_id: str, **changes: Any) -> None:
    """Send a task back, and revise it."""
    bench.answer("return", "a@example.com", "Cheaper?", task_id)  # type: ignore[arg-type]
    task = bench.ledger.standing[task_id]
    change = rounds.revised(task, "rita@example.com", changes, "", task.shown, "", bench.clock.now())
    assert change
    bench.ledger.commit(change)


def test_the_result_has_the_amount_and_the_content_of_the_decided_round(bench: Bench) -> None:
    bench.start(any_order_input(approvers=["a@example.com"]))
    bench.open_task()
    sent_back(bench, TASK, amount="200.00", title="Cheaper chairs")
    bench.answer(Decision.APPROVE, "a@example.com")
    bench.relay()
    result = bench.result()
    assert (result["status"], result["amount"], result["currency"], result["round"]) == ("approved", "200.00", "EUR", 2)
    assert (result["order_id"], result["revised"]["title"]) == ("1001", "Cheaper chairs")
    assert len(bench.operations) == 4, "a round costs the workflow nothing"


def test_later_levels_decide_on_what_the_first_level_approved(bench: Bench) -> None:
    bench.start(any_order_input(approvers=["a@example.com", "b@example.com"], rule={"kind": "in_order"}))
    bench.open_task(f"{TASK}-1")
    sent_back(bench, f"{TASK}-1", amount="200.00")
    bench.answer(Decision.APPROVE, "a@example.com", task_id=f"{TASK}-1")
    bench.relay(f"{TASK}-1")
    second = bench.asked("approval-2")
    assert (second.question.amount, second.round) == ("200.00 EUR", 1)
    bench.answer(Decision.APPROVE, "b@example.com", task_id=f"{TASK}-2")
    bench.relay(f"{TASK}-2")
    result = bench.result()
    assert (result["amount"], result["round"]) == ("200.00", 2)
    assert result["decided_by"] == ["a@example.com", "b@example.com"]


@pytest.fixture
def impatient(bench: Bench) -> Bench:
    """A bench whose runner skips the pauses between a step's attempts."""
    from aws_durable_execution_sdk_python_testing.runner import DurableFunctionTestRunner

    from order_approval.handler import handler

    close_runner(bench.runner)
    bench.runner = DurableFunctionTestRunner(handler, poll_interval=0.02)
    return bench


def test_a_hand_off_that_fails_for_good_cancels_the_task(impatient: Bench) -> None:
    impatient.ports.hand_off = MemoryHandOff(refusals=100)
    impatient.start(any_order_input(deadline_seconds=86400))
    assert impatient.error() == "HandOffFailedError"
    assert impatient.ledger.standing[TASK].status is Status.CANCELLED
    assert impatient.ledger.entries[-1].event.data == {"reason": "hand_off_failed"}


def test_a_workflow_fails_if_its_task_cannot_store_the_new_callback(impatient: Bench) -> None:
    def fail(write: str) -> None:
        if write != "open":
            raise PermissionError("the role lost its right to write")

    impatient.ledger.before_write = fail
    impatient.start(any_order_input(deadline_seconds=86400, reminders_seconds=[1]))
    assert impatient.finish().status.value == "FAILED"


def test_a_long_outage_of_the_ledger_loses_no_decision(impatient: Bench) -> None:
    impatient.start(any_order_input(deadline_seconds=86400))
    impatient.answer(Decision.APPROVE)
    impatient.relay()
    refusals = iter(range(40))

    def fail(_: str) -> None:
        if next(refusals, None) is not None:
            raise LedgerUnavailableError

    impatient.ledger.before_write = fail
    assert impatient.result()["status"] == "approved"
    assert next(refusals, None) is None
    assert impatient.ledger.standing[TASK].status is Status.APPLIED


def test_a_withdrawn_task_fails_the_workflow(bench: Bench) -> None:
    bench.start(any_order_input(deadline_seconds=2))
    bench.ledger.standing[TASK] = dataclasses.replace(bench.open_task(), status=Status.CANCELLED)
    assert bench.error() == "TaskWithdrawnError"


# Under a policy

ROWS = [{"currency": "EUR", "up_to": "50", "auto_approve": True}]
POLICY = Policy.from_document(ROWS)


@pytest.fixture
def governed(bench: Bench) -> None:
    """Give the workflow the policy."""
    bench.tables["policy"] = ROWS


@pytest.mark.usefixtures("governed")
def test_an_amount_within_the_limit_is_approved_by_the_policy(bench: Bench) -> None:
    bench.start(any_order_input(amount="50.00"))
    result, task = bench.result(), bench.ledger.standing[TASK]
    assert bench.operations == ["approval auto", "record result"]
    assert (result["status"], result["decided_by"], result["votes"]) == ("approved", "policy", [])
    assert (task.question.policy, to_text(task.decided_at or NOW)) == (POLICY.version, result["decided_at"])
    assert bench.hand_off.sent == []


@pytest.mark.usefixtures("governed")
def test_an_amount_that_the_policy_does_not_cover_fails_the_workflow(bench: Bench) -> None:
    bench.start(any_order_input(currency="USD"))
    assert (bench.error(), bench.ledger.standing) == ("UncoveredAmountError", {})


def test_a_hard_bounce_asks_the_next_person_at_once_and_the_first_can_still_decide(bench: Bench) -> None:
    later = {"after_seconds": 25, "to": ["boss@example.com"]}
    asked = {"approvers": ["maria@example.com"], "rule": {"kind": "any"}, "escalations": [later]}
    bench.tables["policy"] = [{"currency": "EUR", "deadline_seconds": 30, "reminders_seconds": [], **asked}]
    bench.start(any_order_input())
    bench.open_task()
    report = MailReport("bounced", TASK, "maria@example.com", "mail-1", kind="permanent")
    MailReports(bench.ledger, bench.clock).record(report, "aws.ses")
    bench.relay()
    bench.until(lambda: bench.hand_off.kinds == ["approval.requested", "approval.escalated"])
    bench.answer(Decision.APPROVE)
    bench.relay()
    result = bench.result()
    assert (result["status"], result["decided_by"]) == ("approved", "maria@example.com")
    assert (bench.replay(), bench.replay()[0]) == (bench.replay(), result)
