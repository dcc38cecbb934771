"""The deployed kit in one process: its functions, its services and a clock. Only rules make anything run."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import pytest

import approver.handler
import bus_events.handler
import executions.handler
import held_payment.handler
import held_payments.handler
import order_approval.handler
import patterns.document_collection
import patterns.encrypted_payload
import patterns.long_job
import payment.handler
import publisher.handler
import relay.handler
import sweeper.handler
from benchmarks.soak.clients import Bus, DeadLetters, Kms, Lambda, Post, Secrets, Source
from benchmarks.soak.durable import Durable
from benchmarks.soak.faults import Crash, FaultClient, Faults
from benchmarks.soak.runs import Run
from countersign.adapters.dynamodb_ledger import DynamoLedger
from countersign.adapters.secrets import ManagedSecrets
from countersign.composition import Ports, use
from countersign.domain.clock import SystemClock
from countersign.domain.errors import NotHandledError
from countersign.domain.tasks import WITHDRAWN_BY_CALLER, WITHDRAWN_BY_REQUESTER
from countersign.functions.clients import client
from countersign.testing.builders import sqs_event, status_change, stream_event
from countersign.testing.fakes import FixedClock
from countersign.testing.signing import STANDARD_SECRET
from tests.integration.conftest import (
    CODE_TABLES,
    ENVIRONMENT,
    REGION,
    TABLE,
    Handler,
    Page,
    call,
    forget_what_functions_made,
    statuses,
)
from tests.integration.output import Output

PROVIDER = "pay"
OPERATORS = ("olga@example.com", "oscar@example.com")
EXECUTION_TIMEOUT = timedelta(days=3)
BOSS = "boss@example.com"
ESCALATION = timedelta(minutes=15)
ESCALATED = "250.00"
"""An amount in the row with the escalation."""

POLICY = (
    {"currency": "EUR", "up_to": "50", "auto_approve": True},
    {
        "currency": "EUR",
        "up_to": "1000",
        "escalations": [{"after_seconds": int(ESCALATION.total_seconds()), "to": [BOSS]}],
    },
    {"currency": "EUR"},
)
"""The policy of order approvals: one row approves by itself, one has an escalation, one leaves all to the request."""

GRACE = timedelta(minutes=5)
"""The time after which a due item is overdue."""

WORKFLOWS: Mapping[str, Callable[[Any, Any], Any]] = {
    "order-approval": order_approval.handler.handler,
    "payment": payment.handler.handler,
    "document-collection": patterns.document_collection.handler,
    "encrypted-payload": patterns.encrypted_payload.handler,
    "long-job": patterns.long_job.handler,
    "held-payment": held_payment.handler.handler,
}
QUEUES: Mapping[str, Handler] = {
    "approvals": approver.handler.handler,
    "held_payments": held_payments.handler.handler,
    "results": bus_events.handler.handler,
    "executions": executions.handler.handler,
}
MOST_ROUNDS = 1000
"""The number of rounds of work after which the world does not come to rest."""


def _arn(workflow: str) -> str:
    return f"arn:aws:lambda:{REGION}:111122223333:function:{workflow}:live"


SETTINGS = ENVIRONMENT | {
    "PROVIDERS": json.dumps({PROVIDER: {"scheme": "standard_webhooks", "secret": "secret"}}),  # nosec B105  made up
    "ANSWERS_KEY": "key",
    "DEAD_LETTERS_URL": "https://sqs.example/results-dlq",
    "WORKFLOW_ARN": _arn("held-payment"),
    "DEADLINE_SECONDS": "7200",
    "LIMITS": json.dumps({"per_source": 12, "per_token": 4}),  # nosec B105  a limit
    "GRACE_SECONDS": str(int(GRACE.total_seconds())),
    "AT_MOST_SECONDS": "240",
}
TABLES: dict[str, Any] = {
    "workflows": {
        name: {"function": f"{name}:live", "deadline_seconds": 3600, "contract": name, "retired": False}
        for name in WORKFLOWS
    },
    "requests": {"providers": [PROVIDER], "requester": "input", "approver_domains": [], "prover": "", "callers": {}},
    "policies": {},
}


class World:
    """The kit and its services."""

    def __init__(self, patch: pytest.MonkeyPatch, tables: Any) -> None:
        """Set the kit up.

        Args:
            patch: Undoes every patch at the end.
            tables: A client of DynamoDB with `new_records`.
        """
        self.clock = FixedClock()
        self.faults = Faults()
        self.output = Output()
        self.tables = tables
        queues = {name: Source(handler, sqs_event) for name, handler in QUEUES.items()}
        self.sources = queues | {name: Source(handler, stream_event) for name, (handler, _) in STREAM.items()}
        self.begun_at = self.clock.now()
        self.bus = Bus(self.sources, self.clock)
        self.post = Post()
        self.secrets = Secrets(STANDARD_SECRET)
        self.durable = Durable(self._invoke, self.clock, self.faults, EXECUTION_TIMEOUT, self._execution_ended)
        self.functions = Lambda(self.durable)
        self.dead_letters = DeadLetters()
        self._clients = {
            "dynamodb": tables,
            "lambda": self.functions,
            "events": self.bus,
            "sesv2": self.post,
            "secretsmanager": self.secrets,
            "kms": Kms(),
            "sqs": self.dead_letters,
        }
        self._patch(patch)
        self.ledger = DynamoLedger(tables, TABLE)
        self._ports = {name: self._ports_of(name) for name in WORKFLOWS}

    def _patch(self, patch: pytest.MonkeyPatch) -> None:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        clients = SimpleNamespace(
            create_client=lambda service, **_: FaultClient(service, self._clients[service], self.faults),
            user_agent=lambda: "soak",
        )
        patch.setattr("countersign.functions.clients.session", lambda: clients)
        patch.setattr(SystemClock, "now", lambda _: self.clock.now())
        patch.setattr(ManagedSecrets.__init__, "__defaults__", (lambda: self.clock.now().timestamp(),))
        patch.setattr("countersign.retries.pause_seconds", lambda *_: 0)
        patch.setattr("countersign.adapters.callbacks.pause_seconds", lambda *_: 0)
        # The real time that the SDK waits at every invocation for checkpoints and for its end.
        patch.setattr("aws_durable_execution_sdk_python.state._STOP_SIGNAL_POLL_SECONDS", 0.001)
        client.cache_clear()
        forget_what_functions_made(**TABLES)

    def _ports_of(self, workflow: str) -> Ports:
        seconds = str(int(EXECUTION_TIMEOUT.total_seconds()))
        more = {"WORKFLOW": workflow, "EXECUTION_TIMEOUT_SECONDS": seconds}
        policy = POLICY if workflow == "order-approval" else ()
        # With the tables of every function: people also act while a workflow runs.
        return Ports(SETTINGS | more, CODE_TABLES | {"policy": policy, "operators": OPERATORS})

    def _invoke(self, workflow: str, event: Any, context: Any) -> Any:
        with use(self._ports[workflow]):
            return WORKFLOWS[workflow](event, context)

    def _execution_ended(self, run: Run) -> None:
        event = status_change(run.ended, run.name)
        event["detail"]["durableExecutionArn"] = run.arn
        self.sources["executions"].put(event)

    # Calls from outside

    def call(self, handler: Handler, method: str, path: str, **event: Any) -> Page:
        """Invoke a function as API Gateway does, which answers 502 after a crash.

        Raises:
            AssertionError: A request over the limit has written something.
        """
        before = self.faults.writes
        try:
            page = call(handler, method, path, **event)
        except Crash:
            return Page(502, {}, "")
        if page.status == HTTPStatus.TOO_MANY_REQUESTS and self.faults.writes != before:
            raise AssertionError(f"{method} {path} was one request too many, and has written something")
        return page

    # Between the functions

    def gather(self) -> list[dict[str, Any]]:
        """Return the stream's new records, and give them to the functions on the stream."""
        records: list[dict[str, Any]] = self.tables.new_records()
        for name, (_, wants) in STREAM.items():
            for record in filter(wants, records):
                self.sources[name].put(record)
        return records

    def sweep(self) -> None:
        """Invoke the sweeper, as its schedule does; the next sweep repeats a failed one."""
        with suppress(Crash, NotHandledError):
            sweeper.handler.handler({"detail-type": "Scheduled Event"}, None)

    def move_clock(self, seconds: float) -> None:
        """Move the clock, and fire the timers that are due."""
        self.clock.move(seconds=seconds)
        self.durable.time_has_passed()

    def settle(self, *, waiting: bool = True) -> None:
        """End all faults, and do all pending work.

        Args:
            waiting: Whether to move the clock to the timers too.
        """
        self.faults.armed.clear()
        self.bus.out_until = min(self.bus.out_until, self.clock.now())
        for _ in range(MOST_ROUNDS):
            if not (self._work_off() or (waiting and self._wait())):
                return
        raise AssertionError("the world does not come to rest")

    def sweep_after(self, wait: timedelta) -> None:
        """Move the clock, do the pending work, sweep, and do the work that results."""
        self.move_clock(wait.total_seconds())
        self.settle(waiting=False)
        self.sweep()
        self.settle(waiting=False)

    def _work_off(self) -> bool:
        self.gather()
        due = [run for run in self.durable.living() if run.due]
        for run in due:
            self.durable.run(run)
        busy = bool(due)
        for source in self.sources.values():
            source.redrive()
            if source.waiting:
                busy = True
                source.deliver(source.waiting[:10])
        return busy

    def _wait(self) -> bool:
        when = self.durable.next_timer()
        if when is None:
            return False
        self.move_clock(max(0.0, (when - self.clock.now()).total_seconds()))
        return True


def _is_decision(record: Mapping[str, Any]) -> bool:
    is_task = record["dynamodb"]["Keys"].get("sk") == {"S": "TASK"}
    wakes = (("OPEN", "DECIDED"), ("OPEN", "CANCELLED"))
    if not (is_task and record["eventName"] == "MODIFY" and statuses(record) in wakes):
        return False
    why = record["dynamodb"]["NewImage"].get("closed_because", {}).get("S", "")
    return why in ("", WITHDRAWN_BY_REQUESTER, WITHDRAWN_BY_CALLER)


_ENDS = {(before, after) for before in ("submitted", "running") for after in ("succeeded", "failed")}


def _is_for_publisher(record: Mapping[str, Any]) -> bool:
    sk = record["dynamodb"]["Keys"].get("sk", {}).get("S", "")
    is_due = sk.startswith("OUTBOX#") and record["eventName"] == "INSERT"
    has_ended = sk == "REQUEST" and statuses(record) in _ENDS
    return bool(is_due or has_ended or (sk == "TASK" and record["eventName"] != "REMOVE"))


STREAM: Mapping[str, tuple[Handler, Callable[[Mapping[str, Any]], bool]]] = {
    "relay": (relay.handler.handler, _is_decision),
    "publisher": (publisher.handler.handler, _is_for_publisher),
}
"""The functions on the ledger's stream, with the filters of their event sources."""
