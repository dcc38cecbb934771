"""A stage of fifty workflows and a policy of two hundred rows: it passes every limit, and the policy applies."""

from typing import Any

import pytest

from countersign.composition import use
from countersign.testing import Bench
from countersign.testing.builders import any_input
from order_approval.handler import handler
from stacks.components.house.sources import Sources
from stacks.stage.settings import Settings
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
NAMES = [f"approval-of-department-{number:02}".ljust(40, "x") for number in range(47)]
"""As long as a name can be; the kit's own workflows make fifty."""


@pytest.fixture(scope="module", params=["dev", "prod"])
def large(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, context: dict[str, Any], sources: Sources
) -> Synthesised:
    """The stage, whose synthesis checks the limits; `prod` has keys of the account for all data."""
    written = (SETTINGS / f"{request.param}.toml").read_text(encoding="utf-8")
    workflows = "".join(WORKFLOW.format(name=name) for name in NAMES)
    rows = "".join(ROW.format(name=NAMES[0], up_to=up_to) for up_to in range(1, 201))
    file = tmp_path_factory.mktemp("large") / f"{request.param}.toml"
    file.write_text(written + workflows + rows, encoding="utf-8")
    return Synthesised(Settings.load(file), sources, context)


def test_it_deploys_fifty_workflows_and_applies_every_row_of_the_policy(large: Synthesised) -> None:
    durable = [large.properties(each) for each in large.of_type("AWS::Lambda::Function")]
    functions = {each["FunctionName"]: each for each in durable if "DurableConfig" in each}
    names = {f"{large.settings.prefix}{name}" for name in large.settings.workflows}
    assert len(names) == 50
    assert names <= functions.keys()
    bench = Bench(handler, NAMES[0], large.tables(functions[f"{large.settings.prefix}{NAMES[0]}"])["policy"])
    with use(bench.ports):
        bench.start(any_input(amount="198.01", deadline_seconds=60))
        assert bench.open_task().audience == ("approver-199@shop.dev",)
