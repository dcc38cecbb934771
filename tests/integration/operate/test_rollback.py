"""rollback: new executions take the version before, and nothing else changes."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping

import pytest

from countersign.functions.clients import client
from countersign.testing.builders import WORKFLOW
from tests.integration.operate.conftest import DeployedStage, Run

VARIABLES = {"LEDGER_TABLE": "ledger", "BUS_NAME": "hand-off"}
Release = Callable[[Mapping[str, str]], None]


@pytest.fixture
def release(stage: DeployedStage) -> Release:
    """Publish a version of the workflow with these variables, and point `live` at it."""
    role = client("iam").create_role(RoleName="workflow", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("handler.py", "")
    function = client("lambda").create_function(
        FunctionName=WORKFLOW,
        Runtime="python3.13",
        Role=role,
        Handler="handler.handler",
        Code={"ZipFile": code.getvalue()},
        Environment={"Variables": VARIABLES},
    )["FunctionArn"]
    (output,) = (output for output in stage.described["workflow"]["Outputs"] if output["OutputKey"] == "Workflows")
    output["OutputValue"] = json.dumps({WORKFLOW: f"{function}:live"})

    def published(variables: Mapping[str, str]) -> None:
        environment = {"Variables": {**VARIABLES, **variables}}
        client("lambda").update_function_configuration(FunctionName=WORKFLOW, Environment=environment)
        version = client("lambda").publish_version(FunctionName=WORKFLOW)["Version"]
        change = client("lambda").create_alias if version == "1" else client("lambda").update_alias
        change(FunctionName=WORKFLOW, Name="live", FunctionVersion=version)

    return published


def live() -> str:
    version: str = client("lambda").get_alias(FunctionName=WORKFLOW, Name="live")["FunctionVersion"]
    return version


def test_new_executions_take_the_version_before_once_the_operator_says_yes(release: Release, run: Run) -> None:
    for number in range(3):
        release({"NUMBER": str(number)})
    status, _, errors = run("rollback", WORKFLOW)
    assert (status, live(), "from version 3 to 2; nothing was changed" in errors) == (1, "3", True), errors
    assert "--yes" in errors
    status, out, _ = run("rollback", WORKFLOW, "--yes", "--json")
    assert (status, json.loads(out), live()) == (0, {"workflow": WORKFLOW, "from": 3, "to": 2}, "2")
    assert "went from version 2 to 1; the next deploy" in run("rollback", WORKFLOW, "--yes")[1]
    assert live() == "1"


@pytest.mark.parametrize(
    ("earlier", "words"),
    [
        ([], "has no version before 1"),
        ([{"ANSWERS_KEY": "arn:key"}], "needs what the stage no longer has: ANSWERS_KEY arn:key"),
        ([{"LEDGER_TABLE": "lost"}], "needs what the stage no longer has: LEDGER_TABLE lost"),
    ],
)
def test_a_version_that_could_not_work_is_not_taken(
    release: Release, run: Run, earlier: list[dict[str, str]], words: str
) -> None:
    for variables in (*earlier, {}):
        release(variables)
    status, _, errors = run("rollback", WORKFLOW, "--yes")
    assert (status, words in errors) == (1, True), errors
    assert live() == str(len(earlier) + 1)


def test_an_unknown_workflow_is_answered_with_the_known_ones(run: Run) -> None:
    status, _, errors = run("rollback", "order-aproval", "--yes")
    assert (status, f"Use one of: {WORKFLOW}." in errors) == (2, True), errors
