"""Lambda's durable executions without threads or real time: the real SDK replays the real handlers.

AWS's local runtime keeps the checkpoints. This module invokes executions, and ends callbacks and retries by a clock
that the soak moves.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from aws_durable_execution_sdk_python.exceptions import CheckpointError
from aws_durable_execution_sdk_python.execution import (
    DurableExecutionInvocationInputWithClient,
    InitialExecutionState,
)
from aws_durable_execution_sdk_python.lambda_service import (
    CallbackTimeoutType,
    CheckpointOutput,
    ErrorObject,
    Operation,
    OperationAction,
    OperationStatus,
    OperationType,
    OperationUpdate,
    StateOutput,
)
from aws_durable_execution_sdk_python_testing.checkpoint.processor import CheckpointProcessor
from aws_durable_execution_sdk_python_testing.execution import Execution
from aws_durable_execution_sdk_python_testing.invoker import create_test_lambda_context
from aws_durable_execution_sdk_python_testing.stores.memory import InMemoryExecutionStore
from botocore.exceptions import BotoCoreError, ClientError

from benchmarks.soak.faults import Crash, Faults
from benchmarks.soak.runs import Run
from benchmarks.soak.table import error_of
from countersign.testing.fakes import FixedClock

MOST_FAILED_INVOCATIONS = 5
"""In a row; then the execution fails, as on AWS's local runner."""

Handler = Callable[[Any, Any], Any]


class Durable:
    """Starts and invokes executions, keeps their checkpoints, and completes their callbacks."""

    def __init__(
        self,
        invoke: Callable[[str, Any, Any], Any],
        clock: FixedClock,
        faults: Faults,
        timeout: timedelta,
        ended: Callable[[Run], None],
    ) -> None:
        """Set the service up.

        Args:
            invoke: Invokes a workflow's function with its name, the event and Lambda's context.
            clock: The clock.
            faults: The faults of checkpoints.
            timeout: The timeout of executions.
            ended: Receives each ended execution.
        """
        self.runs: dict[str, Run] = {}
        self.outlived: list[str] = []
        self._invoke = invoke
        self._clock = clock
        self._faults = faults
        self._timeout = timeout
        self._ended = ended
        self._store = InMemoryExecutionStore()
        self._checkpoints = CheckpointProcessor(self._store, cast("Any", None), cast("Any", clock))

    # Executions

    def start(self, arn: str, workflow: str, name: str, payload: str) -> str:
        """Start an execution; a repeated start returns the same execution."""
        run = self.runs.get(name)
        if run is None:
            run = Run(name, workflow, payload, f"{arn}/durable-execution/{name}/1", self._timeout, self._clock.now())
            self.runs[name] = run
            self._store.save(run.execution)
        elif run.payload != payload:
            raise error_of("DurableExecutionAlreadyStartedException", "invoke")
        return run.arn

    def run(self, run: Run) -> None:
        """Invoke a due execution, and handle its output."""
        run.due = False
        run.execution.begin_new_invocation()
        run.execution.handler_seen_seq = run.execution.seq_counter
        event = DurableExecutionInvocationInputWithClient(
            run.arn,
            run.execution.get_new_checkpoint_token(),
            InitialExecutionState(run.execution.get_navigable_operations(), ""),
            service_client=self,
        )
        run.running = True
        try:
            output = self._invoke(run.workflow, event, create_test_lambda_context(function_name=run.workflow))
        except (Crash, Exception):  # noqa: BLE001  Lambda invokes again after any error
            self._try_again(run)
            return
        finally:
            run.running = False
        run.failed_invocations = 0
        if run.ended:
            return
        if output["Status"] == "PENDING":
            run.due = run.due or run.execution.has_unseen_changes()
        else:
            run.error = str((output.get("Error") or {}).get("ErrorType", "")).rpartition(".")[2]
            self.end(run, output["Status"], output.get("Result"))

    def end(self, run: Run, status: str, result: str | None = None) -> None:
        """End an execution; `STOPPED` is an end from outside."""
        run.ended, run.due = status, False
        error = ErrorObject(None, status, None, None)
        now = self._clock.now()
        match status:
            case "SUCCEEDED":
                run.execution.complete_success(result, now)
            case "FAILED":
                run.execution.complete_fail(error, now)
            case "TIMED_OUT":
                run.execution.complete_timeout(error, now)
            case _:
                run.execution.complete_stopped(error, now)
        self._ended(run)

    def _try_again(self, run: Run) -> None:
        run.failed_invocations += 1
        if run.ended:
            return
        if run.failed_invocations < MOST_FAILED_INVOCATIONS:
            run.due = True
        else:
            self.end(run, "FAILED")

    # Time

    def living(self) -> list[Run]:
        """Return the executions that have not ended."""
        return [run for run in self.runs.values() if not run.ended]

    def has_ended(self, name: str) -> bool:
        """Tell whether an execution of this name has ended."""
        return name in self.runs and bool(self.runs[name].ended)

    def next_timer(self) -> datetime | None:
        """Return the time of the next timer."""
        return min((when for run in self.living() for when, _ in run.timers()), default=None)

    def time_has_passed(self) -> None:
        """Fire the timers of callbacks, retries and executions that are due."""
        now = self._clock.now()
        for run in self.living():
            for when, operation in run.timers():
                if when <= now:
                    self._fire(run, operation, now)

    def _fire(self, run: Run, operation: Operation | None, now: datetime) -> None:
        if run.ended:
            return
        if operation is None:
            self.outlived.append(run.name)
            self.end(run, "TIMED_OUT")
            return
        if operation.callback_details:
            timed_out = ErrorObject("Callback timed out", CallbackTimeoutType.TIMEOUT.value, None, None)
            run.execution.complete_callback_timeout(operation.callback_details.callback_id, timed_out, now)
        else:
            run.execution.complete_due_operations(now)
        run.due = True

    # Callbacks, with the errors of AWS

    def complete(self, callback_id: str, finish: Callable[[Execution], object]) -> None:
        """Complete a callback from outside."""
        run, _ = self._waiting(callback_id)
        finish(run.execution)
        run.due = True

    def beat(self, callback_id: str) -> None:
        """Record a heartbeat of a callback."""
        run, operation = self._waiting(callback_id)
        run.beats[operation.operation_id] = self._clock.now()

    def succeed(self, callback_id: str, payload: bytes = b"") -> None:
        """Complete a callback as SendDurableExecutionCallbackSuccess does."""
        now = self._clock.now()
        self.complete(callback_id, lambda execution: execution.complete_callback_success(callback_id, payload, now))

    def fail(self, callback_id: str, error: Mapping[str, str]) -> None:
        """Complete a callback as SendDurableExecutionCallbackFailure does."""
        reported, now = ErrorObject(error.get("ErrorMessage"), error.get("ErrorType"), None, None), self._clock.now()
        self.complete(callback_id, lambda execution: execution.complete_callback_failure(callback_id, reported, now))

    def _waiting(self, callback_id: str) -> tuple[Run, Operation]:
        for run in self.runs.values():
            for operation in run.execution.operations:
                if operation.callback_details and operation.callback_details.callback_id == callback_id:
                    if run.ended or operation.status is not OperationStatus.STARTED:
                        raise error_of("CallbackTimeoutException", "callback")
                    return run, operation
        raise error_of("InvalidParameterValueException", "callback")

    # What the SDK calls

    def checkpoint(
        self,
        durable_execution_arn: str,
        checkpoint_token: str,
        updates: list[OperationUpdate],
        client_token: str | None,
    ) -> CheckpointOutput:
        """Keep an execution's updates."""
        run = next(run for run in self.runs.values() if run.arn == durable_execution_arn)

        def keep() -> CheckpointOutput:
            return self._checkpoints.process_checkpoint(checkpoint_token, updates, client_token)

        # Threads decide whether the start of a step is sent alone or with its end: only updates that the workflow
        # waits for count as a call that can fail.
        started_only = all(
            update.action is OperationAction.START and update.operation_type is OperationType.STEP for update in updates
        )
        try:
            if started_only:
                return keep()
            kept: CheckpointOutput = self._faults.call("durable", "checkpoint", keep)
        except Crash as crash:
            raise CheckpointError.from_exception(error_of("ServiceException", "checkpoint", 500)) from crash
        except (ClientError, BotoCoreError) as error:
            raise CheckpointError.from_exception(error) from error
        finally:
            self._note_callbacks(run, updates)
        return kept

    def get_execution_state(
        self, durable_execution_arn: str, checkpoint_token: str, next_marker: str, max_items: int = 1000
    ) -> StateOutput:
        """Return all operations."""
        return self._checkpoints.get_execution_state(checkpoint_token, next_marker, max_items)

    def _note_callbacks(self, run: Run, updates: list[OperationUpdate]) -> None:
        for update in updates:
            if update.callback_options:
                options = update.callback_options
                run.options[update.operation_id] = options.timeout_seconds, options.heartbeat_timeout_seconds
