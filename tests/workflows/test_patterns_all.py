"""Every workflow: its result, the names of its operations, and a replay without effects."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.bench import REQUEST_ID, WORKFLOWS, PatternBench, on_the_bench
from local.demo.scripts import SCRIPTS

ROOT = Path(__file__).parents[2]
WORKFLOW_FILES = sorted(
    path
    for folder in ("patterns", "payment", "order_approval", "approval", "refund")
    for path in (ROOT / "lambdas" / folder).glob("*.py")
    if path.stem not in ("__init__", "money")
)

FORBIDDEN_IMPORTS = {
    *("asyncio", "boto3", "botocore", "datetime", "http", "os", "pathlib", "random", "requests", "secrets", "socket"),
    *("subprocess", "tempfile", "threading", "time", "urllib", "uuid"),
}
"""Modules with time, randomness or side effects."""

FORBIDDEN_CALLS = {"open", "input", "print", "hash", "id", "set", "frozenset"}
"""Functions with side effects, or with another order or value in another process."""

FORBIDDEN_PORTS = {"clock", "waits", "hand_off", "tasks", "requests", "directory", "key", "cipher"}
"""Ports that only a step may use."""

DOORS = {"decider.py": {"os", "boto3"}}
"""The plain Lambda is not a workflow. Workflows call its function only in steps."""

IN_STEPS_ONLY = {"invoke_decider"}
STEP_TAKERS = {"step", "wait_for_callback"}


RESULT = "record result"


def wait(name: str) -> list[str]:
    """Return the operations of a wait."""
    return [f"{name} callback 1", f"{name} open 1", f"{name} read 1"]


OPERATIONS = {
    "order-approval": [*wait("approval"), RESULT],
    "approval": [*wait("approval"), RESULT],
    "payment": [*wait("payment"), RESULT],
    "data-enrichment": [*wait("enrichment"), RESULT],
    "parallel-checks": ["checks", "credit_check", *wait("credit_check"), "fraud_check", *wait("fraud_check"), RESULT],
    "retry-callback": [*wait("attempt-1"), "pause-1", *wait("attempt-2"), RESULT],
    "conditional-results": [*wait("processing"), RESULT],
    "fallback-service": [*wait("primary"), *wait("fallback"), RESULT],
    "document-collection": [*wait("documents"), RESULT],
    "identity-verification": [*wait("verification"), *wait("review"), RESULT],
    "contact-confirmation": [*wait("confirmation"), RESULT],
    "long-job": [*wait("job"), RESULT],
    "two-lambdas": ["decision", "decision create callback id", "decision submitter", RESULT],
    "split-callback": ["decision", "hand out", "meanwhile", RESULT],
    "customer-input": [*wait("input"), RESULT],
    "encrypted-payload": [*wait("secret"), "secret open answer", RESULT],
}
"""The durable operations of an execution that succeeds."""


@pytest.fixture(scope="module", params=OPERATIONS)
def played(request: pytest.FixtureRequest) -> Iterator[tuple[str, PatternBench, dict[str, Any]]]:
    workflow: str = request.param
    with on_the_bench(workflow) as bench:
        yield workflow, bench, bench.play(WORKFLOWS[workflow])


def test_every_workflow_returns_its_result(played: tuple[str, PatternBench, dict[str, Any]]) -> None:
    workflow, bench, result = played
    assert WORKFLOWS[workflow].result.items() <= result.items()
    assert bench.ledger.asked[REQUEST_ID].result == result


def test_the_operations_keep_their_names(played: tuple[str, PatternBench, dict[str, Any]]) -> None:
    """Running executions know operations by name and place: append new ones, and never rename one."""
    workflow, bench, _ = played
    assert bench.operations == sorted(OPERATIONS[workflow])


def test_a_replay_of_the_whole_history_has_no_effect(played: tuple[str, PatternBench, dict[str, Any]]) -> None:
    _, bench, result = played
    before = (dict(bench.ledger.standing), len(bench.ledger.entries), len(bench.hand_off.sent))
    first, second = bench.replay(), bench.replay()
    assert (first, first[0]) == (second, result)
    top = {operation.operation_id for operation in bench.history if operation.parent_id is None}
    assert top <= {*first[1], bench.history[0].operation_id}, "every operation is reached again"
    assert (dict(bench.ledger.standing), len(bench.ledger.entries), len(bench.hand_off.sent)) == before


# Code outside the steps


def _imports(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in found if name in FORBIDDEN_IMPORTS or name.split(".")[0] in FORBIDDEN_IMPORTS}


def _inside_steps(tree: ast.AST) -> set[ast.AST]:
    steps = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and _attribute(node.func) in STEP_TAKERS)
    bodies = (argument for step in steps for argument in step.args if isinstance(argument, ast.Lambda))
    return {node for body in bodies for node in ast.walk(body)}


def _attribute(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else ""


def _refused(code: str, doors: set[str] | None = None) -> set[str]:
    """Return the forbidden actions of a workflow's code."""
    tree = ast.parse(code)
    outside = [node for node in ast.walk(tree) if node not in _inside_steps(tree)]
    calls = {node.func.id for node in outside if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    ports = {node.attr for node in outside if isinstance(node, ast.Attribute) and node.attr in FORBIDDEN_PORTS}
    return (_imports(tree) - (doors or set())) | (calls & (FORBIDDEN_CALLS | IN_STEPS_ONLY)) | ports


@pytest.mark.parametrize("path", WORKFLOW_FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_workflow_has_no_clock_no_chance_and_no_side_effect_outside_its_steps(path: Path) -> None:
    assert _refused(path.read_text("utf-8"), DOORS.get(path.name)) == set()


@pytest.mark.parametrize(
    "code",
    [
        "import time",
        "from datetime import datetime",
        "import os.path",
        "def f():\n    import random",
        "open('x')",
        "for each in set(names): pass",
        "invoke_decider(order, callback_id)",
        "current().clock.now()",
        "context.step(lambda _: 1, invoke_decider(order, callback_id))",
    ],
)
def test_every_forbidden_action_of_a_workflow_is_detected(code: str) -> None:
    assert _refused(code)


def test_a_step_may_do_anything() -> None:
    assert not _refused("context.step(lambda _: invoke_decider(order, callback_id), 'hand out')")


def test_every_pattern_has_a_script() -> None:
    patterns = {path.stem.replace("_", "-") for path in WORKFLOW_FILES if path.parent.name == "patterns"}
    assert (patterns - {"decider"}, set(OPERATIONS)) == (set(SCRIPTS), set(WORKFLOWS))
