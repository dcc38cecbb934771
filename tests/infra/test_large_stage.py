"""A stage of fifty workflows and a policy of two hundred rows: the limits, the policy, a removed workflow."""

import json
import re
from collections.abc import Callable
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


Named = Callable[..., Settings]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Named:
    """The settings of a stage with more workflows and a policy of one of them."""

    def named(*names: str) -> Settings:
        written = (SETTINGS / "dev.toml").read_text(encoding="utf-8")
        workflows = "".join(WORKFLOW.format(name=name) for name in names)
        rows = "".join(ROW.format(name=NAMES[0], up_to=up_to) for up_to in range(1, 201))
        file = tmp_path_factory.mktemp("large") / "dev.toml"
        file.write_text(written + workflows + rows, encoding="utf-8")
        return Settings.load(file)

    return named


@pytest.fixture(scope="module")
def large(settings: Named, sources: Sources, context: dict[str, Any]) -> Synthesised:
    """The stage; its synthesis checks the limits."""
    return Synthesised(settings(*NAMES), sources, context, by_rules=False)


def test_it_deploys_fifty_workflows_and_applies_every_row_of_the_policy(large: Synthesised) -> None:
    durable = [large.properties(each) for each in large.of_type("AWS::Lambda::Function")]
    functions = {each["FunctionName"]: each for each in durable if "DurableConfig" in each}
    names = {f"{large.settings.prefix}{name}" for name in large.settings.workflows}
    assert len(names) == 50
    assert names <= functions.keys()
    policy = large.tables(functions[f"{large.settings.prefix}{NAMES[0]}"])["policy"]
    with running(handler, NAMES[0], policy) as bench:
        bench.start(any_input(amount="198.01", deadline_seconds=60))
        assert bench.open_task().audience == ("approver-199@shop.dev",)


def test_a_removed_workflow_leaves_others_their_stack(settings: Named) -> None:
    before, after = (stacks_of(settings(*names)) for names in (NAMES, NAMES[:-1]))
    assert {*before.values()} >= {*SHARES}
    assert before.keys() - after.keys() == {NAMES[-1]}
    assert after.items() <= before.items()


def stacks_of(settings: Settings) -> dict[str, str]:
    return {name: stack for stack, workflows in settings.workflow_stacks.items() for name in workflows}


def test_each_stack_s_workflows_have_policies_of_their_own(large: Synthesised) -> None:
    """A workflow that is removed with others of its stack leaves the policies of other stacks as they are."""
    prefix, stacks = large.settings.prefix, stacks_of(large.settings)
    for each in large.of_type("AWS::Lambda::Function"):
        if (name := each.properties.get("FunctionName", "").removeprefix(prefix)) in stacks:
            assert each.stack == f"{prefix}{stacks[name]}"
    for policy in large.of_type("AWS::IAM::ManagedPolicy"):
        named = re.findall(rf":function:{prefix}([a-z0-9-]+)", json.dumps(policy.properties["PolicyDocument"]))
        assert {f"{stacks[name]}-1" for name in named if name in stacks} <= {policy.path.rpartition("/")[2]}
