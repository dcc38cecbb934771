"""A durable execution in memory on a clock that stands still, by the rules of AWS's local runner.

The runner itself runs in real time and in threads of its own: its histories differ from run to run.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from aws_durable_execution_sdk_python.execution import DurableExecutionInvocationInputWithClient, InitialExecutionState
from aws_durable_execution_sdk_python.identifier import OperationIdNamespace
from aws_durable_execution_sdk_python.lambda_service import (
    CheckpointOutput,
    CheckpointUpdatedExecutionState,
    DurableServiceClient,
    ErrorObject,
    Operation,
    OperationStatus,
    OperationUpdate,
)
from aws_durable_execution_sdk_python_testing.checkpoint.core import CheckpointCore
from aws_durable_execution_sdk_python_testing.checkpoint.effects import CallbackCreated
from aws_durable_execution_sdk_python_testing.checkpoint.transformer import CheckpointRequestDispatcher
from aws_durable_execution_sdk_python_testing.execution import Execution
from aws_durable_execution_sdk_python_testing.model import LambdaContext, StartDurableExecutionInput

from countersign.testing import FixedClock

Handler = Callable[[Any, Any], Mapping[str, Any]]

# Later than any clock that runs: the SDK resumes a branch by itself whose timer has passed on the machine's clock.
START = datetime(2100, 1, 1, tzinfo=UTC)

# An invocation ends up to a tenth of a second late: the SDK looks that often whether its checkpoints are over.
_AT_ONCE = patch("aws_durable_execution_sdk_python.state._STOP_SIGNAL_POLL_SECONDS", 0.002)

_ID = "1"
_ARN = f"rehearsal/{_ID}"
_START = StartDurableExecutionInput("000000000000", "rehearsal", "1", "rehearsal", 1, 1, _ID)


class Rehearsal(DurableServiceClient):
    """Lambda's side of one durable execution, and the runner's interface for a `Bench`.

    Attributes:
        clock: The time, which `pass_time` moves.
        started: The operations that the handler has started, in the order of their checkpoints.
    """

    def __init__(self, handler: Handler, operations: Sequence[Operation] = ()) -> None:
        moments = [each.end_timestamp or each.start_timestamp or START for each in operations]
        self.clock = FixedClock(max(moments, default=START))
        self.started: list[OperationUpdate] = []
        self._handler = handler
        self._execution = Execution(_ARN, _START, list(operations))
        self._rules = CheckpointRequestDispatcher()
        self._timeouts: dict[str, datetime] = {}

    @property
    def operations(self) -> list[Operation]:
        """The execution and its operations in the order in which the code starts them; a context's are behind it."""
        order: dict[str | None, tuple[int, ...]] = {None: ()}
        places = itertools.count(len(self._execution.operations) + 1)
        for each in self._execution.operations:
            ids = map(OperationIdNamespace(each.parent_id).create_id_for_step, range(len(self._execution.operations)))
            place = next((number for number, found in enumerate(ids) if found == each.operation_id), None)
            own = -1 if each.execution_details else next(places) if place is None else place
            order[each.operation_id] = (*order[each.parent_id], own)
        return sorted(self._execution.operations, key=lambda each: order[each.operation_id])

    def invoke(self) -> Mapping[str, Any]:
        """Invoke the handler with the execution's state, as Lambda does; return its output."""
        state = InitialExecutionState(list(self._execution.operations), "")
        token = self._execution.get_new_checkpoint_token()
        event = DurableExecutionInvocationInputWithClient(_ARN, token, state, service_client=self)
        with _AT_ONCE:
            return self._handler(event, LambdaContext("request"))

    def pass_time(self) -> bool:
        """Move the clock until something is due, and complete it; tell whether there was anything."""
        details = [(each.wait_details, each.step_details) for each in self._execution.operations]
        waits = [wait.scheduled_end_timestamp for wait, _ in details if wait]
        retries = [step.next_attempt_timestamp for _, step in details if step]
        open_ids = [each.operation_id for each in self._execution.operations if each.status is OperationStatus.STARTED]
        timeouts = [self._timeouts[each] for each in open_ids if each in self._timeouts]
        due = [moment for moment in (*waits, *retries, *timeouts) if moment and moment > self.clock.now()]
        if not due:
            return False
        self.clock.moment = min(due)
        self._execution.complete_due_operations(self.clock.now())
        late = ErrorObject("the callback timed out", "Callback.Timeout", None, None)
        for each in list(self._execution.operations):
            details_of_callback = each.callback_details if each.operation_id in open_ids else None
            if details_of_callback and self._timeouts.get(each.operation_id, self.clock.moment) <= min(due):
                self._execution.complete_callback_timeout(details_of_callback.callback_id, late, self.clock.now())
        return True

    def checkpoint(
        self,
        durable_execution_arn: str,  # noqa: ARG002  there is one execution
        checkpoint_token: str,
        updates: list[OperationUpdate],
        client_token: str | None,
    ) -> CheckpointOutput:
        """Take the handler's updates."""
        now = self.clock.now()
        self.started += updates
        taken = CheckpointCore.apply(self._execution, checkpoint_token, updates, client_token, self._rules, now)
        for effect in taken.effects:
            if isinstance(effect, CallbackCreated) and effect.callback_options:
                options = effect.callback_options
                seconds = [each for each in (options.timeout_seconds, options.heartbeat_timeout_seconds) if each]
                if seconds:
                    self._timeouts[effect.operation_id] = now + timedelta(seconds=min(seconds))
        return CheckpointOutput(taken.checkpoint_token, CheckpointUpdatedExecutionState(taken.operations, None))

    def get_execution_state(self, *_: Any, **__: Any) -> Any:
        """Refuse: every invocation gets the whole state."""
        raise NotImplementedError

    # The runner's interface, for `Bench`

    def run_async(self, payload: str, execution_name: str) -> str:
        """Start the execution."""
        self._execution.start_input = replace(_START, execution_name=execution_name, input=payload)
        self._execution.start(self.clock.now())
        return _ARN

    def send_callback_success(self, callback_id: str, result: bytes) -> None:
        """Complete a callback."""
        self._execution.complete_callback_success(callback_id, result, self.clock.now())

    def send_callback_failure(self, callback_id: str, error: ErrorObject) -> None:
        """Fail a callback."""
        self._execution.complete_callback_failure(callback_id, error, self.clock.now())

    def send_callback_heartbeat(self, callback_id: str) -> None:
        """Take a heartbeat. It postpones nothing, because no script is silent after one."""
