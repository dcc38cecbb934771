"""The split form: create a callback, hand out its id in a step, do other work, and wait for the result later."""

from typing import Any

from aws_durable_execution_sdk_python import CallbackExternalError, CallbackTimeoutError, StepError
from aws_durable_execution_sdk_python.config import CallbackConfig, Duration
from aws_durable_execution_sdk_python.serdes import JsonSerDes

from countersign.workflows import DurableContext, current, workflow
from patterns.decider import invoke_decider


@workflow
def handler(document: dict[str, Any], context: DurableContext) -> dict[str, Any]:
    """Return the result of `two_lambdas`; a decided order also has the number counted in the meantime."""
    order_id, seconds = document["order_id"], current().bounded(document["deadline_seconds"])
    config = CallbackConfig(timeout=Duration.from_seconds(seconds), serdes=JsonSerDes())
    callback = context.create_callback("decision", config)
    undecided = {"order_id": order_id, "decided_by": None}
    try:
        context.step(lambda _: invoke_decider(order_id, callback.callback_id), "hand out")
        counted = context.step(lambda _: len(order_id), "meanwhile")
        answer = callback.result()
    except CallbackTimeoutError:
        return {**undecided, "status": "expired"}
    except (CallbackExternalError, StepError):
        return {**undecided, "status": "failed"}
    return {**undecided, **(answer or {"status": "failed"}), "counted": counted}
