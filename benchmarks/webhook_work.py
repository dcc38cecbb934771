"""The time of a signed event on the embedded cloud, and its calls to DynamoDB.

Each event says that a waiting payment is paid. The times are the emulator's, from the POST to the response. The calls
are those of the handler in this process, with the variables of the deployed function.
"""

import os
import statistics
from contextlib import redirect_stdout
from http import HTTPStatus
from io import StringIO
from typing import Any
from unittest.mock import patch

from benchmarks.clients import a_cloud, deployed, timed
from benchmarks.waiting import put_payments
from countersign.testing import http_event
from local.demo.sandbox import PROVIDER, Event, Payment, signed
from operate.embedded import aws, http
from operate.embedded.cloud import Cloud

EVENTS = 500
CALLS = 2
"""The bound of the calls to DynamoDB: one that reads, and the transaction. A test owns the rule."""


def measure() -> bool:
    """Print the times of the events and the calls of one; return whether the calls keep their bound."""
    payments = [Payment(f"pay-{number}", "250.00", "EUR") for number in range(EVENTS + 1)]
    with a_cloud() as (_, cloud):
        put_payments(cloud, payments)
        events = [Event.of(payment, "paid") for payment in payments]
        calls = _calls(cloud, events.pop())
        milliseconds = [_posted(cloud, event) for event in events]
    cuts = statistics.quantiles(milliseconds, n=100)
    print(f"a webhook's event on the embedded cloud, {EVENTS} of known payments, one after the other:")
    print(f"  from the POST to the response               p50 {cuts[49]:.0f} ms  p99 {cuts[98]:.0f} ms")
    print(f"  calls to DynamoDB                           {', '.join(calls)}: {len(calls)} (at most {CALLS})")
    return len(calls) <= CALLS


def _posted(cloud: Cloud, event: Event) -> float:
    """Post an event, and return the milliseconds until it is recorded."""
    url = f"{cloud.api_url}/webhooks/{PROVIDER}"
    headers = signed(event, cloud.providers[PROVIDER])
    milliseconds, answer = timed(lambda: http.send("POST", url, event.body, headers))
    if answer.status != HTTPStatus.OK:
        raise RuntimeError(f"an event of the benchmark was answered {answer.status} {answer.text[:200]}")
    return milliseconds


def _calls(cloud: Cloud, event: Event) -> list[str]:
    """Have the handler take an event in this process, and return its operations on DynamoDB."""
    variables = deployed(cloud, "webhook")["Environment"]["Variables"] | aws.variables(cloud.endpoint_url)
    calls: list[str] = []

    def note(operation_name: str, **_: Any) -> None:
        calls.append(operation_name)

    headers = signed(event, cloud.providers[PROVIDER])
    posted = http_event("POST", f"/webhooks/{PROVIDER}", event.body.decode(), headers=headers)
    route = {"routeKey": "POST /webhooks/{provider}", "pathParameters": {"provider": PROVIDER}}
    with patch.dict(os.environ, variables), redirect_stdout(StringIO()):
        from countersign.functions.clients import client
        from webhook.handler import handler

        client("dynamodb").meta.events.register("request-created.dynamodb", note)
        answer = handler(posted | route, None)
    if answer["statusCode"] != HTTPStatus.OK:
        raise RuntimeError(f"an event of the benchmark was answered {answer}")
    return calls
