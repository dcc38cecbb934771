"""Running executions: counted by version, and what a stage takes from them is a finding before and after a deploy."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from countersign.domain.requests import Request
from countersign.testing.builders import REQUEST_ID, WORKFLOW
from operate.checks import Note, running
from tests.integration.conftest import Answer, Kit, answering
from tests.integration.operate.conftest import DeployedStage

TODAY = {"LEDGER_TABLE": "ledger", "ANSWERS_KEY": "arn:answers", "BASE_URL": "https://ask"}
KEY = "arn:customer"
EXECUTION = {"DurableExecutionName": REQUEST_ID, "StartTimestamp": 1, "FunctionArn": "arn", "Status": "PAUSED"}


class Running:
    """The stage with one workflow, whose versions and executions a test describes."""

    def __init__(self, stage: DeployedStage) -> None:
        self.stage = stage
        self.versions: dict[int, dict[str, Any]] = {}
        self.live = 0
        self.counts: dict[int, int] = {}
        self.change(encrypted=True)
        stage.change(encryption={"customer_keys": True}, patterns=None)

    def change(self, **changes: Any) -> None:
        """Change the settings of the workflow."""
        self.stage.change(workflows={WORKFLOW: self.stage.settings.workflows[WORKFLOW].model_copy(update=changes)})

    def deploy(self, executions: int, *, key: str = KEY, **variables: str) -> None:
        """Deploy a version, on which this many executions run today."""
        self.live += 1
        self.counts[self.live] = executions
        self.versions[self.live] = {"KMSKeyArn": key, "Environment": {"Variables": {**TODAY, **variables}}}

    def findings(self, check: Any) -> list[tuple[str, str]]:
        listed = [{"Version": "$LATEST"}, *({"Version": str(n), **each} for n, each in self.versions.items())]
        arn = f"arn:aws:lambda:eu-central-1:123456789012:function:{WORKFLOW}:1/durable-execution/{REQUEST_ID}/1"
        executions = [
            Answer(document={"DurableExecutions": [EXECUTION | {"DurableExecutionArn": arn}] * self.counts[version]})
            for version in self.versions
        ]
        with ExitStack() as stack:
            alias = {"FunctionVersion": str(self.live), "RevisionId": "r"}
            for operation, document in (("GetAlias", alias), ("ListVersionsByFunction", {"Versions": listed})):
                stack.enter_context(answering("lambda", operation, Answer(document=document)))
            stack.enter_context(answering("lambda", "ListDurableExecutionsByFunction")).answers = [*executions]
            return list(check(self.stage))


@pytest.fixture
def it(kit: Kit, stage: DeployedStage) -> Running:
    return Running(stage)


def test_executions_are_counted_by_version(it: Running) -> None:
    it.deploy(2)
    it.deploy(0)
    it.deploy(1)
    assert it.findings(running.executions) == [(f"{WORKFLOW}: 2 on version 1, 1 on version 3", "")]
    assert it.findings(running.needed) == [("the settings keep what 3 running executions need", "")]


def test_what_an_earlier_version_names_and_the_stage_no_longer_has_is_a_finding(it: Running) -> None:
    it.deploy(2, LEDGER_TABLE="first", BASE_URL="https://old")
    it.deploy(0, LEDGER_TABLE="second")
    it.deploy(1)
    _, table, address = it.findings(running.executions)
    assert table[0] == f"executions on version 1 of {WORKFLOW} (2) need LEDGER_TABLE first, which is gone"
    assert table[1].startswith("restore it under this name until they have ended")
    assert address[0] == f"executions on version 1 of {WORKFLOW} (2) need BASE_URL https://old, which is gone"


def drop_the_workflow(it: Running) -> None:
    """Drop the only workflow of a stack, which the CDK then no longer knows."""
    described = it.stage.described
    described["workflows-a"], described["workflow"] = described["workflow"], described["ledger"]
    it.stage.change(workflows={})


TAKEN: dict[str, Callable[[Running], object]] = {
    f"executions on version 1 of {WORKFLOW} (2) need ANSWERS_KEY arn:answers": lambda it: it.change(encrypted=False),
    f"executions on version 1 of {WORKFLOW} (2) need KMSKeyArn {KEY}": (
        lambda it: it.stage.change(encryption={"customer_keys": False})
    ),
    f"executions of {WORKFLOW} run (2), and the settings leave the workflow out": drop_the_workflow,
}


@pytest.mark.parametrize("check", [running.executions, running.needed])
@pytest.mark.parametrize(("finding", "drop"), TAKEN.items(), ids=range(len(TAKEN)))
def test_settings_that_take_something_from_running_executions_are_a_finding(
    it: Running, check: Any, finding: str, drop: Any
) -> None:
    it.deploy(2)
    drop(it)
    ((what, advice),) = [found for found in it.findings(check) if found[1]]
    assert what == finding
    assert advice.endswith("until they have ended, or stop them")
    it.counts[1] = 0
    assert not [found for found in it.findings(check) if found[1]], "nothing runs any more"


def test_a_provider_of_an_open_payment_is_kept(it: Running, kit: Kit) -> None:
    it.deploy(0)
    kit.open_payment()
    it.stage.change(providers={})
    ((what, advice),) = it.findings(running.needed)
    assert what == "open tasks (1) wait for events of pay, which the settings leave out"
    assert advice.startswith("put it back under [providers] or [partners]")


def test_a_workflow_that_was_rolled_back_is_noted(it: Running) -> None:
    it.deploy(0)
    it.deploy(0)
    it.live = 1
    _, (what, advice) = it.findings(running.executions)
    assert (what, type(advice)) == (f"{WORKFLOW} was rolled back to version 1; the newest is 2", Note)


def test_a_retired_workflow_may_go_once_nothing_of_it_runs_or_starts(it: Running, kit: Kit) -> None:
    it.deploy(1)
    it.change(retired=True)
    assert len(it.findings(running.executions)) == 1
    it.counts[1] = 0
    kit.ledger.submit(Request(REQUEST_ID, WORKFLOW), kit.now)
    waits = f"{WORKFLOW} is retired, and a recorded request waits for its start"
    assert it.findings(running.executions)[1:] == [(waits, "")]
    kit.ledger.started(REQUEST_ID, "arn")
    _, (what, advice) = it.findings(running.executions)
    assert (what, type(advice)) == (f"{WORKFLOW} is retired, and its last execution has ended", Note)
    assert f"enabled = false under [workflows.{WORKFLOW}]" in advice


def test_before_a_deploy_is_complete_nothing_is_compared(it: Running) -> None:
    del it.stage.described["workflow"]
    ((what, advice),) = it.findings(running.needed)
    assert (what, advice) == ("the stage is not completely deployed: executions were not checked", "")
