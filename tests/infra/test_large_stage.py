"""A stage of fifty workflows and a policy of two hundred rows: the limits, the policy, a removed workflow."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from countersign.testing import running
from countersign.testing.builders import any_input
from order_approval.handler import handler
from stacks.components.house.sources import Sources
from stacks.stage.settings import Settings
from stacks.stage.workflows import SHARES
from tests import SETTINGS
from tests.infra.templates import Synthesised

WORKFLOW = """
[workflows.{name}]
function = "order_approval"
contract = "order-approval"
execution_timeout_seconds = 7200
retention_days = 3
deadline_seconds = 60
"""
ROW = """
[[policies.{name}]]
currency = "EUR"
up_to = "{up_to}.00"
approvers = ["approver-{up_to}@shop.dev"]
"""
NAMES = [f"approval-of-department-{number:02}".ljust(40, "x") for number in range(45)]
"""As long as a name can be; the kit's own workflows make fifty."""


@pytest.fixture(scope="module")
def with_workflows(
    tmp_path_factory: pytest.TempPathFactory, context: dict[str, Any], sources: Sources
) -> Callable[..., Synthesised]:
    """A stage with more workflows and a policy of one of them; its synthesis checks the limits."""

    @cache
    def synthesised(*names: str) -> Synthesised:
        written = (SETTINGS / "dev.toml").read_text(encoding="utf-8")
        workflows = "".join(WORKFLOW.format(name=name) for name in names)
        rows = "".join(ROW.format(name=NAMES[0], up_to=up_to) for up_to in range(1, 201))
        file = tmp_path_factory.mktemp("large") / "dev.toml"
        file.write_text(written + workflows + rows, encoding="utf-8")
        return Synthesised(Settings.load(file), sources, context)

    return synthesised


def test_it_deploys_fifty_workflows_and_applies_every_row_of_the_policy(
    with_workflows: Callable[..., Synthesised],
) -> None:
    large = with_workflows(*NAMES)
    durable = [large.properties(each) for each in large.of_type("AWS::Lambda::Function")]
    functions = {each["FunctionName"]: each for each in durable if "DurableConfig" in each}
    names = {f"{large.settings.prefix}{name}" for name in large.settings.workflows}
    assert len(names) == 50
    assert names <= functions.keys()
    policy = large.tables(functions[f"{large.settings.prefix}{NAMES[0]}"])["policy"]
    with running(handler, NAMES[0], policy) as bench:
        bench.start(any_input(amount="198.01", deadline_seconds=60))
        assert bench.open_task().audience == ("approver-199@shop.dev",)


def test_a_removed_workflow_leaves_others_their_stack_and_policies(with_workflows: Callable[..., Synthesised]) -> None:
    large = with_workflows(*NAMES)
    assert large.settings.workflow_stacks.keys() >= {*SHARES}
    before, after = places(large), places(with_workflows(*NAMES[:-1]))
    assert before.keys() - after.keys() == {NAMES[-1]}
    assert after.items() <= before.items()


def places(stage: Synthesised) -> dict[str, Any]:
    """Return the stack of each workflow, and the policies that name it."""
    stacks = {
        each.properties["FunctionName"]: each.stack
        for each in stage.of_type("AWS::Lambda::Function")
        if "FunctionName" in each.properties
    }
    policies = [
        (each.stack, each.logical_id, json.dumps(each.properties["PolicyDocument"]))
        for each in stage.of_type("AWS::IAM::ManagedPolicy")
    ]
    return {
        workflow: (
            stacks[name],
            sorted((stack, logical_id) for stack, logical_id, text in policies if f":function:{name}:" in text),
        )
        for workflow in stage.workflows
        for name in [f"{stage.settings.prefix}{workflow}"]
    }
