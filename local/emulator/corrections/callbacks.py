"""How callbacks answer to those who complete them."""
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
    """Have a completed or failed callback seen by an invocation that begins after it.

    Upstream wakes the execution at once, an invocation that still runs notwithstanding. On AWS it is looked at when
    that one has ended (the runner: `Execution.needs_reinvoke`).
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
    """Answer InvalidParameterValueException to a callback id that there is not.

    Upstream answers ResourceNotFoundException. On AWS unknown and malformed ids get the same answer, as AWS's own
    worker package measured it.
    """
    resolve = lambda_durable._resolve_callback

    def resolve_callback(callback_id: str) -> Any:
        record, operation, error = resolve(callback_id)
        if error and error[0] == 404:
            error = error_response_json("InvalidParameterValueException", "Invalid callback id", 400)
        return record, operation, error

    lambda_durable._resolve_callback = resolve_callback


def close_callbacks_in_time() -> None:
    """Answer CallbackTimeoutException to whatever comes too late.

    Upstream lets the callbacks of a stopped or timed-out execution be completed, and those whose time is up until its
    scheduler has come to them. On AWS all of these are closed (the model: `CallbackTimeoutException`).
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

    Upstream finds only open ones again in its persisted state. On AWS a closed one stays closed for as long as the
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
