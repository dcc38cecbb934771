"""Run a workflow on AWS's local runner, with the ledger in memory."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from threading import Lock
from typing import Any, Self
from unittest import mock

from aws_durable_execution_sdk_python.execution import DurableExecutionInvocationInputWithClient, InitialExecutionState
from aws_durable_execution_sdk_python.state import ExecutionState
from aws_durable_execution_sdk_python_testing.exceptions import AwsApiException
from aws_durable_execution_sdk_python_testing.model import LambdaContext
from aws_durable_execution_sdk_python_testing.runner import DurableFunctionTestResult, DurableFunctionTestRunner

from countersign.composition import Ports, use
from countersign.domain.answers import Sender
from countersign.domain.clock import SystemClock
from countersign.domain.errors import TaskClosedError
from countersign.domain.links import Link
from countersign.domain.rules import Decision
from countersign.domain.tasks import Failure, Ring, RingState, Status, Task
from countersign.domain.tokens import fingerprint
from countersign.services.answers import Receipt, Results
from countersign.services.reviews import Click, Review, Reviews
from countersign.services.rings import Rings
from countersign.testing.builders import CALLER
from countersign.testing.fakes import MemoryCipher, MemoryDirectory, MemoryHandOff, MemoryLedger

POLL_SECONDS = 0.02
_METRICS = {"POWERTOOLS_METRICS_NAMESPACE": "Countersign", "METRICS_STAGE": "countersign-bench"}
PATIENCE_SECONDS = 20

SHORT_SECONDS = 3
"""A deadline that a test lets pass. Deadlines count in whole seconds, and the hand-off comes first on slow machines."""


class Bench:
    """One execution of a workflow, and the people and machines that answer it.

    Attributes:
        ledger: The ledger, in memory.
        hand_off: The envelopes that were handed off.
        directory: The directory of people, empty at first.
        environment: The workflow function's environment; read when the execution starts.
        tables: Its tables, `policy` and `operators`; read when the execution starts.
        ports: The workflow's ports.
        runner: AWS's local runner.
        invocations: How often the handler was invoked, including replays.
    """

    def __init__(
        self, handler: Callable[[Any, Any], Any], workflow: str, policy: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self.ledger = MemoryLedger()
        self.hand_off = MemoryHandOff()
        self.clock = SystemClock()
        self.directory = MemoryDirectory()
        self.environment = {
            "WORKFLOW": workflow,
            "EXECUTION_TIMEOUT_SECONDS": "86400",
            "BASE_URL": "https://api.example.com",
        }
        self.tables: dict[str, Any] = {"policy": policy, "operators": ()}
        self.ports = Ports(self.environment, self.tables)
        self.ports.ledger, self.ports.hand_off = self.ledger, self.hand_off
        self.ports.directory, self.ports.cipher = self.directory, MemoryCipher()
        self.handler = handler
        self._invocation = Lock()
        self.runner = DurableFunctionTestRunner(self._counting(handler), poll_interval=POLL_SECONDS, skip_time=False)
        self.invocations = 0
        self._arn = ""

    def _counting(self, handler: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def counted(event: Any, context: Any) -> Any:
            with self._invocation:
                self.invocations += 1
                return handler(event, context)

        return counted

    def start(self, document: dict[str, Any], request_id: str = "order-1001") -> None:
        """Start the execution with this input."""
        asked = {"request_id": request_id, "workflow": self.environment["WORKFLOW"], "submitted_by": CALLER}
        payload = asked | {"input": document}
        self._arn = self.runner.run_async(json.dumps(payload), execution_name=request_id)

    def finish(self) -> DurableFunctionTestResult:
        """Wait until the execution ends, and return its outcome."""
        return self.runner.wait_for_result(self._arn, timeout=PATIENCE_SECONDS)

    def result(self) -> dict[str, Any]:
        """Wait until the execution succeeds, and return its result."""
        finished = self.finish()
        assert finished.status.value == "SUCCEEDED", finished.error
        document: dict[str, Any] = json.loads(finished.result or "null")
        return document

    def error(self) -> str:
        """Wait until the execution fails, and return the name of the error's class."""
        finished = self.finish()
        assert finished.error, finished.result
        return str(finished.error.type).rpartition(".")[2]

    def callback_id(self, name: str) -> str:
        """Wait until the execution has created the callback of this name, and return its id."""
        return self.runner.wait_for_callback(self._arn, name=name, timeout=PATIENCE_SECONDS)

    def open_task(self, task_id: str = "order-1001.approval") -> Task:
        """Wait until the task is open and handed off, and return it."""
        task: Task = self.until(lambda: (task := self.ledger.task(task_id)) and self.hand_off.sent and task)
        return task

    def until(self, condition: Callable[[], Any]) -> Any:
        """Wait until a condition holds, and return its value."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if found := condition():
                return found
            time.sleep(POLL_SECONDS)
        raise AssertionError(f"it did not happen within {PATIENCE_SECONDS} s")

    def answer(
        self,
        decision: Decision,
        recipient: str = "maria@example.com",
        comment: str = "",
        task_id: str = "order-1001.approval",
    ) -> Review:
        """Record an approver's vote. Call `relay` afterwards to wake the workflow."""
        task = self.open_task(task_id)
        token = "t" * 43
        self.ledger.put_link(Link(fingerprint(token) or "", task.task_id, recipient), self.clock.now())
        click = Click(token, decision, comment, task.shown, "same-origin", "")
        return Reviews(self.ledger, self.directory, self.clock).decide(click)

    def asked(self, name: str) -> Task:
        """Wait until the task of this wait is handed off, and return it."""
        task_id = f"order-1001.{name}"
        self.until(lambda: any(envelope["task_id"] == task_id for envelope in list(self.hand_off.sent)))
        return self.ledger.standing[task_id]

    def succeed(  # the token is made up  # nosec B107
        self, name: str, document: dict[str, Any], actor: str = "worker", token: str = "t"
    ) -> Receipt:
        """Answer a task like a worker, and ring like the relay."""
        sender = Sender(actor, "callback token", token=token)
        return self._told(self.results.succeed(self.asked(name).task_id, document, sender))

    def fail(self, name: str, code: str, actor: str = "worker") -> Receipt:
        """Report a failure like a worker, and ring like the relay."""
        failure = Failure(code, "in words", "and more")
        sender = Sender(actor, "callback token", token="t")  # made up  # nosec B106
        return self._told(self.results.fail(self.asked(name).task_id, failure, sender))

    def heartbeat(self, name: str) -> None:
        """Send a worker's heartbeat."""
        self.results.heartbeat(self.asked(name).task_id)

    def _told(self, receipt: Receipt) -> Receipt:
        if receipt.task.status is Status.DECIDED and receipt.task.ring is None:
            self.relay(receipt.task.task_id)
        return receipt

    @property
    def results(self) -> Results:
        """The use cases of machines' answers."""
        return Results(self.ledger, _RunnerHeartbeats(self.runner), self.clock, self.ports.cipher)

    @property
    def history(self) -> list[Any]:
        """Every operation of the execution, in the service's format."""
        return list(self.runner._store.load(self._arn).operations)

    @property
    def operations(self) -> list[str]:
        """The names of the execution's durable operations, sorted."""
        return sorted(str(each.name) for each in self.history if each.operation_type.value != "EXECUTION")

    def relay(self, task_id: str = "order-1001.approval") -> None:
        """Ring for a decided task, or for one about which a message has bounced, like the relay."""
        task = self.ledger.task(task_id)
        assert task
        assert task.status is Status.DECIDED or task.bounced
        Rings(self.ledger, _RunnerDoorbell(self.runner), self.clock).ring(task_id, task.callback_id)

    def replay(self) -> tuple[Any, list[str]]:
        """Run the handler again on the whole history of the ended execution.

        A handler that keeps the replay rules returns the same result, visits every operation and records no new one.

        Returns:
            The result, and the ids of the operations that it visited, sorted.
        """
        visited: list[str] = []
        look = ExecutionState.get_checkpoint_result

        def noted(state: ExecutionState, checkpoint_id: str, **options: Any) -> Any:
            if state.durable_execution_arn == self._arn:  # not an earlier test's execution that still runs
                visited.append(checkpoint_id)
            return look(state, checkpoint_id, **options)

        event = DurableExecutionInvocationInputWithClient(
            self._arn, "token", InitialExecutionState(self.history, ""), service_client=_Unreachable()
        )
        with mock.patch.object(ExecutionState, "get_checkpoint_result", noted):
            output = self.handler(event, LambdaContext("request"))
        assert output["Status"] == "SUCCEEDED", output
        return json.loads(output["Result"]), sorted(visited)

    @contextmanager
    def open(self) -> Iterator[Self]:
        """Let the execution run while the block lasts.

        At its end the runner stops, and a running invocation ends: a later one would act on the next test's ports.
        """
        with use(self.ports), mock.patch.dict("os.environ", _METRICS):
            try:
                yield self
            finally:
                close_runner(self.runner)
                self._invocation.acquire(timeout=PATIENCE_SECONDS)


def running(
    handler: Callable[[Any, Any], Any], workflow: str, policy: Sequence[Mapping[str, Any]] = ()
) -> AbstractContextManager[Bench]:
    """Run a workflow on a bench while the block lasts.

    Args:
        handler: The workflow's handler.
        workflow: Its name in the settings.
        policy: Its policy rows, with the keys of the settings.
    """
    return Bench(handler, workflow, policy).open()


def close_runner(runner: DurableFunctionTestRunner) -> None:
    """Close a runner and its event loop, which the runner leaves open."""
    runner.close()
    runner._scheduler._loop.close()


class _Unreachable:
    """The durable service; the replay of a whole history must not call it."""

    def checkpoint(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("a replay of the whole history must not record anything")

    def get_execution_state(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("a replay of the whole history must not read more of it")


class _RunnerDoorbell:
    def __init__(self, runner: DurableFunctionTestRunner) -> None:
        self._runner = runner

    def ring(self, callback_id: str, at: datetime, *, failed: bool = False) -> Ring:
        try:
            self._runner.send_callback_success(callback_id, b"")
        except AwsApiException as error:
            return Ring(RingState.CLOSED, at, type(error).__name__)
        return Ring(RingState.DELIVERED, at)


class _RunnerHeartbeats:
    def __init__(self, runner: DurableFunctionTestRunner) -> None:
        self._runner = runner

    def beat(self, callback_id: str) -> None:
        try:
            self._runner.send_callback_heartbeat(callback_id)
        except AwsApiException as error:
            raise TaskClosedError from error
