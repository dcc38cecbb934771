"""Valid data for tests, which change single fields, and events in AWS's formats."""

import base64
import dataclasses
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from urllib.parse import urlencode

from countersign.channels.messages import Message
from countersign.channels.ses_events import tags_of
from countersign.domain.answers import SIGNED
from countersign.domain.audit import GENESIS, AuditEntry
from countersign.domain.provider_events import EventStatus, ParkedEvent, ProviderEvent
from countersign.domain.questions import Attachment, Correlation, Question, Shown
from countersign.domain.rules import Decision, Outcome, Rule
from countersign.domain.strict_json import digest
from countersign.domain.tasks import Exchange, Status, Task, Vote
from countersign.services.reviews import Click
from countersign.services.waits import Wait

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
REQUESTER = "rita@example.com"
APPROVER = "maria@example.com"
OTHER_APPROVER = "otto@example.com"
TITLE = "Order 1001: 250.00 EUR"
DETAILS = (("Order", "1001"), ("Amount", "250.00 EUR"), ("Description", "Twelve office chairs"))
ATTACHMENTS = (
    Attachment("Offer.pdf", "https://files.example.com/offers/1001.pdf?version=2"),
    Attachment("Floor plan", "https://plans.example.org/7"),
)
REQUEST_ID = "order-1001"
TASK_ID = "order-1001.approval"
PAYMENT_TASK_ID = "order-1001.payment"
WORKFLOW = "order-approval"
PAYMENT_ID = "order-1001.payment"
CALLBACK_ID = "Q2FsbGJhY2stMQ+/=="
CALLER = "arn:aws:iam::111122223333:user/shop"
COMMENT = "Only if they swivel, says my back"
"""A text that must never be logged."""

_numbers = count(1)
_OF_QUESTIONS = {field.name for field in dataclasses.fields(Question)}


# Domain


def any_task(**changes: Any) -> Task:
    """Return an open task of one approver that expires an hour after NOW; changes may name fields of its question."""
    fields: dict[str, Any] = {
        "task_id": TASK_ID,
        "status": Status.OPEN,
        "expires_at": NOW + timedelta(hours=1),
        "request_id": REQUEST_ID,
        "workflow": WORKFLOW,
        "opened_by": digest(CALLBACK_ID),
        "callback_id": CALLBACK_ID,
        "audience": (APPROVER,),
        "hand_off": 1,
        "opened_at": NOW,
        "max_expires_at": NOW + timedelta(days=1),
    } | changes
    question = any_question(**{name: fields.pop(name) for name in _OF_QUESTIONS & fields.keys()})
    fields.setdefault("shown", question.digest(fields.get("submitted_by", "")))
    return Task(question=question, **fields)


def any_decided_task(decision: Decision = Decision.APPROVE, **changes: Any) -> Task:
    """Return a task that its approver decided a minute after NOW."""
    at = NOW + timedelta(minutes=1)
    fields: dict[str, Any] = {
        "status": Status.DECIDED,
        "revision": 1,
        "votes": {APPROVER: Vote(decision, "Go ahead", at)},
        "outcome": Outcome.APPROVED if decision is Decision.APPROVE else Outcome.REJECTED,
        "decided_by": (APPROVER,),
        "decided_at": at,
    }
    return any_task(**fields | changes)


def any_exchange(**changes: Any) -> Exchange:
    """Return an exchange in which the approver sent the task back at NOW, and the requester has not answered."""
    fields: dict[str, Any] = {"by": APPROVER, "comment": "Which chairs?", "at": NOW}
    return Exchange(**fields | changes)


def any_payment_task(**changes: Any) -> Task:
    """Return an open task of a machine that waits for 250.00 EUR."""
    fields: dict[str, Any] = {
        "task_id": PAYMENT_TASK_ID,
        "workflow": "payment",
        "kind": "payment",
        "title": "",
        "details": (),
        "requester": "",
        "audience": (),
        "payload": '{"order_id":"1001"}',
        "answer_contract": "payment.answer",
        "correlation": Correlation("pay", "pay_1001", Decimal("250.00"), "EUR"),
    }
    return any_task(**fields | changes)


def any_paid_task(**changes: Any) -> Task:
    """Return the task of `any_payment_task` after its workflow read that 250.00 EUR were paid."""
    paid = {"answer": '{"amount":"250.00","currency":"EUR","status":"paid"}', "closed_at": NOW, "decided_at": NOW}
    return any_payment_task(**{"status": Status.APPLIED, "outcome": Outcome.ANSWERED} | paid | changes)


def any_event(status: str = "paid", event_id: str = "evt_1", **changes: Any) -> ProviderEvent:
    """Return a provider's event about the payment of `any_payment_task`."""
    fields: dict[str, Any] = {"external_id": "pay_1001", "amount": "250.00", "currency": "EUR"} | changes
    return ProviderEvent(event_id=event_id, status=EventStatus(status), **fields)


def any_parked(*event: str, **changes: Any) -> ParkedEvent:
    """Return a parked event; arguments as of `any_event`."""
    return ParkedEvent("pay", any_event(*event, **changes), SIGNED)


def any_click(**changes: Any) -> Click:
    """Return a click on Approve, from the page's own site, with the digest that the page showed."""
    fields: dict[str, Any] = {
        "token": any_token(),
        "decision": "approve",
        "comment": "",
        "shown": any_task().shown,
        "fetch_site": "same-origin",
        "source": "203.0.113.0/24",
    }
    return Click(**fields | changes)


def any_token(letter: str = "t") -> str:
    """Return a well-formed token."""
    return letter * 43


def any_question(**changes: Any) -> Question:
    """Return an approval's question."""
    fields: dict[str, Any] = {
        "kind": "approval",
        "title": TITLE,
        "details": DETAILS,
        "requester": REQUESTER,
    }
    return Question(**fields | changes)


def any_message(**changes: Any) -> Message:
    """Return the first message to an approver."""
    fields: dict[str, Any] = {
        "kind": "approval.requested",
        "recipient": APPROVER,
        "link": f"https://api.example.com/review?t={any_token()}",
        "deadline": NOW + timedelta(hours=1),
        "question": Shown(TITLE, DETAILS, REQUESTER, amount="250.00 EUR"),
    }
    return Message(**fields | changes)


def any_wait(**changes: Any) -> Wait:
    """Return a wait of one approver that expires an hour after NOW."""
    fields: dict[str, Any] = {
        "request_id": REQUEST_ID,
        "name": "approval",
        "first_callback_id": CALLBACK_ID,
        "expires_at": NOW + timedelta(hours=1),
        "max_expires_at": NOW + timedelta(days=1),
        "audience": (APPROVER,),
    }
    return Wait(**fields | changes)


def any_rule(kind: str = "all", **changes: Any) -> Rule:
    """Return a rule that one vote does not satisfy."""
    return Rule.from_document({"kind": kind} | changes)


def is_unbroken(entries: Iterable[AuditEntry], head: str, seq: int) -> bool:
    """Tell whether these audit entries are the whole chain that ends at a task's `audit_head` and `audit_seq`."""
    previous, expected = GENESIS, 0
    for entry in entries:
        expected += 1
        if (entry.seq, entry.previous) != (expected, previous):
            return False
        previous = entry.hash
    return (previous, expected) == (head, seq)


# Documents


def any_input(**changes: Any) -> dict[str, Any]:
    """Return a valid input of order-approval."""
    return {
        "order_id": "1001",
        "amount": "250.00",
        "currency": "EUR",
        "description": "Twelve office chairs",
        "requester": REQUESTER,
        "approvers": [APPROVER],
    } | changes


def any_request(**changes: Any) -> dict[str, Any]:
    """Return a valid body of `POST /requests`."""
    return {"workflow": WORKFLOW, "request_id": REQUEST_ID, "input": any_input()} | changes


def any_envelope(**changes: Any) -> dict[str, Any]:
    """Return the envelope of an approval's first hand-off."""
    return {
        "version": 1,
        "kind": "approval.requested",
        "task_id": TASK_ID,
        "request_id": REQUEST_ID,
        "workflow": WORKFLOW,
        "expires_at": "2026-03-01T10:00:00.000000Z",
        "attempt": 1,
        "task": {"title": TITLE, "recipients": [APPROVER, OTHER_APPROVER]},
    } | changes


def any_result(**changes: Any) -> dict[str, Any]:
    """Return the detail of a TaskResult with `any_paid` as the answer."""
    return {"version": 1, "task_id": PAYMENT_ID, "outcome": "succeeded", "answer": any_paid()} | changes


def any_paid(**changes: Any) -> dict[str, Any]:
    """Return a worker's answer for a completed payment."""
    return {"status": "paid", "amount": "250.00", "currency": "EUR"} | changes


# Events


def http_event(
    method: str,
    path: str,
    body: str | bytes | None = None,
    *,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    caller: str = "",
) -> dict[str, Any]:
    """Return an API Gateway event, payload format 2.0; a body of bytes is base64, as for binary media types.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    encoded = isinstance(body, bytes)
    collection, _, request_id = path.rpartition("/")
    route = f"{method} /requests/{{request_id}}" if collection == "/requests" else f"{method} {path}"
    context: dict[str, Any] = {
        "http": {
            "method": method,
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": "203.0.113.9",
            "userAgent": "test",
        },
        "requestId": "request",
        "routeKey": route,
        "stage": "$default",
    }
    if caller:
        context["authorizer"] = {"iam": {"userArn": caller}}
    return {
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": urlencode(query or {}),
        "headers": dict(headers or {}),
        "requestContext": context,
        "isBase64Encoded": encoded,
        **({"pathParameters": {"request_id": request_id}} if collection == "/requests" else {}),
        **({"queryStringParameters": dict(query)} if query else {}),
        **({"body": base64.b64encode(body).decode() if isinstance(body, bytes) else body} if body is not None else {}),
    }


def sqs_event(*bodies: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return a batch of SQS messages; their ids are `message-0`, `message-1`, …."""
    return {
        "Records": [
            {
                "messageId": f"message-{number}",
                "receiptHandle": "handle",
                "body": body if isinstance(body, str) else json.dumps(body),
                "attributes": {},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-central-1:111122223333:approvals",
                "awsRegion": "eu-central-1",
            }
            for number, body in enumerate(bodies)
        ]
    }


def stream_event(*records: Mapping[str, Any]) -> dict[str, Any]:
    """Return a batch of DynamoDB stream records."""
    return {"Records": list(records)}


def stream_record(new: Mapping[str, Any] | None, old: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a stream record of one item; images are in DynamoDB's JSON."""
    image: Mapping[str, Any] = new or old or {}
    images = {name: dict(item) for name, item in (("NewImage", new), ("OldImage", old)) if item}
    return {
        "eventID": "event",
        "eventName": "INSERT" if not old else "MODIFY" if new else "REMOVE",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-central-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_772_355_600,
            "Keys": {name: image[name] for name in ("pk", "sk")},
            "SequenceNumber": f"{next(_numbers):021}",
            "StreamViewType": "NEW_AND_OLD_IMAGES",
            **images,
        },
    }


def sequence_numbers(event: Mapping[str, Any]) -> list[str]:
    """Return the sequence numbers that name these stream records in a partial batch response."""
    return [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]


def execution_arn(request_id: str = REQUEST_ID, run: str = "1") -> str:
    """Return the ARN of a durable execution."""
    function = "arn:aws:lambda:eu-central-1:111122223333:function:order-approval:1"
    return f"{function}/durable-execution/{request_id}/{run}"


def status_change(status: str, request_id: str = REQUEST_ID, run: str = "1") -> dict[str, Any]:
    """Return Lambda's event for a durable execution's new status."""
    return {
        "version": "0",
        "id": "event",
        "detail-type": "Durable Execution Status Change",
        "source": "aws.lambda",
        "detail": {
            "durableExecutionArn": execution_arn(request_id, run),
            "durableExecutionName": request_id,
            "functionArn": execution_arn(request_id, run).split("/")[0],
            "status": status,
        },
    }


def ses_event(event_type: str = "Bounce", *, task_id: str = TASK_ID, **detail: Any) -> dict[str, Any]:
    """Return EventBridge's event for a mail about a task, as SES documents it; by default, a hard bounce.

    https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-examples.html
    """
    recipient = {"emailAddress": APPROVER, "action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1"}
    documents: dict[str, tuple[str, str, dict[str, Any]]] = {
        "Bounce": (
            "Email Bounced",
            "bounce",
            {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": [recipient]},
        ),
        "Complaint": (
            "Email Complaint Received",
            "complaint",
            {"complainedRecipients": [{"emailAddress": APPROVER}], "complaintFeedbackType": "abuse"},
        ),
        "Reject": ("Email Rejected", "reject", {"reason": "Bad content"}),
        "DeliveryDelay": (
            "Email Delivery Delayed",
            "deliveryDelay",
            {"delayType": "MailboxFull", "delayedRecipients": [{"emailAddress": APPROVER, "status": "4.2.2"}]},
        ),
    }
    detail_type, member, document = documents[event_type]
    tags = {tag["Name"]: [tag["Value"]] for tag in tags_of(task_id)}
    mail = {
        "timestamp": "2026-03-01T09:00:00.000Z",
        "source": "Approvals <approvals@example.com>",
        "sendingAccountId": "111122223333",
        "messageId": "EXAMPLE7c191be45-e9aedb9a-02f9-4d12-a87d-dd0099a07f8a-000000",
        "destination": [APPROVER],
        "headersTruncated": False,
        "tags": {"ses:operation": ["SendEmail"], "ses:configuration-set": ["countersign-dev-mails"], **tags},
    }
    event = {"eventType": event_type, "mail": mail, member: document | detail}
    return task_result(event, **{"source": "aws.ses", "detail-type": detail_type})


def task_result(detail: Any = None, **changes: Any) -> dict[str, Any]:
    """Return EventBridge's event for a machine's answer."""
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": "TaskResult",
        "source": "com.example.payments",
        "account": "111122223333",
        "time": "2026-03-01T09:00:00Z",
        "region": "eu-central-1",
        "resources": [],
        "detail": any_result() if detail is None else detail,
    } | changes
