"""Recovery: a task of a restored table gets the later changes from its audit."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from countersign.domain import answers, held_payments, mails, payments, recovery, rounds, tasks, votes
from countersign.domain.answers import Sender
from countersign.domain.audit import AuditEntry, AuditEvent, append
from countersign.domain.held_payments import Resolution, Verdict
from countersign.domain.identity import NO_ALIASES, Aliases
from countersign.domain.mails import MailReport
from countersign.domain.people import Assignment
from countersign.domain.replacements import reassign, take_back
from countersign.domain.rules import Decision, Rule
from countersign.domain.tasks import Change, Failure, Status, Task
from countersign.testing.builders import (
    APPROVER,
    ATTACHMENTS,
    NOW,
    OTHER_APPROVER,
    REQUESTER,
    any_event,
    any_payment_task,
    any_rule,
    any_task,
)

Act = Callable[[Task, datetime], Change | None]
OPERATOR = "arn:aws:iam::111122223333:user/olga"
BOSS = "boss@example.com"
COLLEAGUE = "carla@example.com"
WORKER = Sender("worker", "callback token")
BOTH = any_task(audience=(APPROVER, OTHER_APPROVER), rule=any_rule("all"), send_back=True, tells_requester=True)


def vote(by: str, decision: Decision = Decision.APPROVE) -> Act:
    return lambda task, now: votes.answer(task, by, decision, f"by {by}", task.shown, "", now)


def ask(person: str) -> Act:
    newcomers = Assignment((person,), NO_ALIASES)
    return lambda task, now: votes.hand_off_again(task, task.callback_id, 2, newcomers, now, remind=False)


def say(status: str) -> Act:
    return lambda task, now: payments.apply(task, any_event(status), Sender("pay", "webhook signature"), now).change


def pay(task: Task, now: datetime) -> Change | None:
    return answers.succeed(task, {"status": "paid", "amount": "250.00", "currency": "EUR"}, WORKER, now)


def accept(status: str, amount: str) -> Act:
    event = any_event(status, amount=amount, payment_id="ch_1")
    resolution = Resolution(Verdict.ACCEPTED, ("olga@example.com",), "held-1.approval")
    return lambda task, now: held_payments.carry_out(task, event, resolution, "held-payment", now)


def deliver(task: Task, now: datetime) -> Change:
    sent = AuditEvent("sent", "approver", data={"recipient": APPROVER, "attempt": 1, "channel": "mail"})
    return Change(task, None, {"sent_at": now}, (sent,), now)


def bounce(kind: str) -> Act:
    report = MailReport("bounced", any_task().task_id, APPROVER, "mail-1", kind)
    return lambda task, now: mails.reported(task, report, "aws.ses", (), now)


def gone_on(task: Task, *acts: Act) -> tuple[Task, list[AuditEntry]]:
    """Return the task after these actions, one per minute, and its audit."""
    entries: list[AuditEntry] = []
    for minute, act in enumerate(acts, start=1):
        now = NOW + timedelta(minutes=minute)
        change = act(task, now)
        assert change
        task = change.after
        for event in change.events:
            entry = append(task.task_id, task.audit_seq, task.audit_head, task.shown, event, now, task.question.policy)
            entries.append(entry)
            task = replace(task, audit_seq=entry.seq, audit_head=entry.hash)
    return task, entries


def brought_back(task: Task, entries: list[AuditEntry]) -> Task:
    return recovery.brought_back(task, entries, "ledger-restored", OPERATOR)[0]


def delegating(task: Task, now: datetime) -> Change:
    return votes.delegate(task, APPROVER, COLLEAGUE, "", now)


def send_back(task: Task, now: datetime) -> Change | None:
    return rounds.send_back(task, APPROVER, "Why?", task.shown, "", now)


def answer_back(task: Task, now: datetime) -> Change | None:
    return rounds.answer(task, REQUESTER, "So.", task.shown, "", now)


def revise(task: Task, now: datetime) -> Change | None:
    content = replace(task.question, title="Order 1001", attachments=ATTACHMENTS)
    return rounds.revise(task, REQUESTER, content, "", task.shown, "", now)


@pytest.mark.parametrize(
    ("task", "acts"),
    [
        (BOTH, [vote(APPROVER)]),
        (BOTH, [vote(APPROVER), vote(OTHER_APPROVER)]),
        (BOTH, [vote(APPROVER, Decision.REJECT), tasks.close]),
        (BOTH, [delegating, vote(COLLEAGUE)]),
        (BOTH, [delegating, lambda task, now: take_back(task, APPROVER, "", now)]),
        (BOTH, [lambda task, now: reassign(task, OPERATOR, APPROVER, COLLEAGUE, "left", now), vote(COLLEAGUE)]),
        (any_task(), [ask(BOSS), vote(BOSS)]),
        (any_task(), [lambda task, now: tasks.extend(task, NOW + timedelta(hours=2), OPERATOR, now)]),
        (any_task(), [lambda task, now: tasks.withdraw(task, OPERATOR, "ordered twice", now)]),
        (any_task(expires_at=NOW), [tasks.close]),
        (any_payment_task(), [say("pending")]),
        (any_payment_task(), [say("pending"), say("paid")]),
        (any_payment_task(), [say("paid"), tasks.close]),
        (any_payment_task(), [say("declined")]),
        (any_payment_task(), [say("pending"), lambda task, now: answers.fail(task, Failure("no_stock"), WORKER, now)]),
        (any_payment_task(), [accept("paid", "90.00")]),
        (any_payment_task(), [accept("unknown", "90.00")]),
        (any_payment_task(expires_at=NOW), [tasks.close, accept("paid", "250.00")]),
        (BOTH, [vote(OTHER_APPROVER), send_back]),
        (BOTH, [vote(OTHER_APPROVER), send_back, answer_back, vote(APPROVER)]),
        (BOTH, [vote(OTHER_APPROVER), send_back, revise, vote(APPROVER)]),
        (any_task(), [deliver]),
        (any_task(), [bounce("permanent")]),
        (any_task(), [bounce("transient")]),
    ],
)
def test_a_recovered_task_has_the_votes_the_decision_and_the_end_of_its_audit(task: Task, acts: list[Act]) -> None:
    after, entries = gone_on(task, *acts)
    assert replace(brought_back(task, entries), revision=0) == replace(after, revision=0)


def test_a_recovered_payment_has_the_refunds_and_disputes_of_its_audit() -> None:
    after, entries = gone_on(any_payment_task(), say("paid"), say("refunded"), tasks.close, say("disputed"))
    back = brought_back(any_payment_task(), entries)
    assert replace(back, noted=after.noted, revision=0) == replace(after, revision=0)
    assert payments.reversals(back) == {"refunded": "250.00", "disputed": True}


def test_votes_that_did_not_decide_do_not_decide_after_a_recovery_without_their_aliases() -> None:
    """The alias was known at the votes, and not in the restored table."""
    task = any_task(audience=(APPROVER, OTHER_APPROVER, BOSS), rule=Rule("quorum", 2))
    after, entries = gone_on(
        replace(task, aliases=Aliases({OTHER_APPROVER: APPROVER})), vote(APPROVER), vote(OTHER_APPROVER)
    )
    back = brought_back(task, entries)
    assert (after.status, back.status, back.decided_by, back.outcome) == (Status.OPEN, Status.OPEN, (), None)


def test_a_recovered_task_waits_again_where_its_answer_is_lost() -> None:
    after, entries = gone_on(any_payment_task(), pay)
    back = brought_back(any_payment_task(), entries)
    assert (back.status, back.outcome, back.audit_head) == (Status.OPEN, None, after.audit_head)


def test_a_task_that_an_earlier_recovery_opened_again_has_no_decision_after_another() -> None:
    reopened = {"outcome": None, "decided_by": (), "decided_at": None}
    undecided = AuditEvent("restored", OPERATOR, "iam", data={"undecided": True})
    _, entries = gone_on(
        any_payment_task(),
        pay,
        lambda task, now: Change(task, tasks.STAYING, reopened, (undecided,), now),
        lambda task, now: tasks.cancel(task, task.workflow, "worker_lost", now),
    )
    back = brought_back(any_payment_task(), entries)
    assert (back.status, back.outcome, back.decided_by) == (Status.CANCELLED, None, ())


def test_an_applied_task_stays_applied_although_its_answer_is_lost() -> None:
    after, entries = gone_on(any_payment_task(), pay, tasks.close)
    assert brought_back(any_payment_task(), entries) == replace(after, answer="", revision=0)


def test_the_audit_records_how_many_entries_a_recovery_read() -> None:
    _, entries = gone_on(BOTH, vote(APPROVER))
    for ahead in (entries, []):
        _, (restored,) = recovery.brought_back(BOTH, ahead, "ledger-restored", OPERATOR)
        assert (restored.event, restored.actor) == ("restored", OPERATOR)
        assert restored.data == {"table": "ledger-restored", "ahead": len(ahead)}
