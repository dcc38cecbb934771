"""The names of durable executions."""
# mypy: disable-error-code="import-not-found"
# ruff: noqa: SLF001

from __future__ import annotations

import asyncio
import contextvars
import json
import re
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import lambda_durable, lambda_svc

from local.emulator.corrections.operations import Record

_ARN_HEADER = "X-Amz-Durable-Execution-Arn"
_POLL_SECONDS = 0.05

_wanted: contextvars.ContextVar[str | None] = contextvars.ContextVar("durable_execution_name", default=None)


def honour_execution_names() -> None:
    """Start an execution under the caller's name for it, at most once.

    Upstream ignores `DurableExecutionName`. On AWS it is the execution's name and a part of its ARN. The same name with
    the same payload returns the existing execution, with another payload DurableExecutionAlreadyStartedException
    (the model: `InvocationRequest`, `DurableExecutionArn`).
    """
    invoke, build_arn = lambda_svc._invoke, lambda_durable.build_durable_execution_arn

    async def invoke_function(name: str, event: Any, headers: Mapping[str, str], *args: Any, **kwargs: Any) -> Any:
        wanted = _header(headers, "x-amz-durable-execution-name")
        if wanted and not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", wanted):
            return error_response_json("InvalidParameterValueException", f"Invalid DurableExecutionName: {wanted}", 400)
        existing = _execution_named(name, wanted) if wanted else None
        if existing:
            return await _again(existing, event, headers)
        _wanted.set(wanted)
        return await invoke(name, event, headers, *args, **kwargs)

    def build_durable_execution_arn(function_arn: str, version: str = "$LATEST", name: str | None = None) -> Any:
        arn, given, token = build_arn(function_arn, version, name)
        if wanted := _wanted.get():
            return arn.replace(f"/{token}/", f"/{wanted}/"), wanted, token
        return arn, given, token

    lambda_svc._invoke = invoke_function
    lambda_durable.build_durable_execution_arn = build_durable_execution_arn


def _header(headers: Mapping[str, str], name: str) -> str | None:
    return next((value for header, value in headers.items() if header.lower() == name), None)


def _execution_named(function_name: str, name: str) -> Record | None:
    arn = lambda_svc._func_arn(function_name)
    found = (
        record
        for record in lambda_durable._executions.values()
        if record["FunctionArn"] == arn and record["DurableExecutionName"] == name
    )
    return next(found, None)


async def _again(execution: Record, event: Any, headers: Mapping[str, str]) -> Any:
    if execution["InputPayload"] != (event if isinstance(event, str) else json.dumps(event)):
        message = f"Durable execution already started with a different payload: {execution['DurableExecutionName']}"
        return error_response_json("DurableExecutionAlreadyStartedException", message, 409)
    answer = {_ARN_HEADER: execution["DurableExecutionArn"], "X-Amz-Executed-Version": execution["Version"]}
    if _header(headers, "x-amz-invocation-type") == "Event":
        return 202, answer, b""
    while execution["Status"] == "RUNNING":
        await asyncio.sleep(_POLL_SECONDS)
    if execution["Error"]:
        return 200, {**answer, "X-Amz-Function-Error": "Unhandled"}, json.dumps(execution["Error"]).encode()
    return 200, answer, (execution["Result"] or "null").encode()


def tell_execution_arns() -> None:
    """Answer an asynchronous start with the execution's ARN.

    Upstream does this for synchronous starts only. On AWS both have the ARN (the model: `InvocationResponse`).
    """
    invoke = lambda_svc._invoke

    async def invoke_function(*args: Any, **kwargs: Any) -> Any:
        status, headers, body = await invoke(*args, **kwargs)
        durable = lambda_svc._durable_ctx.get()
        if status == 202 and durable:
            headers.setdefault(_ARN_HEADER, durable["arn"])
        return status, headers, body

    lambda_svc._invoke = invoke_function
