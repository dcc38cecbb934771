"""Many workflows: they share the stacks, and none moves or loses a right when another comes or goes."""

import json
from typing import Any

import pytest

from stacks.stage.workflows import SHARES
from tests.infra.templates import DevWith, Synthesised

NAMES = [f"{'w' * 38}{number:02}" for number in range(50)]


def of_fork(*names: str) -> str:
    return "".join(
        f'[workflows.{name}]\nfunction = "order_approval"\ncontract = "order-approval"\n\n' for name in names
    )


@pytest.fixture(scope="module")
def many(dev_with: DevWith) -> Synthesised:
    return dev_with(more=of_fork(*NAMES))


@pytest.fixture(scope="module")
def one_less(dev_with: DevWith) -> Synthesised:
    return dev_with(more=of_fork(*NAMES[1:]))


def test_a_workflow_that_goes_leaves_every_other_in_its_stack_and_in_its_policies(
    many: Synthesised, one_less: Synthesised
) -> None:
    assert many.settings.workflow_stacks.keys() >= {*SHARES}
    before, after = places(many), places(one_less)
    assert before.keys() - after.keys() == {NAMES[0]}
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
