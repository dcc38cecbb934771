"""The money in the ledger, and the wait for the provider's event, which uses no compute between two looks."""

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

from aws_durable_execution_sdk_python.config import Duration
from aws_durable_execution_sdk_python.waits import WaitForConditionConfig, WaitForConditionDecision

from countersign.domain.clock import from_text
from countersign.domain.errors import TransientError
from countersign.domain.refunds import State
from countersign.services.refunds import HAND_OFF, Refunds
from countersign.workflows import (
    DurableContext,
    ExternalResult,
    ExternalTask,
    TaskWithdrawnError,
    await_result,
    current,
    to_text,
)
from countersign.workflows.serdes import CanonicalSerDes
from countersign.workflows.steps import LEDGER_STEP

_SHORTEST_SECONDS = 2


def refunds() -> Refunds:
    """Return the use case with its ports."""
    runtime = current()
    return Refunds(runtime.ledger, runtime.clock, runtime.workflow)


def carried_out(context: DurableContext, task: ExternalTask, free: Callable[[], dict[str, Any]]) -> ExternalResult:
    """Ask the worker, and return its answer.

    Args:
        context: The execution's context.
        task: The question for the worker.
        free: `Refunds.free_unmoved`.

    Raises:
        TaskWithdrawnError: The request was cancelled before the worker was asked, and the amount is free again; or an
            operator withdrew the question.
        WorkflowError: As `await_result` raises.
    """
    try:
        return await_result(context, HAND_OFF, task)
    except TaskWithdrawnError:
        context.step(lambda _: free(), "free amount", LEDGER_STEP)
        raise


def confirmed(
    context: DurableContext, look: Callable[[], dict[str, Any]], since: datetime, until: datetime
) -> dict[str, Any]:
    """Wait until the money is no longer reserved, or the deadline has passed: one operation.

    The event usually comes within seconds, and may take days. So the pauses grow: each is an eighth of the time so far.

    Args:
        context: The execution's context.
        look: Returns the report of `Refunds.look`.
        since: When the worker answered.
        until: The request's deadline.

    Returns:
        The last report.
    """

    def check(_: Any, __: Any) -> dict[str, Any]:
        try:
            return look()
        except TransientError:  # an error would end the wait
            return {"state": State.RESERVED, "at": to_text(current().clock.now())}

    def pause(found: dict[str, Any], _: int) -> WaitForConditionDecision:
        now = from_text(found["at"])
        if found["state"] != State.RESERVED or now >= until:
            return WaitForConditionDecision.stop_polling()
        seconds = max(_SHORTEST_SECONDS, (now - since).total_seconds() / 8)
        return WaitForConditionDecision.continue_waiting(
            Duration.from_seconds(math.ceil(min(seconds, max(1, (until - now).total_seconds()))))
        )

    config: WaitForConditionConfig[dict[str, Any]] = WaitForConditionConfig(pause, {}, CanonicalSerDes())
    return context.wait_for_condition(check, config, "await confirmation")
