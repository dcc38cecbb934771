"""Completions of callbacks."""
# mypy: disable-error-code="import-not-found"
# ruff: noqa: SLF001

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import lambda_durable

from local.emulator.corrections.operations import Record, operation_of
from local.emulator.corrections.resumption import changing, schedule, settle


def wake_the_workflow() -> None:
    """Show a completed or failed callback to an invocation that begins after it.

    Upstream starts one at once, even while another invocation runs. On AWS it starts when the running invocation has
    ended (the runner: `Execution.needs_reinvoke`).
    """
    lambda_durable.handle_callback_success = _waking(lambda_durable.handle_callback_success)
    lambda_durable.handle_callback_failure = _waking(lambda_durable.handle_callback_failure)


def _waking(complete: Callable[[str, bytes], Any]) -> Callable[[str, bytes], Any]:
    def handle(callback_id: str, body: bytes) -> Any:
        with changing:
            answer = complete(callback_id, body)
            if answer[0] == 200:
                arn, operation_id = lambda_durable._callback_index[callback_id]
                operation_of(lambda_durable._executions[arn], operation_id)["_Unseen"] = True
                schedule(arn)
            return answer

    return handle


def refuse_unknown_ids() -> None:
    """Answer InvalidParameterValueException to an unknown callback id.

    Upstream answers ResourceNotFoundException. On AWS unknown and malformed ids get the same answer, as AWS's own
    worker package measured.
    """
    resolve = lambda_durable._resolve_callback

    def resolve_callback(callback_id: str) -> Any:
        record, operation, error = resolve(callback_id)
        if error and error[0] == 404:
            error = error_response_json("InvalidParameterValueException", "Invalid callback id", 400)
        return record, operation, error

    lambda_durable._resolve_callback = resolve_callback


def close_callbacks_in_time() -> None:
    """Answer CallbackTimeoutException to a late completion.

    Upstream completes callbacks of a stopped or timed-out execution, and callbacks whose timeout has passed, until its
    scheduler closes them. On AWS all of these are closed (the model: `CallbackTimeoutException`).
    """
    resolve = lambda_durable._resolve_callback

    def resolve_callback(callback_id: str) -> Any:
        arn, _ = lambda_durable._callback_index.get(callback_id) or (None, None)
        record = lambda_durable._executions.get(arn)
        if record is None:
            return resolve(callback_id)
        if record["Status"] != "RUNNING":
            return None, None, error_response_json("CallbackTimeoutException", "The callback is already closed.", 400)
        with changing:
            settle(record)
            return resolve(callback_id)

    lambda_durable._resolve_callback = resolve_callback


def remember_closed_callbacks() -> None:
    """Answer CallbackTimeoutException to a closed callback also after a restart.

    Upstream restores only open callbacks from its persisted state. On AWS a closed callback stays closed as long as the
    execution is kept (the model: `CallbackTimeoutException`).
    """
    load = lambda_durable.load_persisted_state

    def load_persisted_state(data: Record) -> None:
        load(data)
        for (account_id, arn), record in lambda_durable._executions.to_dict().items():
            for operation in record["Operations"]:
                if callback_id := operation.get("CallbackDetails", {}).get("CallbackId"):
                    entry = (arn, operation["Id"])
                    lambda_durable._callback_index.set_scoped(account_id, None, callback_id, entry)

    lambda_durable.load_persisted_state = load_persisted_state
