"""docs/recovery.md on the templates: what each step deploys leaves the next one possible."""

import json
import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import pytest

from stacks.components.house.sources import Sources
from stacks.stage.settings import AccountSettings
from tests.infra.conftest import ROOT
from tests.infra.templates import Resource, Synthesised

TABLE = "the-restored-table"
LOGICAL_ID = "LedgerTable9343E4AA"
PAGE = (ROOT / "docs/recovery.md").read_text("utf-8")


@pytest.fixture(scope="module")
def dev(stage_named: Any) -> Synthesised:
    found: Synthesised = stage_named("dev")
    return found


@pytest.fixture(scope="module")
def restored(dev: Synthesised, sources: Sources, context: dict[str, Any]) -> Synthesised:
    """The stage while its table is outside its stacks."""
    return Synthesised(dev.settings.model_copy(update={"restored_table": TABLE}), sources, context)


def named_in(stage: Synthesised) -> set[str]:
    """Return the construct ids of the stacks whose templates name the table of the ledger stack."""
    return {stack.id for stack in stage.assembly.stacks if LOGICAL_ID in json.dumps(stack.template)}


def test_the_page_deploys_every_stack_that_names_the_table_before_that_of_the_ledger(dev: Synthesised) -> None:
    first, second = (line.split() for line in re.findall(r"cdk deploy .*--exclusively (.*)", PAGE))
    patterns = [word.strip("'") for word in first]
    others = named_in(dev) - {"LedgerStack"}
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


@pytest.fixture(params=["restored", "account", "retention"])
def rewritten(
    request: pytest.FixtureRequest, dev: Synthesised, sources: Sources, context: dict[str, Any]
) -> Synthesised:
    """The stage with a change that Lambda need not see in its functions: a reference written out, or a period."""
    if request.param == "restored":
        found: Synthesised = request.getfixturevalue("restored")
        return found
    settings, period = dev.settings, {"retention_days": 9}
    assert settings.patterns
    changes: dict[str, dict[str, Any]] = {
        "account": {"account": AccountSettings(id="123456789012", region="eu-central-1")},
        "retention": {
            "workflows": {name: each.model_copy(update=period) for name, each in settings.workflows.items()},
            "patterns": settings.patterns.model_copy(update=period),
        },
    }
    return Synthesised(settings.model_copy(update=changes[request.param]), sources, context)


def test_a_workflow_s_new_version_is_of_a_function_that_differs(dev: Synthesised, rewritten: Synthesised) -> None:
    """CloudFormation fails where Lambda publishes no version, because the function is the same."""

    def told(stage: Synthesised, kind: str, key: Callable[[Resource], str]) -> set[str]:
        return {key(each) for each in stage.of_type(kind) if each.path.startswith("Durable/")}

    def versions(stage: Synthesised) -> set[str]:
        return told(stage, "AWS::Lambda::Version", lambda each: each.logical_id)

    def functions(stage: Synthesised) -> set[str]:
        return told(stage, "AWS::Lambda::Function", lambda each: each.properties["Description"])

    assert versions(dev).isdisjoint(versions(rewritten))
    assert functions(dev).isdisjoint(functions(rewritten))


def test_the_import_finds_the_table_to_add_and_nothing_else_to_change(dev: Synthesised, restored: Synthesised) -> None:
    before: Mapping[str, Any] = restored.template("ledger")["Resources"]
    after: Mapping[str, Any] = dev.template("ledger")["Resources"]
    assert after.keys() - before.keys() == {LOGICAL_ID}
    assert {name: body for name, body in after.items() if name != LOGICAL_ID} == before
