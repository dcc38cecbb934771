"""Assignments: the people who are asked, after the directory has resolved aliases and absences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from countersign.domain.identity import normalise
from countersign.domain.people import Assignment, Entry, aliases_of, resolve_stand_ins
from countersign.domain.tasks import Task

if TYPE_CHECKING:
    from countersign.ports import Directory

MAX_HOPS = 4
"""The longest chain of stand-ins who are away themselves."""


def assign(
    directory: Directory, requester: str, people: Iterable[str], now: datetime, taken: tuple[str, ...] = ()
) -> Assignment:
    """Look people up, and replace those who are away by their stand-ins.

    Args:
        directory: The directory.
        requester: The requester's address; empty without one.
        people: Addresses of the people to ask; two spellings of one address count once.
        now: The current time.
        taken: People who are asked already, have delegated the task, or decide another level of the same chain.

    Raises:
        LedgerUnavailableError: The directory did not answer.
    """
    wanted = tuple(dict.fromkeys(map(normalise, people)))
    entries = dict(directory.entries({normalise(requester), *wanted, *taken} - {""}, consistent=False))
    for _ in range(MAX_HOPS):
        unknown = _stand_ins(entries, now) - set(entries)
        if not unknown:
            break
        entries |= directory.entries(unknown, consistent=False)
    return resolve_stand_ins(wanted, taken, entries, requester, now)


def identified(directory: Directory, task: Task, *more: str, consistent: bool = True) -> Task:
    """Return a task with the aliases that the directory has now for its people, and what it says about newcomers.

    Args:
        directory: The directory.
        task: The task.
        more: Normalised addresses of people who are about to join it.
        consistent: Whether changes of the last second must be known: leave it out where an act is final.

    Raises:
        LedgerUnavailableError: The directory did not answer.
    """
    handed_on = (made.by for made in task.delegations)
    involved = (*task.question.requesters, *task.audience, *task.votes, *task.question.elsewhere, *handed_on, *more)
    entries = directory.entries(set(map(normalise, involved)) - {""}, consistent=consistent)
    said = {address: entries[address].profile for address in more if address not in task.question.people}
    newcomers = {**task.newcomers, **{address: profile for address, profile in said.items() if profile}}
    return replace(task, aliases=task.aliases | aliases_of(entries), newcomers=newcomers)


def _stand_ins(entries: dict[str, Entry], now: datetime) -> set[str]:
    absences = (entry.absence(now) for entry in entries.values())
    return {absence.to for absence in absences if absence is not None}
