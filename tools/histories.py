"""Record what workflows do: `make histories` records those of extensions/, and a release those of the kit.

A history has the operations of executions at each of their waits, where an execution may stay for a year, and at their
ends. `make upgrade-check` replays it against later code. Unchanged code records the same bytes.
"""

from __future__ import annotations

import json
import logging
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

from aws_durable_execution_sdk_python.lambda_service import Operation, OperationStatus

from benchmarks.bench import WORKFLOWS, PatternBench
from countersign.composition import use
from countersign.domain.answers import Sender
from countersign.domain.audit import AuditEvent
from countersign.domain.errors import AnswerRefusedError
from countersign.domain.tasks import Status
from countersign.services.provider_events import ProviderEvents
from countersign.testing import NOW, Decision, any_event, any_payment_task
from countersign.testing.bench import close_runner
from countersign.testing.builders import any_paid_task
from local.demo.scripts import APPROVER, ORDER, PAYMENT, QUESTION, REFUND, SCRIPTS, Call, Script, succeed
from operate.terminal import Terminal
from patterns import decider
from tools.rehearsal import Handler, Rehearsal
from tools.sealed import seal

ROOT = Path(__file__).resolve().parents[1]
EXTENSIONS = ROOT / "extensions" / "workflows"
OWN = ROOT / "extensions" / "tests" / "histories"
"""The histories of a fork's workflows."""

OPERATOR = "finance@example.com"
_HELD: Mapping[str, Any] = {"task_id": "order-1002.payment", "event_id": "evt_1"}

_REFUND: Mapping[str, Any] = {**REFUND, "payment_request_id": "order-1003"}

KIT: Mapping[str, Mapping[str, Script]] = {
    **SCRIPTS,
    "order-approval": {
        "happy": WORKFLOWS["order-approval"],
        "reminded": Script({**ORDER, "reminders_seconds": [20, 40]}, {}),
    },
    "approval": {"happy": WORKFLOWS["approval"], "timeout": Script(QUESTION, {})},
    "payment": {"happy": WORKFLOWS["payment"], "timeout": Script({**PAYMENT, "external_id": "p-1"}, {})},
    "refund": {
        "carried out": Script(_REFUND, {}, {"refund.requested": ((succeed(refund_id="re_1"),),)}, APPROVER),
        "declined": Script(_REFUND, {}, {"refund.requested": ((Call("fail", {"code": "declined"}),),)}, APPROVER),
        "timeout": Script(_REFUND, {}),
    },
    "held-payment": {"happy": Script(_HELD, {}, reviewer=OPERATOR), "timeout": Script(_HELD, {})},
}
"""The recorded executions of each workflow of the kit."""


@dataclass(frozen=True)
class Moment:
    """An execution at one of its waits, or at its end.

    Attributes:
        waits: Whether the execution waits.
        operations: The execution and its operations, parents before children, in the order of the code.
    """

    waits: bool
    operations: list[Operation]


@dataclass(frozen=True)
class Run:
    """One recorded execution.

    Attributes:
        tables: The tables of its function's version: policy and operators.
        moments: Its waits and its end.
    """

    tables: Mapping[str, Any]
    moments: Sequence[Moment]


@dataclass(frozen=True)
class History:
    """The recorded executions of one workflow, by the names of their scripts."""

    workflow: str
    runs: Mapping[str, Run]

    @classmethod
    def read(cls, file: Path) -> History:
        """Read a history; the file's name is that of the workflow."""
        runs = {}
        for name, run in json.loads(file.read_text("utf-8")).items():
            moments = ((each["waits"], map(Operation.from_json_dict, each["operations"])) for each in run["moments"])
            runs[name] = Run(run["tables"], [Moment(waits, list(operations)) for waits, operations in moments])
        return cls(file.stem, runs)

    def write(self, folder: Path) -> None:
        """Write it into a folder."""
        document = {
            name: {
                "tables": run.tables,
                "moments": [
                    {"waits": each.waits, "operations": [operation.to_json_dict() for operation in each.operations]}
                    for each in run.moments
                ],
            }
            for name, run in self.runs.items()
        }
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.workflow}.json").write_text(f"{json.dumps(document, indent=1, sort_keys=True)}\n", "utf-8")


class Recorder(PatternBench):
    """One execution that is recorded, or that is replayed from recorded operations.

    Attributes:
        rehearsal: Lambda's side of the execution.
        moments: Its waits and its end.
    """

    def __init__(
        self, handler: Handler, workflow: str, tables: Mapping[str, Any], operations: Sequence[Operation] = ()
    ) -> None:
        super().__init__(handler, workflow)
        close_runner(self.runner)
        self.tables |= tables
        self.rehearsal = Rehearsal(handler, operations)
        self.runner = self.rehearsal  # type: ignore[assignment]  # the part of its interface that a bench uses
        self.clock = self.ports.clock = self.rehearsal.clock  # type: ignore[assignment]
        self.moments: list[Moment] = []

    def until(self, condition: Callable[[], Any]) -> Any:
        """Let the execution go on until a condition holds, or it has ended; return the condition's value."""
        while not (found := condition()) and self._go_on():
            pass
        return found

    def result(self) -> dict[str, Any]:
        """Return nothing: a history has the result."""
        return {}

    def _go_on(self) -> bool:
        """Invoke the handler if an operation has changed, if need be by passing time; tell whether it was invoked."""
        if self.moments and not self._is_due(self.moments[-1]):
            return False
        waits = self.rehearsal.invoke()["Status"] == "PENDING"
        self.moments.append(Moment(waits, self.rehearsal.operations))
        return True

    def _is_due(self, last: Moment) -> bool:
        return last.waits and (self.rehearsal.operations != last.operations or self.rehearsal.pass_time())


class Improviser(Recorder):
    """Plays a workflow without a script: unless everybody is silent, people approve and machines answer."""

    def _answer(self, script: Script, envelope: Mapping[str, Any], number: int) -> None:  # noqa: ARG002
        if not script.reviewer:
            return
        task = self.ledger.standing[envelope["task_id"]]
        if envelope["kind"] == "approval.requested":
            for person in task.audience:
                if self.ledger.standing[task.task_id].status is Status.OPEN:
                    self.answer(Decision.APPROVE, person, task_id=task.task_id)
            if self.ledger.standing[task.task_id].status is Status.DECIDED:
                self.relay(task.task_id)
            return
        with suppress(AnswerRefusedError):
            self.succeed(task.task_id.removeprefix(f"{task.request_id}."), _answer_of(task.question))


def record(
    workflow: str,
    handler: Handler,
    scripts: Mapping[str, Script],
    tables: Mapping[str, Any] | None = None,
    recorder: type[Recorder] = Recorder,
) -> History:
    """Play scripts, and return the history."""
    runs = {}
    for name, script in scripts.items():
        bench = recorder(handler, workflow, tables or {})
        if prepare := _BEFORE.get(workflow):
            prepare(bench)
        with at_rest(bench):
            bench.play(script)
        retried = OperationStatus.PENDING  # a step between two attempts
        moments = [each for each in bench.moments if all(one.status is not retried for one in each.operations)]
        runs[name] = Run(tables or {}, moments)
    return History(workflow, runs)


def record_kit(folder: Path) -> None:
    """Write the history of every workflow of the kit into a folder."""
    for workflow, scripts in KIT.items():
        tables = {"operators": [OPERATOR]} if workflow == "held-payment" else {}
        record(workflow, kit_handler(workflow), scripts, tables).write(folder)


def record_extension(workflow: str) -> History:
    """Return the history of a fork's workflow: for each example of its input, everybody answers, or nobody does."""
    file = EXTENSIONS / workflow.replace("-", "_") / "input.json"
    examples = enumerate(json.loads(file.read_text("utf-8")).get("examples", ()), start=1)
    scripts = {
        f"example {number}, {how}": Script(example, {}, reviewer=reviewer)
        for number, example in examples
        for how, reviewer in (("answered", "everybody"), ("silent", ""))
    }
    return record(workflow, extension_handler(workflow), scripts, {"policy": _policy(workflow)}, Improviser)


def kit_handler(workflow: str) -> Handler:
    """Return the handler of a workflow of the kit."""
    name = workflow.replace("-", "_")
    handler: Handler = import_module(f"patterns.{name}" if workflow in SCRIPTS else f"{name}.handler").handler
    return handler


def extension_handler(workflow: str) -> Handler:
    """Return the handler of a fork's workflow."""
    handler: Handler = import_module(f"extensions.workflows.{workflow.replace('-', '_')}.handler").handler
    return handler


def extensions() -> list[str]:
    """Return the names of the fork's workflows."""
    folders = (file.parent for file in EXTENSIONS.glob("*/handler.py") if (file.parent / "input.json").is_file())
    return sorted(folder.name.replace("_", "-") for folder in folders)


@contextmanager
def at_rest(bench: Recorder) -> Iterator[None]:
    """Let workflows use the recorder's ports and the same idempotency keys, and keep the logs of failures quiet."""
    numbers = count(1)
    keys = patch("uuid.uuid4", lambda: UUID(int=next(numbers)))
    lambda_client = patch.object(decider, "lambda_client", lambda: bench.lambda_client)
    logging.disable()
    try:
        with use(bench.ports), lambda_client, keys, patch.dict("os.environ", {"DECIDER": "decider"}):
            yield
    finally:
        logging.disable(logging.NOTSET)


def _hold_a_payment(bench: Recorder) -> None:
    now = bench.clock.now()
    times = {"opened_at": now, "expires_at": now + timedelta(hours=1)}
    payment = any_payment_task(task_id=_HELD["task_id"], request_id="order-1002", **times)
    bench.ledger.open(payment, (AuditEvent("opened", "payment"),), now)
    events = ProviderEvents(bench.ledger, bench.clock)
    events.receive(any_event(amount="25.00", occurred_at=now), "digest", Sender("pay", "webhook signature"))


def _pay(bench: Recorder) -> None:
    paid = {"request_id": "order-1003", "answer": '{"amount":"1249.90","currency":"EUR","status":"paid"}'}
    bench.ledger.open(any_paid_task(task_id="order-1003.payment", **paid), (AuditEvent("opened", "payment"),), NOW)


_BEFORE: Mapping[str, Callable[[Recorder], None]] = {"held-payment": _hold_a_payment, "refund": _pay}
"""What a workflow's executions find in the ledger."""


def _answer_of(question: Any) -> dict[str, Any]:
    """Return a machine's answer: paid as expected, or empty."""
    expected = question.correlation
    return {"status": "paid", "amount": str(expected.amount), "currency": expected.currency} if expected else {}


def _policy(workflow: str) -> list[dict[str, Any]]:
    """Return the policy of the first stage, by name, that has one for a workflow."""
    for file in sorted((ROOT / "settings").glob("*.toml")):
        rows: list[dict[str, Any]] = tomllib.loads(file.read_text("utf-8")).get("policies", {}).get(workflow, [])
        if rows:
            return rows
    return []


def main() -> int:
    """Record the fork's workflows, unless that hides a break; return the exit status."""
    from tools.upgrade_check import FIX, WHY, check_folder

    terminal, names = Terminal(), extensions()
    breaks = [each for each in check_folder(OWN, "your history", extension_handler) if each.is_fatal]
    for each in breaks:
        terminal.error(str(each))
    if breaks:
        terminal.error(f"nothing is recorded. {WHY}", FIX, "Once no execution waits any more, delete the history.")
        return 1
    for name in names:
        record_extension(name).write(OWN)
    if names:
        seal(OWN)
    terminal.say(
        f"Recorded {', '.join(names)} in {OWN.relative_to(ROOT)}." if names else "extensions/ has no workflow."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
