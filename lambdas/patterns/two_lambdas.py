"""Two Lambdas: invoke a plain function with the callback's id; that function completes the callback.

It uses the raw SDK, without the ledger: every principal that may complete the callback decides. `grant_callbacks` gives
that right only to the plain function.
"""

from typing import Any

from aws_durable_execution_sdk_python import CallbackExternalError, CallbackSubmitterError, CallbackTimeoutError
from aws_durable_execution_sdk_python.config import Duration, WaitForCallbackConfig
from aws_durable_execution_sdk_python.retries import RetryStrategyConfig, create_retry_strategy
from aws_durable_execution_sdk_python.serdes import JsonSerDes

from countersign.workflows import DurableContext, current, workflow
from patterns.decider import invoke_decider

INVOKING = create_retry_strategy(RetryStrategyConfig(max_attempts=3, initial_delay=Duration.from_seconds(1)))


@workflow
def handler(document: dict[str, Any], context: DurableContext) -> dict[str, Any]:
    """Return the plain function's decision, `failed` or `expired`."""
    order_id, seconds = document["order_id"], current().bounded(document["deadline_seconds"])
    timeout = Duration.from_seconds(seconds)
    config = WaitForCallbackConfig(timeout=timeout, serdes=JsonSerDes(), retry_strategy=INVOKING)
    try:
        answer = context.wait_for_callback(
            lambda callback_id, _: invoke_decider(order_id, callback_id), "decision", config
        )
    except CallbackTimeoutError:
        return {"order_id": order_id, "status": "expired", "decided_by": None}
    except (CallbackExternalError, CallbackSubmitterError):
        return {"order_id": order_id, "status": "failed", "decided_by": None}
    return {"order_id": order_id, "decided_by": None, **(answer or {"status": "failed"})}
