"""Moot links: whose link stopped working before a decision, since when, and why."""

from datetime import datetime
from typing import NamedTuple

from countersign.domain.proofs import PREFIX
from countersign.domain.tasks import Status, Task

_WITHDRAWN = "withdrawn"


class Moot(NamedTuple):
    """Why a person's link is moot.

    Attributes:
        why: `withdrawn`, `taken_back` or `reassigned`.
        since: When the link became moot, in UTC.
        person: Who is asked instead, an address; empty for a withdrawal.
        because: The reason, in the words of the operator or of the requester; empty without one.
    """

    why: str
    since: datetime
    person: str = ""
    because: str = ""


def moot_for(task: Task, address: str) -> Moot | None:
    """Return why the links of an address to a task are moot; None if they are not, or if the page alone says why.

    A decided or expired task makes no message, and neither does the end of its execution.
    """
    if made := task.replacement_of(address):
        return Moot("reassigned" if made.because else "taken_back", made.at, made.to, made.because)
    if is_withdrawn(task) and task.closed_at and address in task.audience:
        return Moot(_WITHDRAWN, task.closed_at, because=task.closed_comment)
    return None


def perhaps_told(task: Task) -> tuple[str, ...]:
    """Return the people whose links to a task may be moot. Nobody is told about proofs."""
    if task.request_id.startswith(PREFIX):
        return ()
    return tuple(dict.fromkeys((*task.audience, *(made.by for made in task.replaced))))


def is_withdrawn(task: Task) -> bool:
    """Tell whether a task that asks people was withdrawn: by its workflow, an operator or the requester."""
    return task.status is Status.CANCELLED and task.closed_because.startswith(_WITHDRAWN) and bool(task.audience)
