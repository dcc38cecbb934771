"""What a checkpoint writes into an execution's operations."""
# mypy: disable-error-code="import-not-found"
# ruff: noqa: SLF001

from __future__ import annotations

from typing import Any

from ministack.services import lambda_durable

Record = dict[str, Any]
"""A durable execution as MiniStack keeps it."""


def ignore_zero_timeouts() -> None:
    """Take a callback timeout of 0 seconds for none.

    Upstream ends a callback with `HeartbeatTimeoutSeconds: 0`, which the SDK always sends, as soon as it starts. On AWS
    0 means that there is no such timeout (the model: `CallbackOptions`).
    """
    apply = lambda_durable._apply_update

    def apply_update(record: Record, update: Record) -> None:
        options = update.get("CallbackOptions") or {}
        set_options = {name: seconds for name, seconds in options.items() if seconds}
        apply(record, {**update, "CallbackOptions": set_options} if options else update)

    lambda_durable._apply_update = apply_update


def count_step_retries() -> None:
    """Count the attempts of a step, and let it wait for the next one as PENDING.

    Upstream leaves a step that is to be tried again STARTED at attempt 0: the SDK sees a first attempt every time, so
    that a step which always fails is tried for ever. On AWS it is PENDING, with the attempt counted and the time of the
    next one, and READY from then on (the model: `StepDetails`; the runner: `checkpoint/processors/step.py`). Polling
    steps keep their state in what they send with a retry.
    """
    apply = lambda_durable._apply_update

    def apply_update(record: Record, update: Record) -> None:
        apply(record, update)
        if update["Type"] == "STEP":
            _follow_step(operation_of(record, update["Id"]), update)

    lambda_durable._apply_update = apply_update


def _follow_step(step: Record, update: Record) -> None:
    details = step["StepDetails"]
    if update["Action"] != "RETRY":
        details.pop("NextAttemptTimestamp", None)
        return
    step["Status"] = "PENDING"
    details["Attempt"] += 1
    if update.get("Payload") is not None:
        details["Result"] = update["Payload"]


def operation_of(record: Record, operation_id: str) -> Record:
    """Return an execution's operation by its id."""
    found: Record = next(operation for operation in record["Operations"] if operation["Id"] == operation_id)
    return found
