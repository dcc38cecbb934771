"""A workflow that raises: its execution's error has the class and the place, and nothing that the error says."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from aws_durable_execution_sdk_python.config import StepConfig
from aws_durable_execution_sdk_python.retries import RetryPresets

from countersign.testing.bench import running
from countersign.workflows import DurableContext, request_approval, workflow
from tests.integration.output import Output

SECRET = "iban-DE89"
ONCE = StepConfig(retry_strategy=RetryPresets.none())


def in_its_body(document: dict[str, Any], context: DurableContext) -> dict[str, Any]:
    return {"iban": document[SECRET]}


def in_a_step(document: dict[str, Any], context: DurableContext) -> dict[str, Any]:
    return {"iban": context.step(lambda _: document[SECRET], "look up", ONCE)}


def in_the_library(document: dict[str, Any], context: DurableContext) -> dict[str, Any]:
    return {"iban": request_approval(context, "approval", document["approval"])}


@pytest.mark.parametrize(
    ("body", "raised"), [(in_its_body, KeyError), (in_a_step, KeyError), (in_the_library, AttributeError)]
)
def test_a_workflow_that_raises_leaves_its_class_and_its_line_and_no_word_of_the_error(
    body: Callable[..., dict[str, Any]], raised: type[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    with running(workflow(body), "refund") as bench:
        bench.start({"approval": SECRET})
        error = bench.finish().error
    assert error
    *frames, name = error.stack_trace or []
    file, line = "tests/workflows/test_failures.py", inspect.getsourcelines(body)[1] + 1
    assert name == raised.__name__
    assert frames[-1].strip().startswith(f'File "{file}", line {line}, in ')
    assert SECRET not in str(error.stack_trace)
    entries = Output(lambda: capsys.readouterr().out).new().entries
    logged = next(entry for entry in entries if entry["message"] == "workflow raised")
    assert (logged["request_id"], logged["error"], logged["at"]) == ("order-1001", name, f"{file}:{line}")
    assert SECRET not in str(logged)
