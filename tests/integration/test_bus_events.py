"""The results function: answers of machines on the kit's bus, events of partners, and its dead letters."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from bus_events.handler import handler
from bus_events.reasons import REASONS
from countersign.domain.questions import Collecting, Correlation
from countersign.domain.rules import Outcome
from countersign.domain.tasks import MAX_ANSWERS, Replacement, Status, Task
from countersign.testing.builders import APPROVER, NOW, PAYMENT_ID, REQUESTER, any_result, ses_event, task_result
from countersign.testing.deliveries import any_payment_intent
from tests.integration.conftest import Answer, Kit, Operation, answering, on_queue
from tests.integration.output import Output

SOURCE = "com.example.payments"
PARTNER_SOURCE = "aws.partner/stripe.com/ed_1001"
INTENT = "pi_3MtwBwLkdIwHu7ix28a3tqPa"
REFUSED_ANSWER = task_result(any_result(answer={"status": "maybe"}))

run = on_queue(handler)


@pytest.fixture(autouse=True)
def _environment_of_the_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTNERS", json.dumps({PARTNER_SOURCE: {"name": "stripe", "scheme": "stripe"}}))


def letters(dead_letters: Operation) -> list[tuple[str, str, str]]:
    """Return the reason, the detail and the body of each dead letter."""
    found = [(document["MessageAttributes"], document["MessageBody"]) for document in dead_letters.documents]
    return [
        (attributes["reason"]["StringValue"], attributes.get("detail", {}).get("StringValue", ""), body)
        for attributes, body in found
    ]


@pytest.fixture
def payment(kit: Kit, dead_letters: Operation) -> Task:
    """An open payment of a partner."""
    return kit.open_task(
        task_id=PAYMENT_ID,
        kind="payment",
        audience=(),
        payload='{"order_id":"1001"}',
        answer_contract="payment.answer",
        correlation=Correlation("stripe", INTENT, Decimal("250.00"), "EUR"),
    )


def from_partner(body: bytes, **changes: Any) -> dict[str, Any]:
    """Return a partner's event: its detail is the provider's document."""
    detail = json.loads(body)
    return task_result(detail, **{"source": PARTNER_SOURCE, "detail-type": detail["type"]}) | changes


# Answers of machines


def test_an_answer_decides_its_task_in_the_name_of_the_events_source(
    kit: Kit, payment: Task, dead_letters: Operation
) -> None:
    assert run(task_result()) == []
    task = kit.task(PAYMENT_ID)
    assert (task.status, task.outcome, task.decided_by) == (Status.DECIDED, Outcome.ANSWERED, (SOURCE,))
    event = kit.audit(PAYMENT_ID)[-1].event
    assert (event.event, event.actor, event.identified_by) == ("decided", SOURCE, "event bus")
    assert dead_letters.asked == []


@pytest.mark.parametrize(
    "answer", [{"answer": {"secret": "hunter2"}}, {"outcome": "failed", "error": {"code": "hunter2"}}]
)
def test_an_answer_to_an_encrypted_task_is_refused_and_stored_nowhere(
    kit: Kit, dead_letters: Operation, answer: dict[str, Any], output: Output
) -> None:
    kit.open_payment(correlation=None, answer_contract="", encrypted=True)
    assert run(task_result({"version": 1, "task_id": PAYMENT_ID, "outcome": "succeeded"} | answer)) == []
    assert dead_letters.asked == []
    assert "hunter2" not in str(kit.items()) + output.new().text
    assert kit.task(PAYMENT_ID).status is Status.OPEN


# Dead letters


def fail(_: Kit) -> None:
    failed = {"version": 1, "task_id": PAYMENT_ID, "outcome": "failed", "error": {"code": "no_funds"}}
    assert run(task_result(failed)) == []


def expire(kit: Kit) -> None:
    kit.expire(PAYMENT_ID)


def replace_too_often(kit: Kit) -> None:
    kinds = Collecting("kind", ("a", "b"))
    spent = {"collecting": kinds, "received": ("a",), "revision": MAX_ANSWERS * len(kinds.required)}
    kit.open_payment(task_id="order-3.documents", correlation=None, answer_contract="", **spent)


def nothing(_: Kit) -> None:
    """Leave the task open."""


ANOTHER_PAGE = any_result(task_id="order-3.documents", answer={"kind": "a", "page": 2})
REFUSED: list[tuple[str, Callable[[Kit], None], Any]] = [
    ("unknown_task", nothing, task_result(any_result(task_id="order-1002.payment"))),
    ("closed", expire, task_result()),
    ("decided_otherwise", fail, task_result()),
    ("answer_refused", nothing, REFUSED_ANSWER),
    ("too_many_answers", replace_too_often, task_result(ANOTHER_PAGE)),
    ("malformed", nothing, "not JSON"),
    ("malformed", nothing, task_result(any_result(error={"code": "both"}))),
    ("malformed", nothing, from_partner(any_payment_intent(), detail="text")),
    ("malformed", nothing, from_partner(any_payment_intent(), source="aws.partner/stripe.com/other")),
    ("malformed", nothing, {"source": "aws.ses", "detail": {"eventType": 1}}),
    ("too_large", nothing, "x" * 262_145),
]


@pytest.mark.parametrize(("reason", "before", "event"), REFUSED, ids=[reason for reason, *_ in REFUSED])
def test_an_event_that_no_retry_can_fix_goes_to_the_dead_letters_with_the_reason(
    kit: Kit, payment: Task, dead_letters: Operation, reason: str, before: Callable[[Kit], None], event: Any
) -> None:
    before(kit)
    status = kit.task(PAYMENT_ID).status
    assert run(event) == []
    ((why, _, body),) = letters(dead_letters)
    assert (why, body) == (reason, event if isinstance(event, str) else json.dumps(event))
    assert kit.task(PAYMENT_ID).status is status


def test_every_reason_has_a_case_here() -> None:
    assert {reason for reason, *_ in REFUSED} | {"encrypted"} == set(REASONS.values())


def test_the_detail_of_a_refused_answer_is_the_place_without_the_value(
    kit: Kit, payment: Task, dead_letters: Operation
) -> None:
    run(REFUSED_ANSWER)
    ((_, detail, _),) = letters(dead_letters)
    assert (detail.startswith("/status: "), "maybe" in detail) == (True, False)
    assert kit.audited(PAYMENT_ID)[-1] == "refused"


# Mails


@pytest.mark.parametrize(
    ("event", "audited", "metric"),
    [
        (ses_event("Bounce"), ("bounced", "permanent", "General 5.1.1"), "MailsBounced"),
        (ses_event("Bounce", bounceType="Transient"), ("bounced", "transient", "General 5.1.1"), "MailsDelayed"),
        (ses_event("Complaint"), ("complained", "abuse", ""), "MailsComplained"),
        (ses_event("Reject"), ("mail_rejected", "", "Bad content"), "MailsBounced"),
        (ses_event("DeliveryDelay"), ("delayed", "mailboxfull", "4.2.2"), "MailsDelayed"),
    ],
)
def test_a_report_about_a_mail_is_audited_and_counted_once_and_only_a_hard_bounce_counts_on_the_task(
    kit: Kit, dead_letters: Operation, output: Output, event: dict[str, Any], audited: tuple[str, str, str], metric: str
) -> None:
    kit.open_task()
    assert run(event, event | {"id": "delivered-again"}) == []
    (entry,) = (each.event for each in kit.audit() if each.event.event != "opened")
    name, kind, reason = audited
    assert (entry.event, entry.actor, entry.identified_by) == (name, "aws.ses", "event bus")
    message_id = event["detail"]["mail"]["messageId"]
    assert entry.data == {"recipient": APPROVER, "kind": kind, "reason": reason, "message_id": message_id}
    assert (kit.task().status, kit.task().bounced) == (Status.OPEN, int(kind == "permanent"))
    assert (output.new().counts, dead_letters.asked) == ({metric: 1, "ResultsDuplicate": 1}, [])


@pytest.mark.parametrize(
    "changes",
    [{"tells_requester": True}, {"replaced": (Replacement(REQUESTER, APPROVER, NOW, "She left"),)}],
    ids=["the requester", "a person who is no longer asked"],
)
def test_a_bounce_to_somebody_who_is_not_asked_raises_the_alarm_and_brings_no_escalation_forward(
    kit: Kit, dead_letters: Operation, output: Output, changes: dict[str, Any]
) -> None:
    kit.open_task(**changes)
    event = ses_event()
    event["detail"]["mail"]["destination"] = [REQUESTER]
    assert (run(event), kit.audited(), kit.task().bounced) == ([], ["opened", "bounced"], 0)
    assert output.new().counts == {"MailsBounced": 1}


def test_what_a_mail_server_says_is_not_stored_since_it_can_quote_the_link(
    kit: Kit, dead_letters: Operation, output: Output
) -> None:
    link = f"https://api.example.com/review?t={'t' * 43}"
    recipient = {"emailAddress": APPROVER, "status": "t" * 43, "diagnosticCode": f"smtp; 550 blocked {link}"}
    kit.open_task()
    run(ses_event(bounceSubType=link, bouncedRecipients=[recipient]))
    assert kit.task().bounced == 1
    assert "t" * 43 not in str(kit.items()) + output.new().text


@pytest.mark.parametrize(
    "mail",
    [
        {"tags": {}},
        {"tags": {"countersign_request": ["order-1002"], "countersign_wait": ["YXBwcm92YWw"]}},
        {"destination": ["nobody@example.net"]},
        {"destination": [APPROVER, "nobody@example.net"]},
    ],
    ids=["without tags", "about a purged task", "to a person who was not asked", "to several people"],
)
def test_a_report_about_a_mail_that_the_kit_did_not_send_or_a_purged_task_is_ignored(
    kit: Kit, dead_letters: Operation, mail: dict[str, Any]
) -> None:
    kit.open_task()
    event, before = ses_event(), kit.items()
    event["detail"]["mail"] |= mail
    assert (run(event), kit.items(), dead_letters.asked) == ([], before, [])


# Outages


@pytest.mark.parametrize("operation", ["BatchGetItem", "TransactWriteItems"])
def test_without_the_ledger_an_event_is_retried_and_blocks_no_other(
    kit: Kit, payment: Task, dead_letters: Operation, operation: str
) -> None:
    with answering("dynamodb", operation, Answer(500, "InternalServerError")):
        assert run(task_result(), "not JSON") == ["message-0"]
    assert ([reason for reason, *_ in letters(dead_letters)], run(task_result())) == (["malformed"], [])
    assert kit.task(PAYMENT_ID).status is Status.DECIDED


@pytest.mark.parametrize("answer", [Answer(403, "AccessDenied"), Answer(500, "InternalError"), OSError("broken")])
def test_a_dead_letter_that_cannot_be_sent_is_retried(
    kit: Kit, payment: Task, dead_letters: Operation, answer: Answer | Exception
) -> None:
    with answering("sqs", "SendMessage", answer):
        assert run("not JSON", task_result()) == ["message-0"]
    assert kit.task(PAYMENT_ID).status is Status.DECIDED
    assert (run("not JSON"), len(letters(dead_letters))) == ([], 1)


# Partners


def test_a_partners_event_decides_the_payment_in_the_partners_name(
    kit: Kit, payment: Task, dead_letters: Operation
) -> None:
    assert run(from_partner(any_payment_intent())) == []
    task = kit.task(PAYMENT_ID)
    assert (task.status, task.decided_by) == (Status.DECIDED, ("stripe",))
    event = kit.audit(PAYMENT_ID)[-1].event
    assert (event.event, event.actor, event.identified_by) == ("decided", "stripe", "partner event bus")
    assert (run(from_partner(any_payment_intent(), id="delivered-again")), dead_letters.asked) == ([], [])


def test_a_partners_event_of_another_type_is_ignored_and_counted(
    kit: Kit, payment: Task, dead_letters: Operation, output: Output
) -> None:
    before = kit.items()
    assert run(from_partner(any_payment_intent("customer.created"))) == []
    assert (kit.items(), dead_letters.asked, output.new().counts) == (before, [], {"ResultsIgnored": 1})


def test_the_event_of_a_partner_with_an_unknown_scheme_is_retried(
    kit: Kit, payment: Task, dead_letters: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARTNERS", json.dumps({PARTNER_SOURCE: {"name": "stripe", "scheme": "stripes"}}))
    assert (run(from_partner(any_payment_intent())), dead_letters.asked) == (["message-0"], [])
