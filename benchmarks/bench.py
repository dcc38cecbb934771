"""A workflow of the kit on AWS's local runner, with machines that answer by its script."""

import importlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from aws_durable_execution_sdk_python.lambda_service import ErrorObject
from aws_durable_execution_sdk_python_testing.exceptions import AwsApiException

from countersign.domain.answers import Sender
from countersign.domain.errors import AnswerRefusedError
from countersign.services.answers import failure_of
from countersign.testing import Bench, Decision
from local.demo.scripts import APPROVER, ORDER, PAYMENT, QUESTION, SCRIPTS, Call, Script, succeed
from patterns import decider

REQUEST_ID = "order-1001"

_PAID = {name: PAYMENT[name] for name in ("amount", "currency")}
WORKFLOWS: Mapping[str, Script] = {
    "order-approval": Script(
        ORDER,
        {"order_id": ORDER["order_id"], "status": "approved", "decided_by": APPROVER, "comment": ""},
        reviewer=APPROVER,
    ),
    "approval": Script(QUESTION, {"status": "approved", "decided_by": APPROVER, "comment": ""}, reviewer=APPROVER),
    "payment": Script(
        {**PAYMENT, "external_id": "p-1"},
        {**PAYMENT, "external_id": "p-1", "status": "paid"},
        {"payment.requested": ((succeed(status="paid", **_PAID),),)},
    ),
    **{name: ways["happy"] for name, ways in SCRIPTS.items()},
}
"""One successful execution of each workflow; the results of approvals are without their times."""


class LambdaClient:
    """A client of Lambda that keeps invocations and completes callbacks on the runner."""

    exceptions = SimpleNamespace(CallbackTimeoutException=AwsApiException)

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.invoked: list[dict[str, Any]] = []
        self.refusals = 0

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: bytes) -> None:  # noqa: N803  boto3's own
        """Keep the invocation, or refuse it."""
        assert (FunctionName, InvocationType) == ("decider", "Event")
        if self.refusals:
            self.refusals -= 1
            raise ConnectionError("refused")
        self.invoked.append(json.loads(Payload))

    def send_durable_execution_callback_success(self, *, CallbackId: str, Result: bytes) -> None:  # noqa: N803
        """Complete a callback."""
        self._bench.runner.send_callback_success(CallbackId, Result)

    def send_durable_execution_callback_failure(self, *, CallbackId: str, Error: dict[str, str]) -> None:  # noqa: N803
        """Fail a callback."""
        error = ErrorObject(Error["ErrorMessage"], Error["ErrorType"], None, None)
        self._bench.runner.send_callback_failure(CallbackId, error)


class PatternBench(Bench):
    """One execution of a workflow that asks machines, or a plain Lambda."""

    def __init__(self, handler: Callable[[Any, Any], Any], workflow: str) -> None:
        super().__init__(handler, workflow)
        self.lambda_client = LambdaClient(self)

    def decide(self) -> None:
        """Run the plain Lambda, once it was invoked."""
        self.until(lambda: self.lambda_client.invoked)
        decider.handler(self.lambda_client.invoked[-1], None)

    def play(self, script: Script, **changes: Any) -> dict[str, Any]:
        """Start a script's execution with these changes of its input, play the script, and return the result."""
        self.start({"deadline_seconds": 60, **script.input, **changes}, REQUEST_ID)
        asked: Counter[str] = Counter()

        def is_over() -> bool:
            for envelope in self.hand_off.sent[asked.total() :]:
                self._answer(script, envelope, asked[envelope["kind"]])
                asked[envelope["kind"]] += 1
            if self.lambda_client.invoked:
                decider.handler(self.lambda_client.invoked.pop(), None)
            request = self.ledger.asked.get(REQUEST_ID)
            return request is not None and request.result is not None

        self.until(is_over)
        return self.result()

    def _answer(self, script: Script, envelope: Mapping[str, Any], number: int) -> None:
        """Answer the hand-off of this number of its kind."""
        kind, task_id = envelope["kind"], envelope["task_id"]
        if kind == "approval.requested":
            if script.reviewer:
                self.answer(Decision.APPROVE, script.reviewer, task_id=task_id)
                self.relay(task_id)
            return
        for call in script.reply(kind, number):
            self._call(task_id.removeprefix(f"{REQUEST_ID}."), kind.removesuffix(".requested"), call)

    def _call(self, name: str, actor: str, call: Call) -> None:
        if call.said == "heartbeat":
            self.heartbeat(name)
        elif call.said == "fail":
            sender = Sender(actor, "callback token", token="t")  # noqa: S106  made up  # nosec B106
            self._told(self.results.fail(self.asked(name).task_id, failure_of(call.document or {}), sender))
        else:
            with suppress(AnswerRefusedError):
                self.succeed(name, dict(call.document or {}), actor)


@contextmanager
def on_the_bench(workflow: str) -> Iterator[PatternBench]:
    """Put a workflow on the official runner, with its ports in memory."""
    name = workflow.replace("-", "_")
    module = importlib.import_module(f"patterns.{name}" if workflow in SCRIPTS else f"{name}.handler")
    bench = PatternBench(module.handler, workflow)
    lambda_client = patch.object(decider, "lambda_client", lambda: bench.lambda_client)
    with lambda_client, patch.dict("os.environ", {"DECIDER": "decider"}), bench.open():
        yield bench
