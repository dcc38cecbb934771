"""teardown: what stays is named, and executions that have not ended are stopped, or keep the stage from its end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from stacks.stage.settings import AccountSettings
from tests.integration.conftest import ALIAS, REGION, Answer, Operation, answering
from tests.integration.operate.conftest import DeployedStage, Run

FUNCTION = ALIAS.removesuffix(":live")


class Lambda:
    """The executions of a function with two versions, and of its `$LATEST`, which has none."""

    def __init__(self) -> None:
        self.running: dict[str, list[str]] = {"$LATEST": [], "1": ["old"], "2": ["new"]}
        self.asked: list[Any] = []

    def versions(self, _: Any) -> Answer:
        return Answer(document={"Versions": [{"Version": version} for version in self.running]})

    def executions(self, request: Any) -> Answer:
        self.asked.append(request.url)
        version = request.url.partition("Qualifier=")[2].partition("&")[0].replace("%24", "$")
        common = {"FunctionArn": FUNCTION, "Status": "RUNNING", "StartTimestamp": 1}
        arns = {name: f"{FUNCTION}:{version}/durable-execution/{name}/1" for name in self.running[version]}
        found = [{"DurableExecutionArn": arn, "DurableExecutionName": name, **common} for name, arn in arns.items()]
        return Answer(document={"DurableExecutions": found})

    def stop(self, request: Any) -> Answer:
        for names in self.running.values():
            names[:] = [name for name in names if f"%2F{name}%2F" not in request.url]
        return Answer(document={"StopTimestamp": 1})


@pytest.fixture
def stops(stage: DeployedStage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operation]:
    """StopDurableExecution, with Lambda behind it; the ledger stack is protected and retains its table."""
    for name, description in stage.described.items():
        description["EnableTerminationProtection"] = name == "ledger"
    table = {"ResourceType": "AWS::DynamoDB::Table", "ResourceStatus": "CREATE_COMPLETE"}
    resources = [
        table | {"LogicalResourceId": "Table", "PhysicalResourceId": "ledger"},
        table | {"LogicalResourceId": "Limits", "PhysicalResourceId": "limits"},
        table | {"LogicalResourceId": "V1", "PhysicalResourceId": "v1", "ResourceType": "AWS::Lambda::Version"},
        table | {"LogicalResourceId": "Gone", "PhysicalResourceId": "gone", "ResourceStatus": "DELETE_COMPLETE"},
        table | {"LogicalResourceId": "Never", "ResourceStatus": "CREATE_FAILED"},
    ]
    policies = {"Limits": "Delete", "V1": "Retain"} | dict.fromkeys(("Table", "Gone", "Never"), "RetainExceptOnCreate")
    template = {"Resources": {name: {"DeletionPolicy": policy} for name, policy in policies.items()}}
    cloudformation, aws = stage.client("cloudformation"), Lambda()

    def listed(**asked: str) -> dict[str, Any]:
        return {"StackResourceSummaries": resources if asked["StackName"] == "countersign-dev-ledger" else []}

    monkeypatch.setattr(cloudformation, "get_template", lambda **_: {"TemplateBody": template})
    monkeypatch.setattr(cloudformation, "list_stack_resources", listed)
    with (
        answering("lambda", "ListVersionsByFunction", aws.versions),
        answering("lambda", "ListDurableExecutionsByFunction", aws.executions),
        answering("lambda", "StopDurableExecution", aws.stop) as operation,
    ):
        yield operation


def test_executions_of_every_version_keep_the_stage_and_are_listed(stops: Operation, run: Run) -> None:
    status, out, errors = run("teardown")
    running = [["old", "order-approval", "1"], ["new", "order-approval", "2"]]
    assert (status, [line.split()[:3] for line in out.splitlines()[-2:]]) == (1, running)
    assert "2 executions have not ended" in errors
    assert "make destroy STAGE=dev STOP=1" in errors
    assert stops.asked == [], "nothing is stopped unasked"


def test_executions_are_stopped_on_request(stops: Operation, run: Run) -> None:
    status, out, _ = run("teardown", "--stop", "--json")
    assert (status, json.loads(out)["running"], len(stops.asked)) == (0, [], 2)


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "InvalidParameterValueException"])
def test_an_execution_that_has_ended_meanwhile_is_left_alone(stops: Operation, run: Run, code: str) -> None:
    stops.answers = [Answer(404, code)]
    status, out, _ = run("teardown", "--stop", "--json")
    assert (status, len(json.loads(out)["running"])) == (1, 1), "Lambda still lists it"
    assert run("teardown", "--stop")[0] == 0


def test_what_stays_is_named_with_the_command_that_deletes_it(stops: Operation, run: Run) -> None:
    _, out, _ = run("teardown", "--stop")
    stack, table = out.splitlines()
    assert stack.startswith("stays: the stack countersign-dev-ledger, which is protected")
    assert stack.endswith("--no-enable-termination-protection --stack-name countersign-dev-ledger")
    assert table == "stays: the table ledger"


def test_a_stack_that_the_settings_leave_out_is_deleted_first(stops: Operation, run: Run, stage: DeployedStage) -> None:
    stage.described["workflows-b"] = stage.described["monitoring"]
    status, _, errors = run("teardown", "--stop")
    assert status == 1
    assert "aws cloudformation delete-stack --stack-name countersign-dev-workflows-b && aws" in errors


def test_in_another_account_nothing_is_stopped(stops: Operation, run: Run, stage: DeployedStage) -> None:
    stage.change(account=AccountSettings(id="210987654321", region=REGION))
    status, out, errors = run("teardown", "--stop")
    assert (status, out, "the stage belongs to 210987654321" in errors) == (1, "", True), errors
    assert stops.asked == []
