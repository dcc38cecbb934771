"""One durable execution: its checkpoints, timers and results."""

import json
from datetime import datetime, timedelta
from typing import Any

from aws_durable_execution_sdk_python.lambda_service import Operation, OperationStatus, OperationType
from aws_durable_execution_sdk_python_testing.execution import Execution
from aws_durable_execution_sdk_python_testing.model import StartDurableExecutionInput


class Run:
    """One durable execution.

    Attributes:
        name: Its name, the request's id.
        workflow: Its workflow.
        payload: The payload of its start.
        execution: Its checkpoints.
        due: Whether it must be invoked.
        running: Whether it is being invoked: Lambda never invokes an execution twice at the same time.
        error: The type of the error that failed its workflow; empty without one.
        ended: `SUCCEEDED`, `FAILED`, `STOPPED`, `TIMED_OUT`; empty before its end.
    """

    def __init__(self, name: str, workflow: str, payload: str, arn: str, timeout: timedelta, now: datetime) -> None:
        self.name = name
        self.workflow = workflow
        self.payload = payload
        start = StartDurableExecutionInput(
            account_id="111122223333",
            function_name=workflow,
            function_qualifier="1",
            execution_name=name,
            execution_timeout_seconds=int(timeout.total_seconds()),
            execution_retention_period_days=14,
            invocation_id="1",  # the end of the ARN, by which the SDK finds the input
            input=payload,
        )
        self.execution = Execution(arn, start, [])
        self.execution.start(now)
        self.started_at = now
        self.times_out_at = now + timeout
        self.due = True
        self.running = False
        self.ended = ""
        self.error = ""
        self.failed_invocations = 0
        self.beats: dict[str, datetime] = {}
        self.options: dict[str, tuple[int, int]] = {}

    @property
    def arn(self) -> str:
        """The execution's ARN."""
        return self.execution.durable_execution_arn

    def open_callbacks(self) -> list[Operation]:
        """Return the open callbacks."""
        return [
            operation
            for operation in self.execution.operations
            if operation.operation_type is OperationType.CALLBACK and operation.status is OperationStatus.STARTED
        ]

    def timers(self) -> list[tuple[datetime, Operation | None]]:
        """Return the times of timeouts of callbacks, retries of steps, and the execution's timeout (None)."""
        timers: list[tuple[datetime, Operation | None]] = [(self.times_out_at, None)]
        for operation in self.open_callbacks():
            seconds, silence = self.options.get(operation.operation_id, (0, 0))
            begun = operation.start_timestamp or self.started_at
            ends = [begun + timedelta(seconds=seconds)] if seconds else []
            ends += [self.beats.get(operation.operation_id, begun) + timedelta(seconds=silence)] if silence else []
            timers += [(min(ends), operation)] if ends else []
        for operation in self.execution.operations:
            if operation.status is OperationStatus.PENDING and operation.step_details:
                again = operation.step_details.next_attempt_timestamp
                timers += [(again, operation)] if again else []
        return timers


def callback_ids(run: Run) -> list[str]:
    """Return the id of every callback of an execution."""
    details = (operation.callback_details for operation in run.execution.operations)
    return [detail.callback_id for detail in details if detail]


def step_results(run: Run) -> str:
    """Return the step details of an execution's history."""
    return "\n".join(str(each.step_details) for each in run.execution.operations if each.step_details)


def result_of(run: Run) -> dict[str, Any]:
    """Return a workflow's result; empty without one."""
    result = run.execution.result
    document: dict[str, Any] = json.loads(result.result) if result and result.result else {}
    return document
