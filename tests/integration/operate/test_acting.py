"""extend, withdraw, resend, ring: each under the ledger's conditions, each audited with who did it."""

import json

import pytest

from approver.handler import handler as approve
from countersign.domain.rules import Outcome, Rule
from countersign.domain.tasks import Status
from countersign.testing.builders import (
    APPROVER,
    CALLBACK_ID,
    OTHER_APPROVER,
    PAYMENT_ID,
    TASK_ID,
    sqs_event,
    stream_event,
)
from publisher.handler import handler as publish
from relay.handler import handler as relay
from tests.integration.conftest import Answer, Kit, Operation, answering
from tests.integration.operate.conftest import OPERATOR, Run

REFUSED = Answer(400, "InvalidParameterValueException")
CLOSED = Answer(400, "CallbackTimeoutException")


def last(kit: Kit, event: str) -> dict[str, object]:
    entry = next(entry.event for entry in reversed(kit.audit()) if entry.event.event == event)
    assert (entry.actor, entry.identified_by) == (OPERATOR, "iam")
    return dict(entry.data)


# extend


@pytest.mark.parametrize(("by", "seconds"), [("600", 600), ("2h", 7_200)])
def test_a_deadline_is_moved_by_seconds_or_a_span(kit: Kit, run: Run, by: str, seconds: int) -> None:
    before = kit.open_task()
    status, out, _ = run("extend", TASK_ID, "--by", by, "--json")
    assert status == 0
    after = kit.task()
    assert (after.expires_at - before.expires_at).total_seconds() == seconds
    assert json.loads(out)["task_id"] == TASK_ID
    assert last(kit, "extended")["until"] == json.loads(out)["expires_at"]


# withdraw


def test_a_withdrawn_task_is_closed_and_its_workflow_hears_at_once(kit: Kit, run: Run, callbacks: Operation) -> None:
    kit.open_task()
    assert run("withdraw", TASK_ID, "--because", "ordered twice")[:2] == (0, f"{TASK_ID} is withdrawn\n")
    task = kit.task()
    assert (task.status, task.closed_because) == (Status.CANCELLED, "withdrawn_by_operator")
    assert last(kit, "cancelled") == {"reason": "withdrawn_by_operator", "comment": "ordered twice"}
    assert kit.audited()[-2:] == ["cancelled", "rung"]
    assert len(callbacks.asked) == 1


def test_who_withdraws_is_told_when_the_workflow_could_not_hear_and_can_ring_again(
    kit: Kit, run: Run, callbacks: Operation
) -> None:
    kit.open_task()
    callbacks.answers = [REFUSED]
    status, out, errors = run("withdraw", TASK_ID, "--because", "ordered twice")
    assert (status, out) == (4, f"{TASK_ID} is withdrawn\n")
    assert f"`ring {TASK_ID}`" in errors
    assert run("ring", TASK_ID)[0] == 0


def test_a_decision_made_before_wins_over_a_withdrawal(kit: Kit, run: Run, callbacks: Operation) -> None:
    kit.open_task()
    kit.decide()
    status, _, errors = run("withdraw", TASK_ID, "--because", "ordered twice")
    assert status == 1
    assert "not open any more" in errors
    assert kit.task().status is Status.DECIDED
    assert callbacks.asked == []


@pytest.mark.parametrize("because", ["", "  ", "x" * 501])
def test_a_withdrawal_says_why(kit: Kit, run: Run, because: str) -> None:
    before = kit.open_task()
    assert run("withdraw", TASK_ID, "--because", because)[0] == 2
    assert kit.task() == before


# resend


def delivered(kit: Kit) -> None:
    """Let the publisher send what lies in the outbox, and the approver mail it."""
    for record in kit.stream():
        if record["dynamodb"]["Keys"]["sk"]["S"].startswith("OUTBOX#") and record["eventName"] == "INSERT":
            publish(stream_event(record), None)


def test_those_who_have_not_voted_get_a_fresh_link_each_and_nobody_else(
    kit: Kit, run: Run, events: Operation, mails: Operation
) -> None:
    kit.open_task(audience=(APPROVER, OTHER_APPROVER), rule=Rule.from_document({"kind": "all"}))
    kit.decide()
    kit.stream()
    assert run("resend", TASK_ID)[:2] == (0, f"{TASK_ID}: a reminder goes to {OTHER_APPROVER}\n")
    assert last(kit, "resent")["to"] == [OTHER_APPROVER]
    delivered(kit)
    (put,) = events.documents
    (event,) = put["Entries"]
    assert event["DetailType"] == "approval.reminder"
    for _ in range(2):  # a queue may deliver twice
        approve(sqs_event(json.loads(event["Detail"])), None)
    (mail,) = mails.documents
    assert mail["Destination"]["ToAddresses"] == [OTHER_APPROVER]


def test_a_second_reminder_of_an_operator_is_another_mail_and_leaves_the_workflow_its_own_numbers(
    kit: Kit, run: Run, events: Operation, mails: Operation
) -> None:
    before = kit.open_task()
    for _ in range(2):
        kit.stream()
        assert run("resend", TASK_ID)[0] == 0
        delivered(kit)
        approve(sqs_event(json.loads(events.documents[-1]["Entries"][0]["Detail"])), None)
    assert len(mails.documents) == 2
    after = kit.task()
    assert (after.hand_off, after.callback_id) == (before.hand_off, before.callback_id)


def test_nobody_is_reminded_of_a_task_that_is_closed_or_a_machine_s(kit: Kit, run: Run) -> None:
    kit.open_payment()
    status, _, errors = run("resend", PAYMENT_ID)
    assert status == 1
    assert "a machine is asked" in errors
    kit.open_task()
    kit.decide()
    assert run("resend", TASK_ID)[0] == 1
    assert run("resend", "order-9.approval")[0] == 1
    assert not [key for key in kit.items() if key[1].startswith("OUTBOX#")]


# ring


def test_the_workflow_of_a_decided_task_is_rung_as_the_relay_does(kit: Kit, run: Run, callbacks: Operation) -> None:
    kit.open_task()
    kit.decide()
    assert run("ring", TASK_ID)[:2] == (0, f"{TASK_ID}: its workflow was rung\n")
    (asked,) = callbacks.asked
    assert "succeed" in asked.url
    assert last(kit, "rung") == {"state": "delivered", "error": ""}
    ring = kit.task().ring
    assert ring
    assert ring.state == "delivered"


def test_a_ring_after_the_relay_s_is_audited_and_downgrades_nothing(kit: Kit, run: Run, callbacks: Operation) -> None:
    kit.open_task()
    kit.decide()
    relay(stream_event(*kit.decisions()), None)
    rung = kit.task().ring
    callbacks.answers = [CLOSED]
    status, out, _ = run("ring", TASK_ID, "--json")
    assert (status, json.loads(out)["state"]) == (0, "closed")
    assert last(kit, "rung") == {"state": "closed", "error": "CallbackTimeoutException"}
    assert kit.task().ring == rung


def test_a_ring_that_lambda_refuses_ends_with_one_and_says_what_to_look_at(
    kit: Kit, run: Run, callbacks: Operation
) -> None:
    kit.open_task()
    kit.decide()
    callbacks.by_default = Answer(403, "AccessDeniedException")
    status, out, errors = run("ring", TASK_ID)
    assert status == 1
    assert "lambda:SendDurableExecutionCallback" in errors
    assert CALLBACK_ID not in out + errors


def test_lambda_that_is_throttled_ends_with_four(kit: Kit, run: Run, callbacks: Operation) -> None:
    kit.open_task()
    kit.decide()
    callbacks.by_default = Answer(429, "TooManyRequestsException")
    assert run("ring", TASK_ID)[0] == 4


def test_a_technical_failure_is_rung_as_one(kit: Kit, run: Run, aws: None) -> None:
    kit.open_payment()
    kit.set(PAYMENT_ID, "status", Status.DECIDED.value)
    kit.set(PAYMENT_ID, "outcome", Outcome.FAILED.value)
    with answering("lambda", "SendDurableExecutionCallbackFailure", Answer()) as failures:
        assert run("ring", PAYMENT_ID)[0] == 0
    assert len(failures.asked) == 1


@pytest.mark.parametrize("task_id", [TASK_ID, "order-9.approval"])
def test_nothing_is_rung_for_an_open_or_unknown_task(kit: Kit, run: Run, callbacks: Operation, task_id: str) -> None:
    kit.open_task()
    assert run("ring", task_id)[0] == 1
    assert callbacks.asked == []
