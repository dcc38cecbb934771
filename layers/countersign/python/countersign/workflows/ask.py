"""The one primitive: ask somebody outside, suspend, and return what the ledger has of the answer.

Operations of a wait `<name>`, in order: `<name> callback 1`, `<name> open 1`, `<name> read 1`; and while the task is
open still, `<name> callback 2`, `<name> open 2`, `<name> read 2`, and so on. A first hand-off that fails adds
`<name> cancel`. A later hand-off that fails at `<name> open N` adds `<name> rotate N`, and begins turn N + 1 at once.
A payment whose provider the stage asks ends a turn shortly before its deadline, with `<name> look` after `read N`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from aws_durable_execution_sdk_python import (
    CallbackExternalError,
    CallbackTimeoutError,
    DurableContext,
    StepContext,
    StepError,
)
from aws_durable_execution_sdk_python.config import CallbackConfig, Duration, StepConfig
from aws_durable_execution_sdk_python.context import Callback

from countersign.domain.clock import from_text
from countersign.domain.errors import (
    DuplicateCorrelationError,
    DuplicateTaskNameError,
    HandOffFailedError,
    IdleRingsError,
    UnsoundDecisionError,
)
from countersign.domain.policy import Escalation
from countersign.domain.questions import Correlation, Question
from countersign.domain.requests import EXECUTION_MARGIN
from countersign.domain.tasks import HAND_OFF_FAILED, Status
from countersign.services.waits import FailedHandOff, Report, Wait
from countersign.workflows.runtime import current
from countersign.workflows.steps import HAND_OFF_STEP, LEDGER_STEP
from countersign.workflows.workflow import execution_of

MAX_IDLE_RINGS = 20
"""How often a callback may be completed without an answer in the ledger before the wait fails."""

NEXT_TRY = timedelta(minutes=5)
"""How long after a later hand-off failed it is tried again. An eighth of the time that it is late, once that is longer,
so that an outage of weeks takes no execution to Lambda's limit of operations."""

LOOK_SECONDS = 60
"""How long before its deadline the provider is asked for a payment; a tenth of the wait if that is shorter, but never
less than 2 seconds."""

LATE_SECONDS = 5
"""How late a callback may time out before another replaces it; the ledger's deadline is never late."""


class Schedule(NamedTuple):
    """When a wait ends, and when people are reminded.

    Attributes:
        deadline_seconds: Bound of the whole request, counted from its start.
        wait_seconds: Bound of this wait alone, counted from its opening; None or 0 for the request's bound.
        reminders_seconds: When to remind people, in seconds from the opening.
        escalations: The people who are asked later, and when.
        heartbeat_seconds: Longest silence of a machine before it is lost; None or 0 if it sends no heartbeats.
    """

    deadline_seconds: int
    wait_seconds: int | None = None
    reminders_seconds: tuple[int, ...] = ()
    escalations: tuple[Escalation, ...] = ()
    heartbeat_seconds: int | None = None


@dataclass(frozen=True)
class Expired:
    """No decision or answer came in time.

    Attributes:
        collected: The collected answers that came in time, by their keys.
        for_good: Whether the request's deadline has passed, not only this wait's: no further wait is possible.
        declined: Why the last attempt to pay was declined, in the provider's untrusted words; empty without one.
    """

    collected: Mapping[str, Any] = field(default_factory=dict)
    for_good: bool = False
    declined: str = ""


def ask(
    context: DurableContext,
    name: str,
    question: Question,
    schedule: Schedule,
    audience: tuple[str, ...] = (),
    attempt: int = 1,
) -> Report:
    """Ask a question, wait for the answer without using compute, and return the task's report.

    Args:
        context: The execution's context, or a child's.
        name: Name of the wait; unique within the workflow, printable ASCII, never changed once deployed.
        question: What is asked.
        schedule: When the wait ends, and when people are reminded.
        audience: The people who are asked first; empty for machines.
        attempt: Number of the first hand-off: 1, plus 1 for each earlier wait with the same question.

    Returns:
        The task's report; its `status` is APPLIED, EXPIRED or CANCELLED.

    Raises:
        DuplicateTaskNameError: The workflow, or an earlier request with this id, has used this name before.
        DuplicateCorrelationError: Another task with this external id is open or answered.
        HandOffFailedError: The hand-off failed; the task is cancelled.
        IdleRingsError: The callback was completed repeatedly without an answer.
        UnsoundDecisionError: The recorded votes do not make the recorded decision.
    """
    asking = _Asking(context, name, schedule, _asked_for(question))
    wait = asking.begin(audience, attempt)
    found = asking.open(wait, question)
    while True:
        if found["status"] == Status.OPEN and not asking.must_hasten(found):
            asking.sleep(wait)
        found = asking.read(wait)
        if found["status"] != Status.OPEN:
            return found
        asking.look_if_due()
        found = asking.refresh(wait)


def withdraw(context: DurableContext, name: str) -> Report:
    """Withdraw a wait's task that is no longer needed: one operation, `<name> withdraw`.

    A later answer gets 410. A decision made a moment before is recorded as superseded.

    Args:
        context: The execution's context, or a child's.
        name: Name of the wait.

    Returns:
        The task's report.

    Raises:
        DuplicateTaskNameError: An earlier request with this id has used this name.
    """
    execution = execution_of(context)
    latest = execution.started_at + current().execution_timeout - EXECUTION_MARGIN
    wait = Wait(execution.request_id, name, "", latest, latest)
    report: Report = context.step(lambda _: current().waits.withdraw(wait), f"{name} withdraw", LEDGER_STEP)
    if report.get("duplicate"):
        raise DuplicateTaskNameError(wait.task_id)
    return report


def deadline_of(context: DurableContext, deadline_seconds: int) -> datetime:
    """Return when a request with this deadline ends, or its execution, if that is earlier."""
    return execution_of(context).started_at + timedelta(seconds=current().bounded(deadline_seconds))


class _Asking:
    """The durable operations of one wait. Runs again on every replay, so all its state comes from checkpoints."""

    def __init__(self, context: DurableContext, name: str, schedule: Schedule, payment: Correlation | None) -> None:
        self._context = context
        self._name = name
        self._schedule = schedule
        self._execution = execution_of(context)
        self._latest = self._execution.started_at + current().execution_timeout - EXECUTION_MARGIN
        self._opened_at = self._now = self._execution.started_at
        self._expires_at = min(self._bounds())
        reminders = (Escalation(after, ()) for after in schedule.reminders_seconds)
        self._later_hand_offs = sorted((*reminders, *schedule.escalations), key=lambda due: due.after_seconds)
        beat = schedule.heartbeat_seconds
        self._silence = timedelta(seconds=beat) if beat else None
        self._heard_at: datetime | None = None
        self._payment = payment
        self._handed_off = 0
        self._hastened = False
        self._next_try: datetime | None = None
        self._turn = 0
        self._idle_rings = 0

    def _create_callback(self) -> str:
        """Start a turn and return its callback's id. The callback times out when the next hand-off or the end is due.

        The time is unknown outside steps, and the workflow may have been slow before. The callback's own start shows
        it: a callback that would time out too late is abandoned for another one.
        """
        while True:
            self._turn += 1
            timeout = self._seconds_to_sleep()
            config = CallbackConfig(
                timeout=Duration.from_seconds(timeout),
                heartbeat_timeout=Duration.from_seconds(self._seconds_of_silence()),
            )
            self._callback = self._context.create_callback(self._operation("callback"), config)
            self._now = max(self._now, _started_at(self._context, self._callback))
            if self._turn == 1:
                self._opened_at = self._now
                self._expires_at = min(self._bounds())
            if timeout <= self._seconds_to_sleep() + LATE_SECONDS:
                return self._callback.callback_id

    def begin(self, audience: tuple[str, ...], attempt: int) -> Wait:
        first_callback_id, execution = self._create_callback(), self._execution
        return Wait(
            execution.request_id,
            self._name,
            first_callback_id,
            self._expires_at,
            self._latest,
            execution.submitted_by,
            audience,
            attempt,
            self._schedule.heartbeat_seconds or 0,
        )

    def open(self, wait: Wait, question: Question) -> Report:
        try:
            opened = self._step(self._operation("open"), lambda: current().waits.open(wait, question), HAND_OFF_STEP)
        except StepError as error:
            return self._take_back(wait, error)
        if opened.get("duplicate"):
            raise DuplicateTaskNameError(wait.task_id)
        if opened.get("taken"):
            raise DuplicateCorrelationError(wait.task_id)
        return opened

    def refresh(self, wait: Wait) -> Report:
        """Start a turn: point the task at its callback, and send a reminder or an escalation that is due.

        A failed hand-off prevents no answer: it stays due, and is tried again whenever the workflow wakes. A task that
        still names the previous callback would lose the answer: then the workflow fails.
        """
        callback_id = self._create_callback()
        new = [hand_off for hand_off in self._later_hand_offs if self._moment_of(hand_off) <= self._now]
        if not new:
            return self._point_at(wait, callback_id)
        number = 1 + self._handed_off + len(new)
        people = tuple(person for hand_off in new for person in hand_off.to)
        remind = any(not hand_off.to for hand_off in new)
        try:
            found = self._step(
                self._operation("open"),
                lambda: current().waits.hand_off_again(wait, callback_id, number, people, remind=remind),
                HAND_OFF_STEP,
            )
        except StepError:
            return self._try_later(wait, callback_id, number, late_since=self._moment_of(new[0]))
        self._handed_off, self._next_try = self._handed_off + len(new), None
        self._later_hand_offs = [hand_off for hand_off in self._later_hand_offs if hand_off not in new]
        return found

    def _point_at(self, wait: Wait, callback_id: str) -> Report:
        return self._step(self._operation("open"), lambda: current().waits.refresh(wait, callback_id))

    def _try_later(self, wait: Wait, callback_id: str, number: int, late_since: datetime) -> Report:
        """Record that a hand-off failed, and start a turn that ends when it is tried again.

        The current turn would end too late, because its callback was created before the failure.
        """
        failed = FailedHandOff(number, self._operation("open"))
        found = self._step(self._operation("rotate"), lambda: _hand_off_failed(wait, callback_id, failed))
        if found["status"] != Status.OPEN:
            return found
        self._now = from_text(found["at"])
        pause = max(NEXT_TRY, (self._now - late_since) / 8)
        # Sooner near the deadline: after it, the hand-off is useless.
        self._next_try = self._now + min(pause, (self._expires_at - self._now) / 2)
        return self._point_at(wait, self._create_callback())

    def sleep(self, wait: Wait) -> None:
        """Suspend until the callback ends. How it ends does not matter: the workflow reads the ledger in any case."""
        try:
            self._callback.result()
        except CallbackTimeoutError:
            return
        except CallbackExternalError:
            pass
        self._idle_rings += 1
        if self._idle_rings > MAX_IDLE_RINGS:
            raise IdleRingsError(wait.task_id, self._idle_rings)

    def read(self, wait: Wait) -> Report:
        found = self._step(self._operation("read"), lambda: current().waits.read(wait, self._silence))
        self._now = from_text(found["at"])
        self._expires_at = from_text(found["expires_at"])
        self._heard_at = from_text(found["heard_at"]) if "heard_at" in found else None
        if found.get("unsound"):
            raise UnsoundDecisionError(wait.task_id)
        if self.must_hasten(found):
            self._hasten()
        return found

    def look_if_due(self) -> None:
        """Ask the provider for the payment, once. Afterwards the ledger has a paid answer; any other has no effect."""
        if self._payment is None or self._now < self._look_at():
            return
        payment, self._payment = self._payment, None
        self._context.step(lambda _: current().look(payment), f"{self._name} look", LEDGER_STEP)

    def _look_at(self) -> datetime:
        waits = (self._expires_at - self._opened_at) // timedelta(seconds=1)
        return self._expires_at - timedelta(seconds=max(2, min(LOOK_SECONDS, waits // 10)))

    def must_hasten(self, found: Report) -> bool:
        """Tell whether the task's first bounce must bring forward an escalation that is due later."""
        return found.get("bounced", False) and not self._hastened and any(later.to for later in self._later_hand_offs)

    def _hasten(self) -> None:
        """Make the next escalation due now."""
        place, escalation = next((place, later) for place, later in enumerate(self._later_hand_offs) if later.to)
        waited = (self._now - self._opened_at) // timedelta(seconds=1)
        self._later_hand_offs[place] = Escalation(min(waited, escalation.after_seconds), escalation.to)
        self._hastened = True

    def _take_back(self, wait: Wait, error: StepError) -> Report:
        cancelled = self._step(f"{self._name} cancel", lambda: current().waits.cancel(wait, HAND_OFF_FAILED))
        if cancelled.get("duplicate"):
            raise DuplicateTaskNameError(wait.task_id) from error
        if cancelled["status"] == Status.CANCELLED:
            raise HandOffFailedError(wait.task_id) from error
        return cancelled

    def _bounds(self) -> list[datetime]:
        """Return the ends of this wait: the request's deadline, the execution's end, and the wait's own bound."""
        bounds = [deadline_of(self._context, self._schedule.deadline_seconds), self._latest]
        if self._schedule.wait_seconds:
            bounds.append(self._opened_at + timedelta(seconds=self._schedule.wait_seconds))
        return bounds

    def _seconds_to_sleep(self) -> int:
        """Return the whole seconds, rounded up and at least one, until something is due."""
        moments = [self._expires_at, *map(self._moment_of, self._later_hand_offs)]
        if self._next_try:
            moments.append(self._next_try)
        if self._payment:
            moments.append(self._look_at())
        moment = min((due for due in moments if due > self._now), default=self._now)
        return max(1, -((self._now - moment) // timedelta(seconds=1)))

    def _seconds_of_silence(self) -> int:
        """Return the whole seconds until the machine is lost, rounded up, at least one; 0 without heartbeats.

        A callback counts from its creation, the ledger from the last heartbeat. So a new callback gets the rest.
        """
        if self._silence is None:
            return 0
        left = self._silence if self._heard_at is None else self._heard_at + self._silence - self._now
        return max(1, -(-left // timedelta(seconds=1)))

    def _moment_of(self, hand_off: Escalation) -> datetime:
        return self._opened_at + timedelta(seconds=hand_off.after_seconds)

    def _operation(self, kind: str) -> str:
        return f"{self._name} {kind} {self._turn}"

    def _step(self, name: str, body: Callable[[], Report], config: StepConfig = LEDGER_STEP) -> Report:
        def run(_: StepContext) -> Report:
            return body()

        return self._context.step(run, name, config)


def _asked_for(question: Question) -> Correlation | None:
    """Return the payment that the provider is asked for before it expires; None for any other question."""
    payment = question.correlation
    return payment if payment and payment.provider in current().asked else None


def _hand_off_failed(wait: Wait, callback_id: str, failed: FailedHandOff) -> Report:
    # Imported here, because every cold start of a workflow would pay for it.
    from countersign.functions.telemetry import count

    found = current().waits.hand_off_failed(wait, callback_id, failed)
    count("HandOffsFailed")
    return found


def _started_at(context: DurableContext, callback: Callback[Any]) -> datetime:
    """Return when a callback was created, in whole seconds, because a checkpoint is more precise than a replay."""
    operation = context.state.get_checkpoint_result(callback.operation_id, claim_end_hook=False).operation
    if operation is None or operation.start_timestamp is None:
        raise LookupError("a callback that was created has no time of creation")
    return operation.start_timestamp.astimezone(UTC).replace(microsecond=0)
