"""Many workflows: each fits into its stack, and none moves or loses a right when another comes or goes."""

import json
from typing import Any

import pytest

from stacks.stage.workflows import SHARES
from tests.infra.templates import DevWith, Synthesised
from tests.infra.test_events import with_longest_arns

MOST_RESOURCES = 500
MOST_OUTPUTS = 200
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html."""

MOST_MANAGED_POLICIES = 10
MOST_OF_A_MANAGED_POLICY = 6_144
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html."""

MOST_PATTERN = 2_048
"""https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html."""

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


def test_fifty_workflows_and_the_patterns_fit_into_stacks(many: Synthesised) -> None:
    assert len(many.workflows) == 50 + 3 + 13
    assert many.settings.workflow_stacks.keys() >= {*SHARES}
    for template in many.templates.values():
        assert len(template["Resources"]) <= MOST_RESOURCES
        assert len(template.get("Outputs", {})) <= MOST_OUTPUTS


def test_policies_that_name_fifty_workflows_fit(many: Synthesised) -> None:
    attached: dict[str, int] = {}
    for policy in many.of_type("AWS::IAM::ManagedPolicy"):
        document = json.dumps(with_longest_arns(policy.properties["PolicyDocument"]), separators=(",", ":"))
        assert len(document) <= MOST_OF_A_MANAGED_POLICY, policy.path
        for role in many.properties(policy).get("Roles", ()):
            attached[role] = attached.get(role, 0) + 1
    assert {"Relay/Relay/Role", "Sweeper/Sweeper/Role", "Requests/Requests/Role"} <= attached.keys()
    assert max(attached.values()) <= MOST_MANAGED_POLICIES


def test_a_workflow_that_goes_leaves_every_other_in_its_stack_and_in_its_policies(
    many: Synthesised, one_less: Synthesised
) -> None:
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
