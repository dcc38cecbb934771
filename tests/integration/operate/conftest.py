"""The program `countersign` on a stage whose stacks a test describes, with moto's AWS behind it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel

import operate.stage
from countersign.functions.clients import client
from countersign.testing.builders import stream_event
from operate.errors import OperateError, Status
from operate.program import main
from operate.stage import Stage, Target
from publisher.handler import handler as publish
from tests import SETTINGS
from tests.integration.conftest import ALIAS, BUS, DIRECTORY_TABLE, TABLE, Answer, Kit, Operation, answering

OPERATOR = "arn:aws:sts::123456789012:user/moto"
QUEUES = ("approvals", "approvals-dlq", "approvals-rule-dlq", "order-approval-starts-dlq", "relay-dlq")


class DeployedStage(Stage):
    """The stage `dev`: its stacks as a test describes them, its tables and queues in moto."""

    def __init__(self) -> None:
        super().__init__(Target(stage="dev"), "dev", "the stage dev", client)
        self.queues = {name: client("sqs").create_queue(QueueName=name)["QueueUrl"] for name in QUEUES}
        public = {"ApiUrl": "https://api.example.com", "ApiId": "api", "Providers": "{}"}
        public |= {"Queues": json.dumps({name: self.queues[name] for name in QUEUES[:3]})}
        workflow = {"Workflows": json.dumps({"order-approval": ALIAS})}
        workflow |= {"Queues": json.dumps({name: self.queues[name] for name in QUEUES[3:]})}
        self.described: dict[str, dict[str, Any]] = {
            "ledger": _stack({"TableName": TABLE, "DirectoryTableName": DIRECTORY_TABLE, "BusName": BUS}),
            "public": _stack(public),
            "patterns": _stack({}),
            "workflow": _stack(workflow),
            "monitoring": _stack({}),
        }
        self.built: list[tuple[str, str, str]] = []

    def change(self, **changes: Any) -> None:
        """Change the settings; a dictionary changes fields of a table."""
        tables = {name: getattr(self.settings, name) for name in changes}
        changed = {
            name: tables[name].model_copy(update=change)
            if isinstance(change, dict) and isinstance(tables[name], BaseModel)
            else change
            for name, change in changes.items()
        }
        vars(self)["settings"] = self.settings.model_copy(update=changed)

    def describe(self, stack: str) -> dict[str, Any]:
        if stack not in self.described:
            raise OperateError(f"{self.stack_name(stack)} is not deployed", "deploy", Status.NO_ACCESS)
        return self.described[stack]

    def resources(self, kind: str, *stacks: str) -> list[str]:
        return [name for stack, what, name in self.built if what == kind and stack in (stacks or ("workflow",))]


def _stack(outputs: dict[str, str]) -> dict[str, Any]:
    listed = [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()]
    return {"StackStatus": "CREATE_COMPLETE", "Outputs": listed, "EnableTerminationProtection": True}


@pytest.fixture
def stage(aws: None, monkeypatch: pytest.MonkeyPatch) -> DeployedStage:
    """The stage that every command finds, with the tests' settings of it."""
    stage = DeployedStage()
    monkeypatch.setattr(operate.stage, "SETTINGS", SETTINGS)
    monkeypatch.setattr(Target, "find", lambda _: stage)
    return stage


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(stage: DeployedStage, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command, and return its exit status, its output and its errors."""

    def run_command(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main(arguments)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run_command


@dataclass
class Examined:
    """A stage that `doctor` or `preflight` examines, and the answers of AWS about it, for tests to change."""

    command: str
    stage: DeployedStage
    run: Run
    answers: Mapping[str, Operation]

    def results(self) -> list[dict[str, Any]]:
        status, out, _ = self.run(self.command, "--json")
        results: list[dict[str, Any]] = json.loads(out)
        assert status == (1 if any(each["finding"] for each in results) else 0)
        return results

    def findings(self) -> dict[str, str]:
        """Return the advice of each finding, by its text."""
        return {f"{each['area']}: {each['what']}": each["advice"] for each in self.results() if each["finding"]}

    def answer(self, operation: str, status: int = 200, code: str = "", **document: Any) -> None:
        self.answers[operation].by_default = Answer(status, code, document)

    def describe(self, stack: str, **changes: Any) -> None:
        """Change CloudFormation's description of a stack."""
        self.stage.described[stack] |= changes


@contextmanager
def answering_all(answers: Mapping[str, Mapping[str, Answer]]) -> Iterator[Mapping[str, Operation]]:
    """Answer operations, by the name of their service and their own, during a block."""
    with ExitStack() as stack:
        yield {
            operation: stack.enter_context(answering(service, operation, answer))
            for service, each in answers.items()
            for operation, answer in each.items()
        }


SES = {
    "GetEmailIdentity": Answer(document={"VerifiedForSendingStatus": True}),
    "GetAccount": Answer(document={"SendingEnabled": True, "ProductionAccessEnabled": True}),
}
"""The answers of SES about a verified sender in an account that is out of the sandbox."""


def publish_outbox(kit: Kit) -> None:
    """Let the publisher send the new items of the outbox."""
    for record in kit.stream():
        if record["dynamodb"]["Keys"]["sk"]["S"].startswith("OUTBOX#") and record["eventName"] == "INSERT":
            publish(stream_event(record), None)
