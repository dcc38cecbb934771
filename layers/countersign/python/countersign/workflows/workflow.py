"""The decorator for workflow authors: a durable function that takes a request and records its result in the ledger."""

import functools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from aws_durable_execution_sdk_python import DurableContext, StepContext, durable_execution

from countersign.domain.requests import RequestStatus
from countersign.functions.log import logger
from countersign.workflows.runtime import current
from countersign.workflows.steps import LEDGER_STEP

RECORD_RESULT = "record result"
"""Name of every workflow's last operation."""

Body = Callable[[dict[str, Any], DurableContext], dict[str, Any]]


class Execution(NamedTuple):
    """A durable execution, the same on each replay.

    Attributes:
        request_id: The request's id, which is the execution's name.
        started_at: When Lambda started the execution, in UTC, in whole seconds.
        submitted_by: IAM ARN of the caller who submitted the request; empty if unknown.
    """

    request_id: str
    started_at: datetime
    submitted_by: str = ""


def workflow(body: Body) -> Callable[[Any, Any], Any]:
    """Turn a function from the request's input to its result into a durable handler.

    The handler is invoked with `{"request_id", "workflow", "submitted_by", "input"}`. Its last step records the result,
    which must be plain JSON values. If the workflow raises, its place in the code is the `StackTrace` of the
    execution's error, where Lambda's own runtime puts it: the SDK leaves it empty.
    """
    traces: dict[int, list[str]] = {}

    @functools.wraps(body)
    def handler(event: dict[str, Any], context: DurableContext) -> dict[str, Any]:
        try:
            result = body(event["input"], context)
            context.step(lambda step: _record(step, event["request_id"], result), RECORD_RESULT, LEDGER_STEP)
        except Exception as error:
            from countersign.workflows.failures import Failed

            failed = Failed.of(error, body.__module__)
            traces[id(context.lambda_context)] = failed.trace
            invocation = getattr(context.lambda_context, "aws_request_id", None)  # the traceback's line has it too
            about = {"request_id": event["request_id"], "function_request_id": invocation}
            logger.error("workflow raised", **about, error=failed.name, at=failed.at)
            raise
        return result

    execute = durable_execution(handler)

    @functools.wraps(body)
    def invoked(event: Any, context: Any) -> Any:
        output = execute(event, context)
        trace = traces.pop(id(context), None)
        if trace and "Error" in output:
            output["Error"]["StackTrace"] = trace
        return output

    return invoked


def execution_of(context: DurableContext) -> Execution:
    """Return the execution of a context, which may be a child context.

    Raises:
        LookupError: The execution was not started with a request.
    """
    operation = context.state.get_execution_operation()
    payload = json.loads(context.state.get_input_payload() or "null")
    if operation is None or operation.start_timestamp is None or not isinstance(payload, dict):
        raise LookupError("the execution has no request; start it with POST /requests")
    # Whole seconds: the first invocation and a replay get the same moment with different precision, and the number of
    # callbacks depends on it.
    started_at = operation.start_timestamp.astimezone(UTC).replace(microsecond=0)
    return Execution(str(payload["request_id"]), started_at, str(payload.get("submitted_by", "")))


def _record(step: StepContext, request_id: str, result: dict[str, Any]) -> None:
    runtime = current()
    runtime.ledger.finish(request_id, runtime.workflow, RequestStatus.SUCCEEDED, result, runtime.clock.now())
    # The SDK's logger adds the execution and the operation.
    step.logger.info("result recorded", extra={"request_id": request_id, "workflow": runtime.workflow})
