"""Invocations of durable executions: when they run, and how their outcomes count.

This replaces MiniStack's own resumption. Three private members of an execution's record carry the state, so that it is
persisted with the rest: `_Running` while an invocation runs, `_RetryAt`, the time at which a failed one is repeated,
and `_Failures`, their number in a row. An operation is `_Unseen` when it changed (a timer, a callback) since the last
invocation began.
"""
# mypy: disable-error-code="import-not-found"
# ruff: noqa: SLF001

from __future__ import annotations

import contextvars
import heapq
import json
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import lambda_durable, lambda_svc

from local.emulator.corrections.operations import Record

MOST_FAILURES = 5
"""Invocations that may fail in a row before the execution does: `MAX_CONSECUTIVE_FAILED_ATTEMPTS` of the runner."""

_CONCURRENT_INVOCATIONS = 8
"""Invocations of different executions at once. Each is a process of some 50 MB."""

_SECONDS_UNTIL_SERVING = 1
"""The time that a restarted emulator has to start listening, before it runs functions that call it."""

changing = threading.RLock()
"""Held while a record is read and changed; never while a function runs."""

_slots = threading.BoundedSemaphore(_CONCURRENT_INVOCATIONS)
_starts_at = 0.0
_record_invocation = lambda_durable.record_invocation_completed


def one_invocation_at_a_time() -> None:
    """Run one invocation of an execution at a time, and those of different executions concurrently.

    Upstream resumes an execution while its function still runs. This changes the checkpoint token, so that the next
    checkpoint of the function is refused and the execution fails. Upstream resumes all executions one after the other,
    on the code of $LATEST. An execution whose invocation fails stays RUNNING for ever. On AWS an execution has one
    invocation at a time, on the version with which it was started. Changes during an invocation count after it. An
    invocation that fails is repeated (the runner: `Executor._begin_invocation`, `_finish_invocation`,
    `_retry_invocation`; the guide: "Retries": backend retries).
    """
    checkpoint = lambda_durable.handle_checkpoint
    create = lambda_durable.create_execution_for_invoke

    def handle_checkpoint(arn_path: str, body: bytes) -> Any:
        with changing:
            if record := lambda_durable._executions.get(unquote(arn_path)):
                settle(record)
            return checkpoint(arn_path, body)

    def create_execution(*args: Any, **kwargs: Any) -> Record:
        record: Record = create(*args, **kwargs)
        record["_Running"] = True  # it is created for its first invocation
        return record

    def first_invocation_completed(arn: str, *args: Any, error: Any = None, **kwargs: Any) -> None:
        """Upstream runs the first invocation of `RequestResponse` itself, calls this, then reads its outcome."""
        _record_invocation(arn, *args, error=error, **kwargs)
        with changing:
            record = lambda_durable._executions[arn]
            record["_Running"] = False
            if error:
                _fail_invocation(record, error)
                schedule(arn)

    lambda_durable.handle_checkpoint = handle_checkpoint
    lambda_durable.create_execution_for_invoke = create_execution
    lambda_durable.record_invocation_completed = first_invocation_completed
    lambda_durable.schedule_resume = schedule
    lambda_durable._resume_execution = resume


def act_on_first_outcomes() -> None:
    """Act on the outcome of the first invocation of an asynchronous start.

    Upstream ignores it: an execution without waits stays RUNNING, and the timers of one with waits never fire. On
    AWS the outcome of every invocation counts (the runner: `Executor._finish_invocation`).
    """
    invoke = lambda_svc.invoke_async_with_retry

    def invoke_async(function: Record, event: Any) -> None:
        durable = lambda_svc._durable_ctx.get()
        if durable and isinstance(event, dict) and event.get("DurableExecutionArn") == durable["arn"]:
            _start(durable["arn"])
        else:
            invoke(function, event)

    lambda_svc.invoke_async_with_retry = invoke_async


def pick_up_after_restart() -> None:
    """Repeat, after a restart, the invocations that were running when the emulator ended.

    Upstream waits for timers and callbacks only, and such an execution may have none. On AWS the loss of a host loses
    no execution.
    """
    load = lambda_durable.load_persisted_state

    def load_persisted_state(data: Record) -> None:
        global _starts_at  # noqa: PLW0603 - as upstream keeps its scheduler's state
        _starts_at = time.time() + _SECONDS_UNTIL_SERVING
        for record in (data or {}).get("executions", {}).values():
            if record.pop("_Running", False):
                record["_RetryAt"] = _starts_at
        load(data)

    lambda_durable.load_persisted_state = load_persisted_state


def schedule(arn: str, account_id: str | None = None, region: str | None = None) -> bool:
    """Queue an execution for the time at which it is due. Replaces upstream's `schedule_resume`.

    Returns:
        Whether it will be due without a further event.
    """
    with changing:
        record = _live(arn)
        due = _next_look(record) if record else None
        if due is None:
            return False
        with lambda_durable._resume_lock:
            queue = lambda_durable._resume_queue
            if not any(entry[1] == arn and entry[0] <= due for entry in queue):
                heapq.heappush(queue, (due, arn, account_id or get_account_id(), region or get_region()))
    lambda_durable._resume_event.set()
    lambda_durable._ensure_resume_thread()
    return True


def resume(arn: str, account_id: str, region: str | None = None) -> None:
    """Invoke an execution that is due, if it needs that. Replaces upstream's `_resume_execution`."""
    with changing:
        record = _live(arn)
        if record is None:
            return
        if record.get("_TimeoutDeadline", float("inf")) <= time.time():
            lambda_durable._time_out_execution(record)
            return
        settle(record)
        if record.get("_Running") or not _needs_invocation(record):
            schedule(arn, account_id, region)
            return
        record["_Running"] = True
    _start(arn)


def settle(record: Record) -> None:
    """End the waits, the callbacks and the pauses between attempts whose time has come."""
    now = time.time()
    for operation in record["Operations"]:
        if any(at <= now for at in _timers(operation)):
            _elapse(record, operation, now)


def _timers(operation: Record) -> Iterator[float]:
    match operation["Type"], operation["Status"]:
        case "WAIT", "STARTED":
            times = [operation["WaitDetails"]["ScheduledEndTimestamp"]]
        case "STEP", "PENDING":
            times = [operation["StepDetails"]["NextAttemptTimestamp"]]
        case "CALLBACK", "STARTED":
            details = operation["CallbackDetails"]
            times = [details.get("TimeoutDeadline"), details.get("HeartbeatDeadline")]
        case _:
            times = []
    yield from (at for at in times if at is not None)


def _elapse(record: Record, operation: Record, now: float) -> None:
    operation["_Unseen"] = True
    match operation["Type"]:
        case "STEP":
            operation["Status"] = "READY"
            operation["StepDetails"].pop("NextAttemptTimestamp")
        case "WAIT":
            operation |= {"Status": "SUCCEEDED", "EndTimestamp": now}
            _tell(record, operation, "WaitSucceeded", {"Duration": int(now - operation["StartTimestamp"])})
        case _:
            operation |= {"Status": "TIMED_OUT", "EndTimestamp": now}
            _time_out_callback(record, operation, now)


def _time_out_callback(record: Record, operation: Record, now: float) -> None:
    details = operation["CallbackDetails"]
    total = details.get("TimeoutDeadline")
    kind = "Callback.Timeout" if total is not None and total <= now else "Callback.Heartbeat"
    details["Error"] = _error(kind, f"Callback timed out: {kind}")
    _tell(record, operation, "CallbackTimedOut", {"Error": {"Payload": details["Error"], "Truncated": False}})


def _tell(record: Record, operation: Record, event: str, details: Record) -> None:
    lambda_durable._emit_history_event(
        record, event, f"{event}Details", details, event_id=operation["Id"], name=operation.get("Name")
    )


def _live(arn: str) -> Record | None:
    record: Record | None = lambda_durable._executions.get(arn)
    return record if record and record["Status"] == "RUNNING" else None


def _needs_invocation(record: Record) -> bool:
    return _retry_at(record) <= time.time() or any(operation.get("_Unseen") for operation in record["Operations"])


def _retry_at(record: Record) -> float:
    return record.get("_RetryAt") or float("inf")


def _next_look(record: Record) -> float | None:
    times = [record.get("_TimeoutDeadline", float("inf"))]
    if not record.get("_Running"):  # the end of the invocation checks everything else
        times.append(_retry_at(record))
        times += [at for operation in record["Operations"] for at in _timers(operation)]
        times += [0.0 for operation in record["Operations"] if operation.get("_Unseen")]
    due = max(min(times), _starts_at)
    return None if due == float("inf") else due


def _start(arn: str) -> None:
    run = contextvars.copy_context().run  # with the account and the region of MiniStack's lookups
    threading.Thread(target=run, args=(_invoke_until_it_waits, arn), daemon=True, name="durable-invocation").start()


def _invoke_until_it_waits(arn: str) -> None:
    with _slots:
        while True:
            began = time.time()
            if not _conclude(arn, _invoke(arn), began):
                return


def _invoke(arn: str) -> Record:
    with changing:
        record = lambda_durable._executions[arn]
        function = _function_of(record)
        event = _begin(record)
    if function is None:
        return _failed("ResourceNotFoundException", "the function is gone")
    try:
        return _execute(function, event)
    except Exception as error:  # noqa: BLE001 - no error may leave the execution RUNNING
        return _failed(type(error).__name__, str(error))


def _execute(function: Record, event: Record) -> Record:
    """Invoke a function, and log what it wrote, as upstream does for functions that are not durable."""
    result: Record = lambda_svc._execute_function(function, event)
    if written := result.get("log"):
        lambda_svc.logger.info("Lambda %s output:\n%s", function["config"]["FunctionName"], written)
    return result


def _failed(kind: str, message: str) -> Record:
    """Return a failed invocation in the form of MiniStack's executors."""
    return {"error": True, "body": {"errorType": kind, "errorMessage": message}}


def _function_of(record: Record) -> Record | None:
    """Return the function's record at the version with which the execution was started."""
    base = lambda_svc._functions.get(record["FunctionArn"].rsplit(":", 1)[-1])
    if base is None:
        return None
    version = base["versions"].get(record["Version"], base)
    return {**version, "config": {**version["config"], "FunctionArn": f"{record['FunctionArn']}:{record['Version']}"}}


def _begin(record: Record) -> Record:
    record["_RetryAt"] = None
    for operation in record["Operations"]:
        operation.pop("_Unseen", None)
    token = record["CheckpointToken"] = lambda_durable.new_checkpoint_token()
    arn = record["DurableExecutionArn"]
    lambda_svc._durable_ctx.set({"arn": arn, "token": token, "name": record["DurableExecutionName"]})
    return {
        "DurableExecutionArn": arn,
        "CheckpointToken": token,
        "InitialExecutionState": {
            "Operations": lambda_durable._serialize_operations(record["Operations"], for_event=True),
            "NextMarker": "",
        },
    }


def _conclude(arn: str, result: Record, began: float) -> bool:
    """Act on an invocation's outcome.

    Returns:
        Whether the next invocation must begin at once, because something has changed meanwhile.
    """
    with changing:
        record = lambda_durable._executions[arn]
        _record_invocation(arn, began, new_uuid(), error=result.get("body") if result.get("error") else None)
        if record["Status"] == "RUNNING":
            _take_outcome(record, result)
        if record["Status"] == "RUNNING" and _needs_invocation(record):
            return True
        record["_Running"] = False
        schedule(arn)
        return False


def _take_outcome(record: Record, result: Record) -> None:
    output = _decoded(result.get("body"))
    arn = record["DurableExecutionArn"]
    match output.get("Status"):
        case _ if result.get("error"):
            _fail_invocation(record, output)
        case "SUCCEEDED":
            lambda_durable.mark_execution_completed(arn, output.get("Result"), None)
        case "FAILED":
            lambda_durable.mark_execution_completed(arn, None, output.get("Error") or _error("Unknown", ""))
        case "PENDING" if _waits(record):
            record["_Failures"] = 0
        case "PENDING":
            _fail_invocation(record, {"errorMessage": "PENDING, with nothing to wait for"})
        case _:
            error = _error("InvalidParameterValueException", "the function's output is not one of a durable execution")
            lambda_durable.mark_execution_completed(arn, None, error)


def _decoded(body: Any) -> Record:
    try:
        decoded = json.loads(body) if isinstance(body, str | bytes | bytearray) else body
    except ValueError:
        decoded = None
    return decoded if isinstance(decoded, dict) else {}


def _waits(record: Record) -> bool:
    """Whether an event outside the function may still continue an execution."""
    return _needs_invocation(record) or any(
        operation["Status"] == "PENDING"
        or (operation["Status"] == "STARTED" and operation["Type"] in ("WAIT", "CALLBACK", "CHAINED_INVOKE"))
        for operation in record["Operations"]
    )


def _fail_invocation(record: Record, body: Any) -> None:
    """Repeat a failed invocation after MiniStack's short pause for asynchronous ones, or fail the execution."""
    failures = record["_Failures"] = record.get("_Failures", 0) + 1
    if failures < MOST_FAILURES:
        record["_RetryAt"] = time.time() + lambda_svc._LAMBDA_ASYNC_RETRY_BASE_SECONDS
        return
    output = _decoded(body)
    error = _error(output.get("errorType", "Unhandled"), output.get("errorMessage", ""))
    error["StackTrace"] = output.get("stackTrace", [])
    lambda_durable.mark_execution_completed(record["DurableExecutionArn"], None, error)


def _error(kind: str, message: str) -> Record:
    return {"ErrorType": kind, "ErrorMessage": message, "ErrorData": "", "StackTrace": []}
