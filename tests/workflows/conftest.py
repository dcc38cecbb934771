"""Workflows on AWS's own local runner, with the ledger in memory."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from aws_durable_execution_sdk_python_testing.runner import DurableFunctionTestResult, DurableFunctionTestRunner

from countersign.domain.answers import Sender
from countersign.domain.clock import SystemClock
from countersign.domain.errors import TaskClosedError
from countersign.domain.links import Link
from countersign.domain.policy import Policy
from countersign.domain.rules import Decision
from countersign.domain.tasks import Failure, Status, Task
from countersign.services.answers import Receipt, Results
from countersign.services.reviews import Click, Review, Reviews
from countersign.services.rings import Rings
from countersign.workflows.runtime import Runtime, use
from tests.builders import CALLER
from tests.fakes import MemoryCipher, MemoryDirectory, MemoryHandOff, MemoryLedger

POLL_SECONDS = 0.02
PATIENCE_SECONDS = 20

SHORT_SECONDS = 3
"""A wait that a test sits out, long enough to be handed off first: it counts from whole seconds, on a slow machine."""


def any_order_input(**overrides: Any) -> dict[str, Any]:
    """Return a valid input of order-approval."""
    return {
        "order_id": "1001",
        "amount": "250.00",
        "currency": "EUR",
        "description": "Twelve office chairs",
        "requester": "rita@example.com",
        "approvers": ["maria@example.com"],
        "deadline_seconds": 60,
    } | overrides


class Bench:
    """One execution of a workflow, and everybody around it."""

    def __init__(self, handler: Callable[[Any, Any], Any], workflow: str, policy: Policy | None = None) -> None:
        self.ledger = MemoryLedger()
        self.hand_off = MemoryHandOff()
        self.clock = SystemClock()
        self.directory = MemoryDirectory()
        self.runtime = Runtime(
            workflow,
            timedelta(days=1),
            self.ledger,
            self.hand_off,
            self.directory,
            self.clock,
            "https://api.example.com/callbacks",
            MemoryCipher(),
            policy,
        )
        self.runner = DurableFunctionTestRunner(self._counting(handler), poll_interval=POLL_SECONDS, skip_time=False)
        self.invocations = 0
        self._arn = ""

    def _counting(self, handler: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def counted(event: Any, context: Any) -> Any:
            self.invocations += 1
            return handler(event, context)

        return counted

    def start(self, document: dict[str, Any], request_id: str = "order-1001") -> None:
        asked = {"request_id": request_id, "workflow": self.runtime.workflow, "submitted_by": CALLER}
        payload = asked | {"input": document}
        self._arn = self.runner.run_async(json.dumps(payload), execution_name=request_id)

    def finish(self) -> DurableFunctionTestResult:
        return self.runner.wait_for_result(self._arn, timeout=PATIENCE_SECONDS)

    def result(self) -> dict[str, Any]:
        finished = self.finish()
        assert finished.status.value == "SUCCEEDED", finished.error
        document: dict[str, Any] = json.loads(finished.result or "null")
        return document

    def callback_id(self, name: str) -> str:
        return self.runner.wait_for_callback(self._arn, name=name, timeout=PATIENCE_SECONDS)

    def open_task(self, task_id: str = "order-1001.approval") -> Task:
        """Wait until the task is open and handed off, and return it."""
        task: Task = self.until(lambda: (task := self.ledger.task(task_id)) and self.hand_off.sent and task)
        return task

    def until(self, condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if found := condition():
                return found
            time.sleep(POLL_SECONDS)
        pytest.fail("it did not happen in time")

    def answer(
        self,
        decision: Decision,
        recipient: str = "maria@example.com",
        comment: str = "",
        task_id: str = "order-1001.approval",
    ) -> Review:
        """Record what a click says; nobody rings."""
        task = self.open_task(task_id)
        token = "t" * 43
        self.ledger.put_link(Link(_fingerprint(token), task.task_id, recipient), self.clock.now())
        click = Click(token, decision, comment, task.shown, "same-origin", "")
        return Reviews(self.ledger, self.directory, self.clock).decide(click)

    def asked(self, name: str) -> Task:
        """Wait until the task of this wait was handed to a machine, and return it."""
        task_id = f"order-1001.{name}"
        self.until(lambda: any(envelope["task_id"] == task_id for envelope in list(self.hand_off.sent)))
        return self.ledger.standing[task_id]

    def succeed(self, name: str, document: dict[str, Any], actor: str = "worker", token: str = "t") -> Receipt:
        """Answer as a machine does, and ring as the relay does."""
        sender = Sender(actor, "callback token", token=token)
        return self._told(self.results.succeed(self.asked(name).task_id, document, sender))

    def fail(self, name: str, code: str, actor: str = "worker") -> Receipt:
        """Say as a machine that it cannot, and ring as the relay does."""
        failure, sender = Failure(code, "in words", "and more"), Sender(actor, "callback token", token="t")
        return self._told(self.results.fail(self.asked(name).task_id, failure, sender))

    def heartbeat(self, name: str) -> None:
        self.results.heartbeat(self.asked(name).task_id)

    def _told(self, receipt: Receipt) -> Receipt:
        if receipt.task.status is Status.DECIDED and receipt.task.ring is None:
            self.relay(receipt.task.task_id)
        return receipt

    @property
    def results(self) -> Results:
        return Results(self.ledger, _RunnerHeartbeats(self.runner), self.clock, self.runtime.cipher)

    @property
    def arn(self) -> str:
        return self._arn

    @property
    def history(self) -> list[Any]:
        """Every operation of the execution, as the service keeps them."""
        return list(self.runner._store.load(self._arn).operations)

    def relay(self, task_id: str = "order-1001.approval") -> None:
        """Ring as the relay does when the stream tells it of the decision."""
        task = self.ledger.task(task_id)
        assert task
        assert task.status is Status.DECIDED
        Rings(self.ledger, _RunnerDoorbell(self.runner), self.clock).ring(task_id, task.callback_id)

    def close(self) -> None:
        close_runner(self.runner)


@contextmanager
def running(
    handler: Callable[[Any, Any], Any], workflow: str, policy: Sequence[Mapping[str, Any]] = ()
) -> Iterator[Bench]:
    """Put a workflow on the bench, under a policy if it has rows, for as long as the block lasts."""
    bench = Bench(handler, workflow, Policy.from_document(policy) if policy else None)
    with use(bench.runtime), pytest.MonkeyPatch.context() as patch:
        patch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Countersign")
        yield bench
        bench.close()


def close_runner(runner: DurableFunctionTestRunner) -> None:
    """Close a runner and the event loop that it leaves open."""
    runner.close()
    runner._scheduler._loop.close()


class _RunnerDoorbell:
    def __init__(self, runner: DurableFunctionTestRunner) -> None:
        self._runner = runner

    def ring(self, callback_id: str, at: Any, *, failed: bool = False) -> Any:
        from aws_durable_execution_sdk_python_testing.exceptions import AwsApiException

        from countersign.domain.tasks import Ring

        try:
            self._runner.send_callback_success(callback_id, b"")
        except AwsApiException as error:
            return Ring("closed", at, type(error).__name__)
        return Ring("delivered", at)


class _RunnerHeartbeats:
    def __init__(self, runner: DurableFunctionTestRunner) -> None:
        self._runner = runner

    def beat(self, callback_id: str) -> None:
        from aws_durable_execution_sdk_python_testing.exceptions import AwsApiException

        try:
            self._runner.send_callback_heartbeat(callback_id)
        except AwsApiException as error:
            raise TaskClosedError from error


def _fingerprint(token: str) -> str:
    from countersign.domain.tokens import fingerprint

    found = fingerprint(token)
    assert found
    return found


@pytest.fixture
def bench() -> Iterator[Bench]:
    from order_approval.handler import handler

    with running(handler, "order-approval") as made:
        yield made
