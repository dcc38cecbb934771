"""The workflows: durable operations, invocations and bytes written of one execution that succeeds, and their cost.

Each runs on AWS's local runner, played by its script. The cost is that of durable execution alone: an operation is what
the history lists, and the bytes are the input, the result, and what each operation returns. Lambda's price of time and
requests, and the ledger's of writes, come on top.
"""

import json
from typing import Any

from benchmarks.bench import WORKFLOWS, on_the_bench
from benchmarks.cost.prices import Prices

MILLION = 1_000_000

OPERATIONS = {"order-approval": 4, "approval": 4, "payment": 4}
"""The highest number of operations of a workflow; the others have none."""


def measure() -> bool:
    """Print a line for each workflow; return whether each ended as its script says, within its bound."""
    print("workflows, one execution each that succeeds; dollars for a million, durable execution alone:")
    print(f"  {'':22} operations  invocations  bytes written  dollars  to the first")
    dollars: list[float] = []
    within = [_measured(workflow, dollars) for workflow in WORKFLOWS]
    return all(within)


def _measured(workflow: str, dollars: list[float]) -> bool:
    with on_the_bench(workflow) as bench:
        result = bench.play(WORKFLOWS[workflow])
        history, invocations = bench.history, bench.invocations
    operations = sum(operation.operation_type.value != "EXECUTION" for operation in history)
    size = len(json.dumps(result).encode()) + sum(map(written, history))
    prices = Prices.load().prices
    dollars.append(prices["durable_operations"].of(MILLION * operations) + prices["durable_written"].of(MILLION * size))
    ratio = dollars[-1] / dollars[0]
    most = OPERATIONS.get(workflow, operations)
    bound = f"  (at most {most} operations)" if workflow in OPERATIONS else ""
    print(f"  {workflow:22} {operations:10}  {invocations:11}  {size:13}  {dollars[-1]:7.2f}  {ratio:10.2f} x{bound}")
    return bool(result["status"] == WORKFLOWS[workflow].result["status"] and operations <= most)


def written(operation: Any) -> int:
    """Return the size of an operation's result, or of the execution's input, in bytes."""
    details = (operation.step_details, operation.callback_details, operation.context_details)
    texts = [each.result for each in details if each is not None]
    if operation.execution_details is not None:
        texts.append(operation.execution_details.input_payload)
    return sum(len((text or "").encode()) for text in texts)
