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
    if _is_withdrawn(task) and task.closed_at and address in task.audience:
        return Moot(_WITHDRAWN, task.closed_at, because=task.closed_comment)
    return None


def newly_moot(before: Task | None, after: Task) -> tuple[str, ...]:
    """Return the people whose links, if they have any, a change has made moot. Nobody is told about proofs."""
    if before is None or after.request_id.startswith(PREFIX):
        return ()
    if before.status is Status.OPEN and _is_withdrawn(after):
        return after.audience
    made = after.replaced[len(before.replaced) :]
    return tuple(each.by for each in made if after.replacement_of(each.by))


def _is_withdrawn(task: Task) -> bool:
    return task.status is Status.CANCELLED and task.closed_because.startswith(_WITHDRAWN)
