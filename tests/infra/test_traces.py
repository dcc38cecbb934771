"""Traces of workflows, where a stage brings a layer with OpenTelemetry."""

from tests.infra.templates import Synthesised

OF_TRACES = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/otel-instrument", "DURABLE_EXECUTION_PLUGINS": "otel-invocation"}


def test_workflows_and_no_other_function_start_under_the_layer_with_the_plug_in(strict: Synthesised) -> None:
    layer, workflows = strict.settings.functions.tracing_layer, 0
    for function in map(strict.properties, strict.of_type("AWS::Lambda::Function")):
        assert function["TracingConfig"] == {"Mode": "Active"}
        variables = function["Environment"]["Variables"]
        own = OF_TRACES if "DurableConfig" in function else {}
        assert {name: variables[name] for name in OF_TRACES.keys() & variables.keys()} == own
        assert (layer in function["Layers"]) == bool(own)
        workflows += bool(own)
    assert workflows == len(strict.settings.workflows)


def test_without_a_layer_nothing_of_it_is_deployed(prod: Synthesised) -> None:
    for function in map(prod.properties, prod.of_type("AWS::Lambda::Function")):
        assert not OF_TRACES.keys() & function["Environment"]["Variables"].keys()
