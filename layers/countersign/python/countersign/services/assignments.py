"""Assignments: who really is asked, once the directory has told of aliases and of people who are away."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from countersign.domain.identity import normalise
from countersign.domain.people import Assignment, Entry, aliases_of, resolve_stand_ins
from countersign.domain.tasks import Task
from countersign.ports import Directory

MAX_HOPS = 4
"""How many people who are away themselves may be asked to stand in for one another."""


def assign(
    directory: Directory, requester: str, people: Iterable[str], now: datetime, taken: tuple[str, ...] = ()
) -> Assignment:
    """Look everybody up, and put stand-ins into the places of those who are away.

    Args:
        directory: What is known of people.
        requester: Who asks; empty where nobody does.
        people: Who should be asked; one person in two spellings is one.
        now: The current time.
        taken: Who is asked already, has handed the task on, or decides another of the same chain.

    Raises:
        LedgerUnavailableError: The directory did not answer.
    """
    wanted = tuple(dict.fromkeys(map(normalise, people)))
    entries = dict(directory.entries({normalise(requester), *wanted, *taken} - {""}))
    for _ in range(MAX_HOPS):
        unknown = _stand_ins(entries, now) - set(entries)
        if not unknown:
            break
        entries |= directory.entries(unknown)
    return resolve_stand_ins(wanted, taken, entries, requester, now)


def identified(directory: Directory, task: Task, *more: str) -> Task:
    """Return a task with all that the directory knows now of the addresses of its people.

    Args:
        directory: What is known of people.
        task: The task as it stands.
        more: Normalised addresses that are about to have a part in it.

    Raises:
        LedgerUnavailableError: The directory did not answer.
    """
    handed_on = (made.by for made in task.delegations)
    involved = (task.question.requester, *task.audience, *task.votes, *task.question.elsewhere, *handed_on, *more)
    entries = directory.entries(set(map(normalise, involved)) - {""})
    return replace(task, aliases=task.aliases | aliases_of(entries))


def _stand_ins(entries: dict[str, Entry], now: datetime) -> set[str]:
    absences = (entry.absence(now) for entry in entries.values())
    return {absence.to for absence in absences if absence is not None}
