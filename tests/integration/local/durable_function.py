"""A durable function with a scenario for each test, deployed onto the emulators."""

import os
import time
from pathlib import Path
from typing import Any

from aws_durable_execution_sdk_python import BatchResult, DurableContext, ParallelBranch, durable_execution
from aws_durable_execution_sdk_python.config import CallbackConfig, Duration, StepConfig
from aws_durable_execution_sdk_python.retries import RetryStrategyConfig, create_retry_strategy

_SOON = Duration.from_seconds(1)


@durable_execution
def handler(event: dict[str, Any], context: DurableContext) -> Any:
    """Run the input's scenario."""
    return _SCENARIOS[event["do"]](event, context)


def answer(event: dict[str, Any], _context: DurableContext) -> str:
    _note(event)
    return "answered"


def sleep(event: dict[str, Any], context: DurableContext) -> str:
    context.wait(Duration.from_seconds(event.get("seconds", 1)))
    return "slept"


def ask(event: dict[str, Any], context: DurableContext) -> str:
    config = CallbackConfig(timeout=Duration.from_seconds(event.get("timeout", 60)))
    return context.create_callback("question", config).result() or ""


def ask_a_worker(_event: dict[str, Any], context: DurableContext) -> str:
    config = CallbackConfig(timeout=Duration.from_seconds(60), heartbeat_timeout=Duration.from_seconds(3))
    return context.create_callback("question", config).result() or ""


def ask_and_work(event: dict[str, Any], context: DurableContext) -> str:
    """Create a callback, then run steps that checkpoint after it."""

    def work(_step: Any) -> None:
        _note(event)
        time.sleep(event["seconds"])

    callback = context.create_callback("question", CallbackConfig(timeout=Duration.from_seconds(60)))
    context.step(work, "work")
    context.step(lambda _: None, "tidy")
    return callback.result() or ""


def meet(event: dict[str, Any], context: DurableContext) -> str:
    """After a wait, look for the other executions of this scenario within the event's `patience`."""

    def look_out(_step: Any) -> str:
        _note(event)
        deadline = time.monotonic() + event["patience"]
        while Path(event["marks"]).stat().st_size < event["guests"] and time.monotonic() < deadline:
            time.sleep(0.05)
        return "met" if Path(event["marks"]).stat().st_size >= event["guests"] else "alone"

    context.wait(_SOON)
    return context.step(look_out, "meet")


def fail_step(event: dict[str, Any], context: DurableContext) -> str:
    def fail(step: Any) -> None:
        _note(event)
        raise ValueError(f"attempt {step.attempt}")

    strategy = create_retry_strategy(RetryStrategyConfig(max_attempts=2, initial_delay=_SOON, max_delay=_SOON))
    context.step(fail, "failing", StepConfig(retry_strategy=strategy))
    return "unreachable"


def retry_beside_work(event: dict[str, Any], context: DurableContext) -> int:
    """Retry a step while another branch keeps the invocation running."""

    def once_more(step: Any) -> int:
        if step.attempt == 1:
            raise ValueError("the first attempt fails")
        return int(step.attempt)

    strategy = create_retry_strategy(RetryStrategyConfig(max_attempts=3, initial_delay=_SOON, max_delay=_SOON))
    config = StepConfig(retry_strategy=strategy)

    def work(_step: Any) -> int:
        time.sleep(2.5)
        return 0

    retried = ParallelBranch[int](lambda branch: branch.step(once_more, "again", config), "retry")
    worked = ParallelBranch[int](lambda branch: branch.step(work, "long"), "long")
    results: BatchResult[int] = context.parallel([retried, worked])
    return max(results.get_results())


def environment(_event: dict[str, Any], _context: DurableContext) -> list[str]:
    return sorted(os.environ)


def fail(_event: dict[str, Any], _context: DurableContext) -> None:
    raise ValueError("no answer")


def crash(event: dict[str, Any], _context: DurableContext) -> str:
    _note(event)
    os._exit(1)


def crash_once(event: dict[str, Any], _context: DurableContext) -> str:
    if _note(event) == 1:
        os._exit(1)
    return "recovered"


def _note(event: dict[str, Any]) -> int:
    """Append a mark to the test's file, if there is one; return the number of marks."""
    marks = Path(event.get("marks", os.devnull))
    with marks.open("a") as file:
        file.write("x")
    return marks.stat().st_size


_SCENARIOS = {
    scenario.__name__: scenario
    for scenario in (
        *(answer, sleep, ask, ask_a_worker, ask_and_work, meet),
        *(fail_step, retry_beside_work, environment, fail, crash, crash_once),
    )
}
