"""One execution that succeeds, of each workflow of the kit: tests and `benchmarks.patterns` run them on the bench."""

import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from aws_durable_execution_sdk_python.lambda_service import ErrorObject
from aws_durable_execution_sdk_python_testing.exceptions import AwsApiException

from countersign.composition import use
from countersign.domain.rules import Decision
from countersign.testing.bench import Bench
from countersign.testing.builders import any_input
from patterns import decider

REVIEW = "order-1001.review"
DOCUMENTS = ("identity", "proof_of_address", "bank_statement")


class CallbackTimeoutError(Exception):
    """What Lambda says of a callback that is over."""


class LambdaClient:
    """Lambda, as the workflow and its plain function see it: keeps invocations, completes callbacks on the runner."""

    exceptions = SimpleNamespace(CallbackTimeoutException=CallbackTimeoutError)

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
        with _as_lambda_says():
            self._bench.runner.send_callback_success(CallbackId, Result)

    def send_durable_execution_callback_failure(self, *, CallbackId: str, Error: dict[str, str]) -> None:  # noqa: N803
        """Fail a callback."""
        with _as_lambda_says():
            self._bench.runner.send_callback_failure(
                CallbackId, ErrorObject(Error["ErrorMessage"], Error["ErrorType"], None, None)
            )


@contextmanager
def _as_lambda_says() -> Iterator[None]:
    try:
        yield
    except AwsApiException as error:
        raise CallbackTimeoutError from error


class PatternBench(Bench):
    """One execution of a workflow that asks machines, or a plain Lambda."""

    def __init__(self, handler: Callable[[Any, Any], Any], workflow: str) -> None:
        super().__init__(handler, workflow)
        self.lambda_client = LambdaClient(self)

    def decide(self) -> None:
        """Run the plain Lambda, once it was invoked."""
        self.until(lambda: self.lambda_client.invoked)
        decider.handler(self.lambda_client.invoked[-1], None)


@contextmanager
def on_the_bench(workflow: str, module: str = "") -> Iterator[PatternBench]:
    """Put a workflow on the official runner, with its ports in memory."""
    bench = PatternBench(_handler(workflow, module), workflow)
    lambda_client = patch.object(decider, "lambda_client", lambda: bench.lambda_client)
    with use(bench.ports), lambda_client, patch.dict("os.environ", {"DECIDER": "decider"}):
        try:
            yield bench
        finally:
            bench.close()


def _handler(workflow: str, module: str) -> Callable[[Any, Any], Any]:
    handler: Callable[[Any, Any], Any] = importlib.import_module(
        module or f"patterns.{workflow.replace('-', '_')}"
    ).handler
    return handler


def wait(name: str, rounds: int = 1) -> list[str]:
    """Return the operations of a wait."""
    return [f"{name} {kind} {number}" for number in range(1, rounds + 1) for kind in ("callback", "open", "read")]


RESULT = "record result"


@dataclass(frozen=True)
class Script:
    """How an execution of a workflow goes well.

    Attributes:
        input: What it is started with, without a deadline.
        play: What happens outside.
        result: What it returns.
        operations: The names of its durable operations, sorted. They never change: executions in flight know them.
        module: Where the handler is; `patterns.<workflow>` by default.
    """

    input: Mapping[str, Any]
    play: Callable[[PatternBench], object]
    result: Mapping[str, Any]
    operations: list[str]
    module: str = ""


def verification(**changes: Any) -> dict[str, Any]:
    """Return the answer of a verification service."""
    return {"verification_id": "v-1", "status": "verified", "score": 91, "flags": []} | changes


def document(kind: str, **changes: Any) -> dict[str, Any]:
    """Return the answer that a document was uploaded."""
    return {"document_type": kind, "file_url": f"s3://files/{kind}", "uploaded_by": "u-1"} | changes


def _both_checks(bench: PatternBench) -> None:
    bench.succeed("fraud_check", {"risk_level": "low"})
    bench.succeed("credit_check", {"score": 700})


def _second_attempt(bench: PatternBench) -> None:
    bench.fail("attempt-1", "Busy")
    bench.succeed("attempt-2", {"answer": 42})


def _fallback(bench: PatternBench) -> None:
    bench.fail("primary", "Down")
    bench.succeed("fallback", {"answer": 42})


def _a_long_job(bench: PatternBench) -> None:
    bench.heartbeat("job")
    bench.succeed("job", {"frames": 24})


def _every_document(bench: PatternBench) -> None:
    for kind in reversed(DOCUMENTS):
        bench.succeed("documents", document(kind))


def _a_person(bench: PatternBench) -> None:
    bench.succeed("verification", verification(score=70))
    bench.answer(Decision.APPROVE, task_id=REVIEW)
    bench.relay(REVIEW)


def _an_approval(bench: PatternBench) -> None:
    bench.answer(Decision.APPROVE)
    bench.relay()


SCRIPTS: dict[str, Script] = {
    "order-approval": Script(
        any_input(),
        _an_approval,
        {"order_id": "1001", "status": "approved", "decided_by": "maria@example.com", "comment": ""},
        [*wait("approval"), RESULT],
        "order_approval.handler",
    ),
    "payment": Script(
        {"order_id": "1001", "provider": "bank", "external_id": "p-1", "amount": "12.50", "currency": "EUR"},
        lambda bench: bench.succeed("payment", {"status": "paid", "amount": "12.5", "currency": "EUR"}),
        {
            "order_id": "1001",
            "status": "paid",
            "provider": "bank",
            "external_id": "p-1",
            "amount": "12.50",
            "currency": "EUR",
        },
        [*wait("payment"), RESULT],
        "payment.handler",
    ),
    "data-enrichment": Script(
        {"user_data": {"name": "Ana", "city": "?"}},
        lambda bench: bench.succeed("enrichment", {"city": "Bonn", "processed_at": "2026-03-01T09:00:00Z"}),
        {
            "status": "enriched",
            "original": {"name": "Ana", "city": "?"},
            "enriched": {"city": "Bonn", "processed_at": "2026-03-01T09:00:00Z"},
            "timestamp": "2026-03-01T09:00:00Z",
        },
        [*wait("enrichment"), RESULT],
    ),
    "parallel-checks": Script(
        {"customer_id": "c-1", "transaction": {"amount": "12.50"}},
        _both_checks,
        {"status": "approved", "credit_score": 700, "fraud_risk": "low"},
        ["checks", "credit_check", *wait("credit_check"), "fraud_check", *wait("fraud_check"), RESULT],
    ),
    "retry-callback": Script(
        {"data": {"query": 1}},
        _second_attempt,
        {"status": "completed", "attempts": 2, "result": {"answer": 42}},
        [*wait("attempt-1"), "pause-1", *wait("attempt-2"), RESULT],
    ),
    "conditional-results": Script(
        {"data": 1},
        lambda bench: bench.succeed("processing", {"type": "partial", "done": 3}),
        {"status": "partially_processed", "detail": {"type": "partial", "done": 3}},
        [*wait("processing"), RESULT],
    ),
    "fallback-service": Script(
        {"data": 1, "primary_seconds": 30},
        _fallback,
        {"status": "completed", "source": "fallback", "result": {"answer": 42}},
        [*wait("primary"), *wait("fallback"), RESULT],
    ),
    "document-collection": Script(
        {"user_id": "u-1"},
        _every_document,
        {"status": "complete", "documents": {kind: document(kind) for kind in DOCUMENTS}},
        [*wait("documents"), RESULT],
    ),
    "identity-verification": Script(
        {"user_id": "u-1", "reviewers": ["maria@example.com"]},
        _a_person,
        {"status": "verified", "score": 70, "reviewed_by": "maria@example.com"},
        [*wait("verification"), *wait("review"), RESULT],
    ),
    "contact-confirmation": Script(
        {"user_id": "u-1", "email": "ana@example.com", "phone": "+49 1"},
        lambda bench: bench.succeed("confirmation", {"confirmed": True}, "phone_confirmation"),
        {"status": "confirmed", "channel": "phone"},
        [*wait("confirmation"), RESULT],
    ),
    "long-job": Script(
        {"job": "render", "heartbeat_seconds": 30},
        _a_long_job,
        {"status": "completed", "result": {"frames": 24}},
        [*wait("job"), RESULT],
    ),
    "two-lambdas": Script(
        {"order_id": "1001"},
        lambda bench: bench.decide(),
        {"order_id": "1001", "status": "approved", "decided_by": "decider"},
        ["decision", "decision create callback id", "decision submitter", RESULT],
    ),
    "split-callback": Script(
        {"order_id": "1001"},
        lambda bench: bench.decide(),
        {"order_id": "1001", "status": "approved", "decided_by": "decider", "counted": 4},
        ["decision", "hand out", "meanwhile", RESULT],
    ),
    "customer-input": Script(
        {"customer_id": "c-1"},
        lambda bench: bench.succeed("input", {"email": "ana@example.com", "date_of_birth": "1990-01-31"}),
        {
            "status": "received",
            "input": {"email": "ana@example.com", "date_of_birth": "1990-01-31"},
            "rejected_attempts": 0,
        },
        [*wait("input"), RESULT],
    ),
    "encrypted-payload": Script(
        {"subject": "u-1"},
        lambda bench: bench.succeed("secret", {"pin": "4711-pin", "account": "DE-account"}),
        {"status": "received", "fields": ["account", "pin"]},
        [*wait("secret"), "secret open answer", RESULT],
    ),
}


def run(workflow: str, bench: PatternBench) -> dict[str, Any]:
    """Play a workflow's script to its end, and return its result."""
    script = SCRIPTS[workflow]
    bench.start({"deadline_seconds": 60, **script.input})
    script.play(bench)
    return bench.result()
