"""The plain Lambda of `two_lambdas` and `split_callback`: decides an order, and completes the callback itself."""

import contextlib
import json
import os
from functools import cache
from typing import Any

import boto3

DECIDED_BY = "decider"
UNKNOWN_ORDER = "UnknownOrder"


@cache
def lambda_client() -> Any:
    """Return the Lambda client, made on first use. It gives up before the function times out."""
    retries = {"mode": "standard", "total_max_attempts": 2}
    config = boto3.session.Config(connect_timeout=1, read_timeout=4, retries=retries)
    return boto3.client("lambda", config=config)


def invoke_decider(order_id: str, callback_id: str) -> None:
    """Invoke the plain Lambda asynchronously. The callback's id is only in the invocation, never in a log."""
    payload = json.dumps({"order_id": order_id, "callback_id": callback_id})
    lambda_client().invoke(FunctionName=os.environ["DECIDER"], InvocationType="Event", Payload=payload.encode())


def handler(event: dict[str, Any], context: Any) -> None:  # noqa: ARG001  Lambda passes it
    """Lambda's entry: complete the callback, unless it is closed: Lambda may deliver an invocation twice."""
    callbacks = lambda_client()
    with contextlib.suppress(callbacks.exceptions.CallbackTimeoutException):
        _decide(callbacks, event["order_id"], event["callback_id"])


def _decide(callbacks: Any, order_id: str, callback_id: str) -> None:
    """Complete the callback with a decision or a failure, or leave it open, depending on the order's id."""
    if order_id.startswith("silent"):
        return
    if order_id.startswith("unknown"):
        error = {"ErrorType": UNKNOWN_ORDER, "ErrorMessage": "there is no such order"}
        callbacks.send_durable_execution_callback_failure(CallbackId=callback_id, Error=error)
        return
    status = "rejected" if order_id.startswith("reject") else "approved"
    answer = json.dumps({"status": status, "decided_by": DECIDED_BY})
    callbacks.send_durable_execution_callback_success(CallbackId=callback_id, Result=answer.encode())
