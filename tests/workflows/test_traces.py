"""Traces of workflows: a span per durable operation, without secrets."""

from typing import Any

import pytest
from aws_durable_execution_sdk_python import DurableContext
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from countersign.domain.rules import Decision
from countersign.testing.bench import running
from countersign.testing.builders import any_input
from countersign.workflows.approval import request_approval, result_of
from countersign.workflows.workflow import RECORD_RESULT, workflow
from order_approval.order import approval_of

COMMENT = "Only if they swivel, says my back"


def ask(document: dict[str, Any], context: DurableContext) -> dict[str, Any]:
    return result_of(request_approval(context, "approval", approval_of(document)))


@pytest.fixture(scope="module")
def spans() -> InMemorySpanExporter:
    """The exported spans."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A workflow with the environment of the stacks."""
    monkeypatch.setenv("DURABLE_EXECUTION_PLUGINS", "otel-invocation")
    return workflow(ask)


def test_a_traced_workflow_sends_a_span_per_operation_without_secrets_or_personal_data(
    traced: Any, spans: InMemorySpanExporter
) -> None:
    with running(traced, "order-approval") as bench:
        bench.start(any_input(deadline_seconds=60))
        callback_id = bench.callback_id("approval callback 1")
        bench.answer(Decision.APPROVE, comment=COMMENT)
        bench.relay()
        assert bench.result()["status"] == "approved"
    sent = spans.get_finished_spans()
    names = {span.name for span in sent}
    assert {
        "Workflow",
        "Invocation",
        "approval open 1",
        "approval callback 1",
        "approval read 1",
        RECORD_RESULT,
    } <= names
    assert len({span.context.trace_id for span in sent if span.context}) == 1, "one trace for the execution"
    written = "".join(span.to_json() for span in sent)
    for secret in (callback_id, COMMENT, "maria@example.com", "rita@example.com", "t" * 43):
        assert secret not in written
