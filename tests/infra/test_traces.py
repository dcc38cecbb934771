"""Traces of workflows, where a stage brings a layer with OpenTelemetry."""

from typing import Any

import pytest

from stacks.components.house.sources import Sources
from stacks.stage.settings import FunctionSettings, Settings
from tests import SETTINGS
from tests.infra.templates import Synthesised

pytestmark = pytest.mark.xdist_group("infra")

LAYER = "arn:aws:lambda:eu-central-1:901920570463:layer:aws-otel-python-arm64-ver-1-32-0:2"
OF_TRACES = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/otel-instrument", "DURABLE_EXECUTION_PLUGINS": "otel-invocation"}


@pytest.fixture(scope="module")
def traced(sources: Sources, context: dict[str, Any]) -> Synthesised:
    settings = Settings.load(SETTINGS / "prod.toml")
    functions = FunctionSettings(log_retention_days=365, tracing=True, tracing_layer=LAYER)
    return Synthesised(settings.model_copy(update={"functions": functions}), sources, context)


def test_workflows_and_no_other_function_start_under_the_layer_with_the_plug_in(traced: Synthesised) -> None:
    workflows = 0
    for function in map(traced.properties, traced.of_type("AWS::Lambda::Function")):
        variables = function["Environment"]["Variables"]
        own = OF_TRACES if "DurableConfig" in function else {}
        assert {name: variables[name] for name in OF_TRACES.keys() & variables.keys()} == own
        assert (LAYER in function["Layers"]) == bool(own)
        workflows += bool(own)
    assert workflows == len(traced.settings.workflows)


def test_without_a_layer_nothing_of_it_is_deployed(prod: Synthesised) -> None:
    for function in map(prod.properties, prod.of_type("AWS::Lambda::Function")):
        assert not OF_TRACES.keys() & function["Environment"]["Variables"].keys()
