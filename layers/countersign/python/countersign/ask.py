"""The one primitive: put a question to somebody outside, sleep, and return what the ledger says became of it.

Operations of a wait `<name>`, in order; a round after the first adds its number:
`<name> callback 1`, `<name> open 1`, `<name> read 1`, then `<name> callback 2`, ….
"""

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from aws_durable_execution_sdk_python import (
    CallbackExternalError,
    CallbackTimeoutError,
    DurableContext,
    StepContext,
    StepError,
)
from aws_durable_execution_sdk_python.config import CallbackConfig, Duration, StepConfig
from aws_durable_execution_sdk_python.retries import RetryStrategyConfig, create_retry_strategy

from countersign.domain.clock import from_text
from countersign.domain.errors import DuplicateTaskNameError, HandOffFailedError, IdleRingsError
from countersign.domain.tasks import Status
from countersign.runtime import EXECUTION_MARGIN, current
from countersign.services.desk import Question, Wait, reported_time, whole_seconds_until
from countersign.workflow import Execution, execution_of

MAX_IDLE_RINGS = 20
"""How often a callback may be completed without an answer in the ledger before the wait gives up."""

LEDGER_STEP = StepConfig(
    retry_strategy=create_retry_strategy(
        RetryStrategyConfig(max_attempts=6, initial_delay=Duration.from_seconds(2), max_delay=Duration.from_minutes(1))
    )
)

Report = dict[str, Any]


def ask(context: DurableContext, name: str, question: Question) -> Report:
    """Put a question, wait for its answer without using compute, and return what became of it.

    Args:
        context: The execution's context, or a child's.
        name: Name of the wait; unique within the workflow, printable ASCII, never changed once deployed.
        question: What is asked, of whom, until when.

    Returns:
        The report of `Desk.read`: `status` is APPLIED, EXPIRED or CANCELLED.

    Raises:
        DuplicateTaskNameError: The workflow has waited under this name before.
        HandOffFailedError: Nobody could be told; the task is cancelled.
        IdleRingsError: The callback was completed again and again without an answer.
    """
    wait = _Asking(context, name, question)
    for number in count(1):
        report = wait.round(number)
        if report["status"] != Status.OPEN:
            return report
    raise AssertionError("count() has no end")


@dataclass
class _Round:
    """Where a wait stands between two callbacks; every value is the same on each replay."""

    hand_off: int = 1
    idle_rings: int = 0


class _Asking:
    """One wait, round by round. Runs again on every replay: all it knows comes from checkpoints."""

    def __init__(self, context: DurableContext, name: str, question: Question) -> None:
        self._context = context
        self._name = name
        self._question = question
        self._execution = execution_of(context)
        self._opening = _last_known_time(context, self._execution)
        self._expires_at, self._max_expires_at = _deadlines(self._execution, self._opening, question)
        self._now = self._opening
        self._state = _Round()
        self._wait: Wait | None = None

    def round(self, number: int) -> Report:
        callback = self._context.create_callback(
            name=f"{self._name} callback {number}",
            config=CallbackConfig(timeout=Duration.from_seconds(self._seconds_to_sleep())),
        )
        opened = self._open(number, callback.callback_id)
        if opened["status"] == Status.OPEN:
            self._sleep(callback.result)
        report = self._step(f"{self._name} read {number}", lambda: current().desk.read(self._known_wait))
        self._learn(report)
        return report

    @property
    def _known_wait(self) -> Wait:
        assert self._wait is not None, "the first round made the wait"
        return self._wait

    def _open(self, number: int, callback_id: str) -> Report:
        name = f"{self._name} open {number}"
        if self._wait is None:
            request_id = self._execution.request_id
            self._wait = Wait(request_id, self._name, callback_id, self._expires_at, self._max_expires_at)
        wait, hand_off = self._wait, self._state.hand_off
        due = self._reminders_due()
        try:
            if number == 1:
                opened = self._step(name, lambda: current().desk.open(wait, self._question))
            else:
                opened = self._step(name, lambda: current().desk.refresh(wait, callback_id, due, remind=due > hand_off))
        except StepError as error:
            if number > 1:  # a reminder failed; whoever has the first hand-off can answer still
                return {"status": Status.OPEN.value}
            return self._give_up(error)
        finally:
            self._state.hand_off = due
        if opened.get("duplicate"):
            raise DuplicateTaskNameError(wait.task_id)
        return opened

    def _give_up(self, error: StepError) -> Report:
        wait = self._known_wait
        cancelled = self._step(f"{self._name} cancel", lambda: current().desk.cancel(wait, "hand_off_failed"))
        if cancelled["status"] == Status.CANCELLED:
            raise HandOffFailedError(wait.task_id) from error
        return cancelled

    def _sleep(self, result: Callable[[], Any]) -> None:
        """Suspend until the callback ends. How it ends means nothing: the ledger is asked in every case."""
        try:
            result()
        except CallbackTimeoutError:
            return
        except CallbackExternalError:
            pass
        self._state.idle_rings += 1

    def _learn(self, report: Report) -> None:
        self._now = reported_time(report)
        _known_times[self._context.state] = max(self._now, _last_known_time(self._context, self._execution))
        if report["status"] != Status.OPEN:
            return
        self._expires_at = from_text(report["expires_at"])
        if self._state.idle_rings >= MAX_IDLE_RINGS:
            raise IdleRingsError(self._known_wait.task_id, self._state.idle_rings)

    def _seconds_to_sleep(self) -> int:
        reminders = (self._opening + timedelta(seconds=after) for after in self._question.reminders_seconds)
        next_event = min((moment for moment in reminders if moment > self._now), default=self._expires_at)
        return whole_seconds_until(min(next_event, self._expires_at), self._now)

    def _reminders_due(self) -> int:
        elapsed = self._now - self._opening
        return 1 + sum(timedelta(seconds=after) <= elapsed for after in self._question.reminders_seconds)

    def _step(self, name: str, body: Callable[[], Report]) -> Report:
        def run(_: StepContext) -> Report:
            return body()

        return self._context.step(run, name=name, config=LEDGER_STEP)


def _deadlines(execution: Execution, opening: datetime, question: Question) -> tuple[datetime, datetime]:
    """Return when the task closes by itself, and how far that may be moved."""
    latest = execution.started_at + current().execution_timeout - EXECUTION_MARGIN
    bounds = [execution.started_at + timedelta(seconds=question.deadline_seconds), latest]
    if question.wait_seconds is not None:
        bounds.append(opening + timedelta(seconds=question.wait_seconds))
    return min(bounds), latest


_known_times: weakref.WeakKeyDictionary[Any, datetime] = weakref.WeakKeyDictionary()
"""The latest time that a step of an execution has reported: what a wait may know of the time outside steps."""


def _last_known_time(context: DurableContext, execution: Execution) -> datetime:
    return _known_times.get(context.state, execution.started_at)
