"""Checkpoints of an execution's operations."""
# mypy: disable-error-code="import-not-found"
# ruff: noqa: SLF001

from __future__ import annotations

from typing import Any

from ministack.services import lambda_durable

Record = dict[str, Any]
"""A durable execution as MiniStack keeps it."""


def ignore_zero_timeouts() -> None:
    """Treat a callback timeout of 0 seconds as none.

    The SDK always sends `HeartbeatTimeoutSeconds: 0`, and upstream ends such a callback as soon as it starts. On AWS 0
    means no timeout (the model: `CallbackOptions`).
    """
    apply = lambda_durable._apply_update

    def apply_update(record: Record, update: Record) -> None:
        options = update.get("CallbackOptions") or {}
        set_options = {name: seconds for name, seconds in options.items() if seconds}
        apply(record, {**update, "CallbackOptions": set_options} if options else update)

    lambda_durable._apply_update = apply_update


def count_step_retries() -> None:
    """Count the attempts of a step, and make it PENDING between them.

    Upstream leaves a step between two attempts STARTED at attempt 0. The SDK then sees a first attempt every time, and
    retries a step that always fails for ever. On AWS the step is PENDING, with the number of attempts and the time of
    the next one, and READY from that time on (the model: `StepDetails`; the runner: `checkpoint/processors/step.py`).
    A polling step keeps its state in the payload of its retries.
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
