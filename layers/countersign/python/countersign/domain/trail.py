"""The trail of a task: who was asked, what each person said, and how the task ended."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from countersign.domain.clock import from_text
from countersign.domain.identity import role_name
from countersign.domain.rules import Outcome
from countersign.domain.tasks import Exchange, Status, Task


class Step(NamedTuple):
    """One row of a trail.

    Attributes:
        what: `asked`, `asked_by_agent` (`by` is the name of its role), `delegated`, `taken_back` (a delegation),
            `stood_in` (the directory names a stand-in), `reassigned` (an operator asks `to` in place of `by`),
            `approve` and `reject` (a vote), `returned`, `answered`, `revised`, `approved` and `rejected` (the
            decision), `expired`, `withdrawn`, or `ended` (the execution ended without a decision).
        at: The time, in UTC.
        by: Who did it, an address, or an operator's ARN; empty if no person did.
        to: Who was asked.
        comment: What they wrote; empty without words.
    """

    what: str
    at: datetime
    by: str = ""
    to: tuple[str, ...] = ()
    comment: str = ""


def trail(task: Task) -> tuple[Step, ...]:
    """Return the steps in the order of time, with the votes of the chain's earlier levels."""
    steps = (*_earlier(task), *_asked(task), *_exchanges(task), *_votes(task), *_end(task))
    return tuple(sorted(steps, key=lambda step: step.at))


def _earlier(task: Task) -> Iterator[Step]:
    for by, decision, comment, at in task.question.earlier:
        yield Step(decision, from_text(at), by, comment=comment)


def _asked(task: Task) -> Iterator[Step]:
    """Yield who was asked first, and who took whose place."""
    handed = [(made.at, made.by, made.to) for made in task.delegations if not made.standing]
    # A delegation that was taken back is gone from the task.
    reassigned = [(made.at, made.by, made.to) for made in task.replaced if made.because]
    first = [person for person in task.audience if person not in task.escalated]
    for _, by, to in sorted((*handed, *reassigned), reverse=True):
        first = [by if person == to else person for person in first]
    if task.opened_at and first:
        agent = task.question.agent
        what, by = ("asked_by_agent", role_name(agent)) if agent else ("asked", task.question.requester)
        yield Step(what, task.opened_at, by, tuple(first))
    for made in task.delegations:
        yield Step("stood_in" if made.standing else "delegated", made.at, made.by, (made.to,))
    for replaced in task.replaced:
        what = "reassigned" if replaced.because else "taken_back"
        yield Step(what, replaced.at, replaced.by, (replaced.to,), replaced.because)


def _votes(task: Task) -> Iterator[Step]:
    for person, vote in task.votes.items():
        yield Step(vote.decision.value, vote.at, person, comment=vote.comment)


def _exchanges(task: Task) -> Iterator[Step]:
    for exchange in task.exchanges:
        yield Step("returned", exchange.at, exchange.by, comment=exchange.comment)
        yield from _answer(exchange, task.question.requester)


def _answer(exchange: Exchange, requester: str) -> Iterator[Step]:
    if exchange.answered_at:
        what = "revised" if exchange.revised else "answered"
        yield Step(what, exchange.answered_at, requester, comment=exchange.answer)


def _end(task: Task) -> Iterator[Step]:
    if task.decided_at and task.outcome in (Outcome.APPROVED, Outcome.REJECTED):
        yield Step(task.outcome.value, task.decided_at)
    elif task.status is Status.EXPIRED:
        yield Step("expired", task.expires_at)
    elif task.status is Status.CANCELLED and task.closed_at:
        what = "ended" if task.outlived_execution else "withdrawn"
        yield Step(what, task.closed_at, task.closed_by, comment=task.closed_comment)
