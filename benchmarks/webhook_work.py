"""The processor time of a webhook's event, without the network, compared with that of a sample's handler.

The sample parses the body and completes the callback with boto3: no signature, dedupe, audit or strict JSON. The kit's
handler verifies and reads the event, looks up the event and its task, and writes a transaction of four items. Both run
in one process, in turn. Both get the same answers from botocore's `before-send` event, which comes after botocore has
signed a request and before it sends one.
"""

import json
import os
import statistics
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from io import StringIO
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse

from countersign.adapters.attributes import to_item
from countersign.adapters.event_items import claim_document
from countersign.testing import any_payment_task, http_event, sign_standard_webhooks

EVENTS_A_ROUND = 50
ROUNDS = 20
BOUND = 3.0
CALLS = 3
"""Calls to AWS of the kit's handler: two reads and a transaction. The sample makes one call. Botocore alone needs two
thirds of the kit's time for its three calls, so the bound holds for the time of one call.
"""

_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105  signs these events and nothing else  # nosec B105
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",  # of no account  # nosec B105
    "AWS_DEFAULT_REGION": "eu-central-1",
    "LEDGER_TABLE": "ledger",
    "BASE_URL": "https://hooks.example.com",
    "PROVIDERS": json.dumps({"pay": {"scheme": "standard_webhooks", "secret": "pay"}}),  # nosec B105
    "POWERTOOLS_METRICS_NAMESPACE": "Countersign",
    "METRICS_STAGE": "bench",
    "POWERTOOLS_SERVICE_NAME": "webhook",
}

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def measure() -> bool:
    """Print the times of both handlers and their ratio; return whether it keeps the bound."""
    os.environ.update(_ENVIRONMENT)
    with redirect_stdout(StringIO()):  # the handler writes its log and metrics there
        ours, sample = _ours(), _sample()
        for handler in (ours, sample):
            _round(handler, -1)  # creates clients, reads the secret, compiles the schemas
        pairs = [(_round(ours, number), _round(sample, number)) for number in range(ROUNDS)]
    own, other = (1e3 * statistics.median(rounds) for rounds in zip(*pairs, strict=True))
    ratio = statistics.median(one / another for one, another in pairs)
    print(f"a webhook's event, processor time without the network, medians of {ROUNDS} rounds in turn:")
    print(f"  sample: parses, completes the callback      {other:.2f} ms")
    print(f"  kit: verifies, deduplicates, audits         {own:.2f} ms  {ratio:.2f} x")
    each = f"{own / CALLS:.2f} ms  {ratio / CALLS:.2f} x (at most {BOUND:.0f})"
    print(f"  kit, for each of its {CALLS} calls to AWS         {each}")
    return ratio / CALLS <= BOUND


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
    """Return a signed event that says that the payment is paid, as API Gateway passes it on."""
    data = {"external_id": "pay_1001", "amount": "250.00", "currency": "EUR", "padding": "x" * 1500}
    body = json.dumps({"type": "payment.paid", "timestamp": "2026-03-01T08:59:58Z", "data": data})
    headers = {
        "content-type": "application/json",
        **sign_standard_webhooks(_SECRET, body.encode(), event_id, int(time.time())),
        **{f"x-header-{place}": "of the gateway" for place in range(10)},
    }
    route = {"routeKey": "POST /webhooks/{provider}", "pathParameters": {"provider": "pay"}}
    return http_event("POST", "/webhooks/pay", body, headers=headers) | route


def _ours() -> Handler:
    from countersign.functions.clients import client
    from webhook.handler import handler  # its logger keeps the standard output of this moment

    for service in ("dynamodb", "secretsmanager"):
        client(service).meta.events.register("before-send", _answer)
    made: Handler = handler
    return made


def _sample() -> Handler:
    functions = boto3.client("lambda")
    functions.meta.events.register("before-send", _answer)

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001  Lambda passes it
        payment = json.loads(event["body"])["data"]
        result = json.dumps({"status": "paid", "amount": payment["amount"], "currency": payment["currency"]})
        functions.send_durable_execution_callback_success(CallbackId="Q2FsbGJhY2stMQ==", Result=result)
        return {"statusCode": 200, "body": json.dumps({"message": "ok"})}

    return handler


def _answer(request: Any, **_: Any) -> AWSResponse:
    """Answer in the place of the network: the task is open, the event is new, and every write succeeds."""
    operation = request.headers.get("X-Amz-Target", b"").decode().partition(".")[2]
    body = SimpleNamespace(stream=lambda *_, **__: iter([_answers().get(operation, b"{}")]))
    return AWSResponse(request.url, 200, {"x-amzn-requestid": "bench"}, body)


@cache
def _answers() -> dict[str, bytes]:
    until = datetime.now(UTC) + timedelta(hours=1)
    task = replace(any_payment_task(), expires_at=until, max_expires_at=until)
    assert task.question.correlation, "a payment has an external id"
    claim = to_item(claim_document(task, task.question.correlation))
    documents = {
        "BatchGetItem": {"Responses": {"ledger": [claim]}, "UnprocessedKeys": {}},
        "GetSecretValue": {"ARN": "pay", "Name": "pay", "SecretString": json.dumps({"active": [_SECRET]})},
    }
    return {operation: json.dumps(document).encode() for operation, document in documents.items()}
