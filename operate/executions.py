"""The executions that have not ended, of every version of every workflow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from botocore.exceptions import ClientError

from operate.errors import code_of
from operate.releases import versions_of
from operate.stage import Stage

_UNENDED = ("RUNNING", "PAUSING", "PAUSED")
_ENDED = ("InvalidParameterValueException", "ResourceNotFoundException")
"""The possible answers for an execution that has ended. Lambda does not document which of them it gives."""
_STOPPED = {"ErrorType": "StageDestroyed", "ErrorMessage": "The stage is being destroyed."}


@dataclass(frozen=True)
class Execution:
    """An execution that has not ended.

    Attributes:
        workflow: The name of its workflow.
        request_id: The request that started it.
        version: The version of the function that runs it.
        status: RUNNING, PAUSING or PAUSED.
        arn: Its ARN.
    """

    workflow: str
    request_id: str
    version: str
    status: str
    arn: str


def unended(stage: Stage) -> Iterator[Execution]:
    """Yield the executions that have not ended."""
    for name, alias in stage.merged("Workflows").items():
        function = alias.split(":")[-2]
        for version in versions_of(stage, function):
            yield from _of_version(stage, name, function, str(version))


def _of_version(stage: Stage, workflow: str, function: str, version: str) -> Iterator[Execution]:
    """Yield those of one version: without a version, Lambda lists those of `$LATEST` only."""
    pages = stage.client("lambda").get_paginator("list_durable_executions_by_function")
    for page in pages.paginate(FunctionName=function, Qualifier=version, Statuses=list(_UNENDED)):
        for found in page["DurableExecutions"]:
            name, status, arn = found["DurableExecutionName"], found["Status"], found["DurableExecutionArn"]
            yield Execution(workflow, name, version, status, arn)


def stop(stage: Stage, execution: Execution) -> None:
    """Stop an execution. One that has ended meanwhile is left alone."""
    try:
        stage.client("lambda").stop_durable_execution(DurableExecutionArn=execution.arn, Error=_STOPPED)
    except ClientError as error:
        if code_of(error) not in _ENDED:
            raise
