"""extend, withdraw, resend, reassign, ring: each under the ledger's conditions, each audited with who did it."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from approver.handler import handler as approve
from countersign.domain import payments, recovery, refunds
from countersign.domain.audit import AuditEvent
from countersign.domain.clock import to_text
from countersign.domain.rules import Outcome, Rule
from countersign.domain.tasks import Status
from countersign.testing.builders import (
    APPROVER,
    CALLBACK_ID,
    OTHER_APPROVER,
    PAYMENT_ID,
    TASK_ID,
    any_paid_task,
    sqs_event,
)
from tests.integration.conftest import Answer, Kit, Operation, answering
from tests.integration.operate.conftest import OPERATOR, Run, publish_outbox


def last(kit: Kit, event: str) -> dict[str, object]:
    entry = next(entry.event for entry in reversed(kit.audit()) if entry.event.event == event)
    assert (entry.actor, entry.identified_by) == (OPERATOR, "iam")
    return dict(entry.data)


def test_the_deadline_of_an_open_task_is_moved(kit: Kit, run: Run) -> None:
    before = kit.open_task()
    status, out, _ = run("extend", TASK_ID, "--by", "2h", "--json")
    after = kit.task()
    assert (after.expires_at - before.expires_at, after.callback_id) == (timedelta(hours=2), before.callback_id)
    assert (status, json.loads(out)) == (0, {"task_id": TASK_ID, "expires_at": to_text(after.expires_at)})
    assert last(kit, "extended")["until"] == to_text(after.expires_at)
    assert run("extend", TASK_ID, "--by", "30d")[0] == 1, "later than the execution lives"
    assert kit.task() == after


def test_a_withdrawn_task_is_closed_and_its_workflow_is_rung_at_once(kit: Kit, run: Run, callbacks: Operation) -> None:
    kit.open_task()
    assert run("withdraw", TASK_ID, "--because", "ordered twice")[:2] == (0, f"{TASK_ID} is withdrawn\n")
    task = kit.task()
    assert (task.status, task.closed_because) == (Status.CANCELLED, "withdrawn_by_operator")
    assert last(kit, "cancelled") == {"reason": "withdrawn_by_operator", "comment": "ordered twice"}
    assert (kit.audited()[-2:], len(callbacks.asked)) == (["cancelled", "rung"], 1)


def test_a_withdrawal_whose_ring_fails_says_so_and_the_workflow_can_be_rung_again(
    kit: Kit, run: Run, callbacks: Operation
) -> None:
    kit.open_task()
    callbacks.answers = [Answer(400, "InvalidParameterValueException")]
    status, out, errors = run("withdraw", TASK_ID, "--because", "ordered twice")
    assert (status, out, f"`ring {TASK_ID}`" in errors) == (4, f"{TASK_ID} is withdrawn\n", True), errors
    assert run("ring", TASK_ID)[0] == 0


@pytest.mark.parametrize("because", ["", "  ", "x" * 501])
def test_a_withdrawal_needs_a_reason(kit: Kit, run: Run, because: str) -> None:
    before = kit.open_task()
    assert (run("withdraw", TASK_ID, "--because", because)[0], kit.task()) == (2, before)


def test_only_people_without_a_vote_get_a_new_link(kit: Kit, run: Run, events: Operation, mails: Operation) -> None:
    kit.open_task(audience=(APPROVER, OTHER_APPROVER), rule=Rule.from_document({"kind": "all"}))
    kit.decide()
    kit.stream()
    assert run("resend", TASK_ID)[:2] == (0, f"{TASK_ID}: a reminder goes to {OTHER_APPROVER}\n")
    assert last(kit, "resent")["to"] == [OTHER_APPROVER]
    publish_outbox(kit)
    (put,) = events.documents
    (event,) = put["Entries"]
    assert event["DetailType"] == "approval.reminder"
    for _ in range(2):  # a queue may deliver twice
        approve(sqs_event(json.loads(event["Detail"])), None)
    (mail,) = mails.documents
    assert mail["Destination"]["ToAddresses"] == [OTHER_APPROVER]


def test_another_person_is_asked_in_the_place_of_an_approver(
    kit: Kit, run: Run, events: Operation, mails: Operation
) -> None:
    kit.open_task(audience=(APPROVER,))
    kit.stream()
    arguments = ("reassign", TASK_ID, "--from", APPROVER, "--to", "Nora@elsewhere.example", "--because", "left")
    line = f"{TASK_ID}: nora@elsewhere.example is asked in place of {APPROVER}, and gets a link of their own\n"
    assert run(*arguments)[:2] == (0, line)
    assert last(kit, "reassigned")["because"] == "left"
    publish_outbox(kit)
    (put,) = events.documents
    approve(sqs_event(json.loads(put["Entries"][0]["Detail"])), None)
    (mail,) = mails.documents
    assert mail["Destination"]["ToAddresses"] == ["nora@elsewhere.example"]
    status, _, errors = run(*arguments)
    assert (status, f"{APPROVER} is not asked; asked are: nora@elsewhere.example" in errors) == (1, True)


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (Answer(), 0, "its workflow was rung"),
        (Answer(400, "CallbackTimeoutException"), 0, "the callback was already closed"),
        (Answer(403, "AccessDeniedException"), 1, "lambda:SendDurableExecutionCallback"),
        (Answer(400, "InvalidParameterValueException"), 1, "The execution may have ended"),
        (Answer(429, "TooManyRequestsException"), 4, "Try again"),
    ],
)
def test_a_ring_ends_as_lambda_answers_it(
    kit: Kit, run: Run, callbacks: Operation, answer: Answer, status: int, words: str
) -> None:
    kit.open_task()
    kit.decide()
    callbacks.by_default = answer
    ended, out, errors = run("ring", TASK_ID)
    assert ended == status
    assert words in out + errors
    assert CALLBACK_ID not in out + errors


def test_a_ring_is_audited_and_kept_with_the_task(kit: Kit, run: Run, callbacks: Operation) -> None:
    kit.open_task()
    kit.decide()
    status, out, _ = run("ring", TASK_ID, "--json")
    assert (status, json.loads(out)) == (0, {"task_id": TASK_ID, "state": "delivered", "error": ""})
    assert last(kit, "rung") == {"state": "delivered", "error": ""}
    ring = kit.task().ring
    assert ring is not None
    assert ring.state == "delivered"


def test_a_technical_failure_is_rung_as_one(kit: Kit, run: Run, aws: None) -> None:
    kit.open_payment()
    kit.set(PAYMENT_ID, "status", Status.DECIDED.value)
    kit.set(PAYMENT_ID, "outcome", Outcome.FAILED.value)
    with answering("lambda", "SendDurableExecutionCallbackFailure", Answer()) as failures:
        assert run("ring", PAYMENT_ID)[0] == 0
    assert len(failures.asked) == 1


def test_an_open_task_is_not_rung(kit: Kit, run: Run, callbacks: Operation) -> None:
    kit.open_task()
    assert (run("ring", TASK_ID)[0], callbacks.asked) == (1, [])


@pytest.mark.parametrize(("found", "entry", "refunded"), [("refunded", "confirmed", 10), ("not-refunded", "freed", 0)])
def test_an_operator_says_whether_the_provider_has_a_refund_in_doubt(
    kit: Kit, run: Run, found: str, entry: str, refunded: int
) -> None:
    paid = any_paid_task(task_id="order-2.payment", request_id="order-2")
    kit.ledger.open(paid, (AuditEvent("opened", "payment"),), kit.now)
    kit.ledger.commit(refunds.reserve(kit.task(paid.task_id), "refund-1", Decimal(10), kit.now, "refund", kit.now))
    assert "10 for the refund refund-1" in run("show", paid.task_id)[1]
    command = ("resolve", paid.task_id, "refund-1", "--because", "asked the provider")
    assert [run(*command)[0], run(*command, f"--{found}")[0], run(*command, f"--{found}")[0]] == [2, 0, 1]
    task, last_entry = kit.task(paid.task_id), kit.ledger.audit(paid.task_id)[-1].event
    assert (len(task.reserved), int(payments.refunded(task))) == (0, refunded)
    assert (last_entry.event, last_entry.actor) == (f"refund_{entry}", OPERATOR)
    restored, _ = recovery.brought_back(paid, kit.ledger.audit(paid.task_id), "table", OPERATOR)
    assert (restored.reserved, restored.refunds) == (task.reserved, task.refunds)
