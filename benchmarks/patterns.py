"""The workflows: durable operations, invocations and bytes written of one execution that goes well, and what they cost.

Each runs on AWS's own local runner, as its test's script plays it. The cost is that of durable execution alone: an
operation is what the history lists, and the bytes are the input, the result, and what each operation returns. What
Lambda asks for time and requests, and the ledger for its writes, comes on top.
"""

import json
from dataclasses import dataclass
from typing import Any

from benchmarks.scripts import SCRIPTS, on_the_bench, run

DOLLARS_A_MILLION_OPERATIONS = 8.0
DOLLARS_A_GIGABYTE_WRITTEN = 0.25
"""https://aws.amazon.com/lambda/pricing/, November 2026, us-east-1."""


@dataclass(frozen=True)
class Figures:
    """What one execution took."""

    operations: int
    invocations: int
    written: int

    @property
    def dollars_a_million(self) -> float:
        """What a million such executions cost."""
        return DOLLARS_A_MILLION_OPERATIONS * self.operations + DOLLARS_A_GIGABYTE_WRITTEN * self.written / 1000


def measure() -> bool:
    """Print a line for each workflow; tell whether each has the operations that its test names, and no more."""
    print("workflows, one execution each that goes well; dollars for a million of durable execution alone:")
    print(f"  {'':22} operations  invocations  bytes written  dollars")
    within = [_measured(workflow) for workflow in SCRIPTS]
    return all(within)


def _measured(workflow: str) -> bool:
    with on_the_bench(workflow, SCRIPTS[workflow].module) as bench:
        took = _figures(bench, run(workflow, bench))
    print(
        f"  {workflow:22} {took.operations:10}  {took.invocations:11}  {took.written:13}  {took.dollars_a_million:7.2f}"
    )
    return took.operations == len(SCRIPTS[workflow].operations)


def _figures(bench: Any, result: dict[str, Any]) -> Figures:
    history = bench.history
    operations = sum(operation.operation_type.value != "EXECUTION" for operation in history)
    return Figures(operations, bench.invocations, len(json.dumps(result).encode()) + sum(map(_written, history)))


def _written(operation: Any) -> int:
    """Return the bytes of what an operation returned, or of what the execution was started with."""
    details = (operation.step_details, operation.callback_details, operation.context_details)
    texts = [each.result for each in details if each is not None]
    if operation.execution_details is not None:
        texts.append(operation.execution_details.input_payload)
    return sum(len((text or "").encode()) for text in texts)
