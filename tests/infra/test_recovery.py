"""docs/recovery.md on the templates: what each step deploys leaves the next one possible."""

import json
import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import pytest

from stacks.components.house.sources import Sources
from tests.infra.conftest import ROOT
from tests.infra.templates import Resource, StageNamed, Synthesised

TABLE = "the-restored-table"
LOGICAL_ID = "LedgerTable9343E4AA"
PAGE = (ROOT / "docs/recovery.md").read_text("utf-8")


@pytest.fixture(scope="module")
def restored(prod: Synthesised, sources: Sources, context: dict[str, Any]) -> Synthesised:
    """The stage while its table is outside its stacks."""
    return Synthesised(prod.settings.model_copy(update={"restored_table": TABLE}), sources, context, by_rules=False)


@pytest.fixture(scope="module")
def kept_for_less(prod: Synthesised, sources: Sources, context: dict[str, Any]) -> Synthesised:
    """The stage with another period for the history of executions."""
    workflows = {name: each.model_copy(update={"retention_days": 9}) for name, each in prod.settings.workflows.items()}
    return Synthesised(prod.settings.model_copy(update={"workflows": workflows}), sources, context, by_rules=False)


def named_in(stage: Synthesised) -> set[str]:
    """Return the construct ids of the stacks whose templates name the table of the ledger stack."""
    return {stack.id for stack in stage.assembly.stacks if LOGICAL_ID in json.dumps(stack.template)}


def test_the_page_deploys_every_stack_that_names_the_table_before_that_of_the_ledger(
    stage_named: StageNamed,
) -> None:
    first, second = (line.split() for line in re.findall(r"cdk deploy .*--exclusively (.*)", PAGE))
    patterns = [word.strip("'") for word in first]
    others = named_in(stage_named("dev")) - {"LedgerStack"}
    assert others >= {"PublicStack", "WorkflowStack"}
    assert all(any(fnmatchcase(stack, pattern) for pattern in patterns) for stack in others)
    assert second == ["LedgerStack"]


def test_a_stage_with_a_restored_table_reads_no_stream_and_names_the_table_by_its_name(restored: Synthesised) -> None:
    assert named_in(restored) == set(), "no export of the table or its stream is in use"
    sources = [mapping.properties["EventSourceArn"] for mapping in restored.of_type("AWS::Lambda::EventSourceMapping")]
    assert sources
    assert not any("Stream" in json.dumps(source) for source in sources)
    variables = [
        function.properties.get("Environment", {}).get("Variables", {})
        for function in restored.of_type("AWS::Lambda::Function")
    ]
    assert {each["LEDGER_TABLE"] for each in variables if "LEDGER_TABLE" in each} == {TABLE}


@pytest.mark.parametrize("rewritten", ["restored", "elsewhere", "kept_for_less"])
def test_a_workflow_s_new_version_is_of_a_function_that_differs(
    prod: Synthesised, rewritten: str, request: pytest.FixtureRequest
) -> None:
    """CloudFormation fails where Lambda publishes no version, because it sees the same function: a name or a period."""
    after = request.getfixturevalue(rewritten)

    def told(stage: Synthesised, kind: str, key: Callable[[Resource], str]) -> set[str]:
        return {key(each) for each in stage.of_type(kind) if each.path.startswith("Durable/")}

    def versions(stage: Synthesised) -> set[str]:
        return told(stage, "AWS::Lambda::Version", lambda each: each.logical_id)

    def functions(stage: Synthesised) -> set[str]:
        return told(stage, "AWS::Lambda::Function", lambda each: each.properties["Description"])

    assert versions(prod).isdisjoint(versions(after))
    assert functions(prod).isdisjoint(functions(after))


def test_the_import_finds_the_table_to_add_and_nothing_else_to_change(prod: Synthesised, restored: Synthesised) -> None:
    before: Mapping[str, Any] = restored.template("ledger")["Resources"]
    after: Mapping[str, Any] = prod.template("ledger")["Resources"]
    assert after.keys() - before.keys() == {LOGICAL_ID}
    assert {name: body for name, body in after.items() if name != LOGICAL_ID} == before
