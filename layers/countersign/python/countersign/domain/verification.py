"""Whether a task is as its audit says, and whether each vote came by a link that an audit has."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from types import MappingProxyType

from countersign.domain.audit import AuditEntry
from countersign.domain.clock import to_text
from countersign.domain.tasks import Status, Task, shown_digest
from countersign.domain.votes import BY_LINK

_LEAVES: Mapping[str, Status] = MappingProxyType(
    {
        "opened": Status.OPEN,
        "decided": Status.DECIDED,
        "applied": Status.APPLIED,
        "expired": Status.EXPIRED,
        "cancelled": Status.CANCELLED,
    }
)
"""The status that a task has after an entry, by the entry's name."""

_Ballot = tuple[str, str, str]
"""A vote as an entry tells it: decision, comment, time."""


@dataclass(frozen=True)
class _Told:
    """A task as its audit tells it.

    Attributes:
        status: Its status; None before the first entry that says so.
        outcome: How it was decided; empty before.
        decided_by: Who decided it; None where the entry does not say, as those of the first release do not.
        votes: The last vote of each address.
        shown: SHA-256 of what people were shown.
    """

    status: Status | None = None
    outcome: str = ""
    decided_by: tuple[str, ...] | None = ()
    votes: Mapping[str, _Ballot] = field(default_factory=dict)
    shown: str = ""


def contradictions(task: Task, entries: Iterable[AuditEntry]) -> Iterator[str]:
    """Yield in what a task differs from what its audit says, in words; nothing where it does not.

    Args:
        task: The task as it stands.
        entries: Its audit, in order.
    """
    told = reduce(_after, entries, _Told())
    outcome, told_outcome = (value or "none" for value in (task.outcome, told.outcome))
    finding_of = {
        f"the task is {task.status}, its audit says {told.status}": told.status is task.status,
        f"the task's outcome is {outcome}, its audit says {told_outcome}": told_outcome == outcome,
        "the task names others than its audit as those who decided": told.decided_by in (None, task.decided_by),
        "the votes on the task are not those in its audit": _has_votes_of(told.votes, task),
        "what the task shows is not what its audit says was shown": _shows(told.shown, task),
    }
    yield from (finding for finding, holds in finding_of.items() if not holds)


def unminted(entries: Iterable[AuditEntry], audit: Callable[[str], Iterable[AuditEntry]]) -> Iterator[str]:
    """Yield the votes and delegations that came by a link of which no audit says that it was minted for that person.

    Args:
        entries: A task's audit, in order.
        audit: Returns the audit of another task: a link to an inbox is minted for one task, and opens others.
    """
    known: set[tuple[str, str]] = set()
    for entry in entries:
        event = entry.event
        known.update(_minted_by(entry))
        if event.identified_by != BY_LINK or event.event not in ("voted", "delegated"):
            continue
        elsewhere = audit(event.data["minted_for"]) if "minted_for" in event.data else ()
        links = known.union(*map(_minted_by, elsewhere))
        # The first release put on record to whom a link was sent, and not which.
        if links.isdisjoint({(event.actor, event.data.get("link", "")), (event.actor, "")}):
            yield f"entry {entry.seq} is by a link that was not minted for {event.actor}"


def _minted_by(entry: AuditEntry) -> Iterator[tuple[str, str]]:
    if entry.event.event in ("minted", "mailed"):
        yield entry.event.data["recipient"], entry.event.data.get("fingerprint", "")


def _after(told: _Told, entry: AuditEntry) -> _Told:
    data = entry.event.data
    told = replace(told, status=_LEAVES.get(entry.event.event, told.status), shown=entry.shown)
    match entry.event.event:
        case "voted":
            ballot = (data["decision"], data["comment"], entry.at)
            return replace(told, votes={**told.votes, entry.event.actor: ballot})
        case "decided":
            by = tuple(data["decided_by"]) if "decided_by" in data else None
            return replace(told, outcome=data["outcome"], decided_by=by)
        case "restored" if data.get("undecided"):
            return replace(told, status=Status.OPEN, outcome="", decided_by=())
    return told


def _has_votes_of(told: Mapping[str, _Ballot], task: Task) -> bool:
    """Tell whether a task has the votes that its audit tells of: of each person the last, by whichever address."""
    votes = {by: (vote.decision.value, vote.comment, to_text(vote.at)) for by, vote in task.votes.items()}
    if any(told.get(address) != ballot for address, ballot in votes.items()):
        return False
    replaced = {address: at for address, (_, _, at) in told.items() if address not in votes}
    return all(
        any(task.aliases.same(address, by) and at <= later for by, (_, _, later) in votes.items())
        for address, at in replaced.items()
    )


def _shows(shown: str, task: Task) -> bool:
    """Tell whether a task shows what its audit says; one that was cancelled before its opening shows nothing."""
    digest = shown_digest(task.title, task.details, task.requester, task.attachments, task.submitted_by)
    return shown == task.shown and shown in ("", digest)
