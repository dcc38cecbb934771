"""Verification of the audit: a task agrees with its entries, and each vote came by a recorded link that exists."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import chain
from types import MappingProxyType
from typing import Any

from countersign.domain import rounds, votes
from countersign.domain.audit import AuditEntry
from countersign.domain.clock import to_text
from countersign.domain.rules import Rule
from countersign.domain.tasks import Status, Task

_BY_LINK = ("voted", "delegated", "delegation_taken_back", "returned", "answered_back", "revised", "cancelled")

_ALWAYS_BY_LINK: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("voted", "delegation_taken_back", "returned"), votes.BY_LINK),
        **dict.fromkeys(("answered_back", "revised"), rounds.BY_STATUS_LINK),
    }
)
"""The acts that only people do, and by which link."""

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
"""A vote as its entry has it: decision, comment, time."""

_Handing = tuple[str, str, bool]
"""A delegation as its entry has it: from whom, to whom, whether for an absence."""

_Exchange = tuple[str, str, str]
"""A return as its entry has it: by whom, when, and what the requester did: `answered_back`, `revised`, or nothing."""


@dataclass(frozen=True)
class _Told:
    """A task as its audit describes it.

    Attributes:
        status: Its status; None before the first entry with a status.
        outcome: Its outcome; empty before the decision.
        decided_by: The people who decided it.
        votes: The last vote of each address in the current round.
        shown: SHA-256 of what the page showed.
        rule: The rule with which it was opened.
        expires_at: Its deadline; empty if it was never opened.
        audience: The people who were asked, including those who delegated it.
        escalated: The people whom an escalation asked, and those to whom they delegated it.
        delegations: The delegations that stand, in order.
        replaced: The people who were replaced, each with the person in their place, in order.
        round: Number of the round.
        exchanges: How often it was sent back, and whether the requester answered or revised it, in order.
        reserved: The amounts that are reserved for refunds, by the ids of their requests.
        strays: Whether an entry shows content that no revision brought in.
    """

    status: Status | None = None
    outcome: str = ""
    decided_by: tuple[str, ...] = ()
    votes: Mapping[str, _Ballot] = field(default_factory=dict)
    shown: str = ""
    rule: Mapping[str, Any] = field(default_factory=lambda: Rule().to_document())
    expires_at: str = ""
    audience: tuple[str, ...] = ()
    escalated: tuple[str, ...] = ()
    delegations: tuple[_Handing, ...] = ()
    replaced: tuple[tuple[str, str], ...] = ()
    round: int = 1
    exchanges: tuple[_Exchange, ...] = ()
    reserved: Mapping[str, str] = field(default_factory=dict)
    strays: bool = False


def contradictions(task: Task, entries: Sequence[AuditEntry]) -> Iterator[str]:
    """Yield each difference between a task and its audit, in words."""
    told = reduce(_after, entries, _Told())
    outcome, told_outcome = (value or "none" for value in (task.outcome, told.outcome))
    finding_of = {
        f"the task is {task.status}, its audit says {told.status}": told.status is task.status,
        f"the task's outcome is {outcome}, its audit says {told_outcome}": told_outcome == outcome,
        "the task and its audit name different people as those who decided": told.decided_by == task.decided_by,
        "the votes on the task are not those in its audit": _has_votes_of(told.votes, task),
        "the votes on the task do not make its decision": _is_undecided_or_sound(task),
        "the task's content is not what its audit says was shown": _shows(told, task),
        "the task and its audit differ in its rounds": (told.round, told.exchanges) == (task.round, _exchanges(task)),
        "the task's rule is not the one that it was opened with": told.rule == task.question.rule.to_document(),
        "the task's deadline is not that in its audit": told.expires_at in ("", to_text(task.expires_at)),
        "the task and its audit name different people as those who were asked": _asks_those_of(told, task),
        "the money that is reserved for refunds is not that in the task's audit": told.reserved
        == {refund: each.get("amount") for refund, each in task.reserved.items()},
        "the task's audit may be removed at another time than its entries say": all(
            entry.ttl == task.audit_ttl for entry in entries
        ),
    }
    yield from (finding for finding, holds in finding_of.items() if not holds)


def unminted(entries: Iterable[AuditEntry], audit: Callable[[str], Iterable[AuditEntry]] | None) -> Iterator[str]:
    """Yield what only people do and came by no link, and the acts of people whose link no audit has for that person.

    Args:
        entries: A task's audit, in order.
        audit: Returns the audit of another task: a link to an inbox is minted for one task, and opens others. None if
            such audits may have expired: links minted for other tasks are not looked up.
    """
    known: set[tuple[Any, Any]] = set()
    for entry in entries:
        event = entry.event
        known.update(_minted_by(entry))
        if event.identified_by != _ALWAYS_BY_LINK.get(event.event, event.identified_by):
            what = "a vote" if event.event == "voted" else f"`{event.event}`"
            yield f"entry {entry.seq} is {what} that came by no link"
        if not _is_by_link(entry) or ("minted_for" in event.data and audit is None):
            continue
        elsewhere = audit(event.data["minted_for"]) if audit and "minted_for" in event.data else ()
        if (event.actor, _link_of(entry)) not in known.union(*map(_minted_by, elsewhere)):
            yield f"entry {entry.seq} is by a link that was not minted for {event.actor}"


def links_used(entries: Iterable[AuditEntry]) -> set[str]:
    """Return the fingerprints of the links that people used for a task."""
    return {_link_of(entry) for entry in entries if _is_by_link(entry)} - {""}


def unopened(entries: Iterable[AuditEntry], standing: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    """Yield the acts of people whose link does not exist, or belongs to another task or person.

    Only the approver writes links, so an entry that was forged through another function has none.

    Args:
        entries: A task's audit, in order.
        standing: For the fingerprint of each existing link, its recipient and its task, which is empty for an inbox.
    """
    for entry in filter(_is_by_link, entries):
        link = _link_of(entry)
        recipient, task_id = standing.get(link, ("", ""))
        if recipient != entry.event.actor or task_id not in _opened_tasks(entry):
            yield f"entry {entry.seq} is by a link that the ledger does not have for {entry.event.actor}"


def _opened_tasks(entry: AuditEntry) -> tuple[str, ...]:
    """Return the tasks whose link may be that of an entry; empty for an inbox."""
    minted_for = str(entry.event.data.get("minted_for", ""))
    is_of_request = minted_for.partition(".")[0] == entry.task_id.partition(".")[0]
    # A requester's link opens the later levels of its chain too.
    is_of_chain = is_of_request and entry.event.identified_by == rounds.BY_STATUS_LINK
    return (entry.task_id, "", minted_for) if is_of_chain else (entry.task_id, "")


def _is_by_link(entry: AuditEntry) -> bool:
    return entry.event.event in _BY_LINK and entry.event.identified_by in (votes.BY_LINK, rounds.BY_STATUS_LINK)


def _link_of(entry: AuditEntry) -> str:
    return str(entry.event.data.get("link", ""))


def _minted_by(entry: AuditEntry) -> Iterator[tuple[Any, Any]]:
    if entry.event.event == "minted":
        yield entry.event.data.get("recipient"), entry.event.data.get("fingerprint")


def _after(told: _Told, entry: AuditEntry) -> _Told:
    strays = told.strays or (told.shown not in ("", entry.shown) and entry.event.event != "revised")
    told = replace(told, status=_LEAVES.get(entry.event.event, told.status), shown=entry.shown, strays=strays)
    return replace(told, **_TELLS.get(entry.event.event, _nothing)(told, entry, entry.event.data))


_Fields = dict[str, Any]


def _nothing(_: _Told, __: AuditEntry, ___: Mapping[str, Any]) -> _Fields:
    return {}


def _opened(_: _Told, __: AuditEntry, data: Mapping[str, Any]) -> _Fields:
    return {"audience": tuple(data.get("audience", ())), "rule": data.get("rule"), "expires_at": data.get("expires_at")}


def _extended(_: _Told, __: AuditEntry, data: Mapping[str, Any]) -> _Fields:
    return {"expires_at": data.get("until")}


def _escalated(told: _Told, _: AuditEntry, data: Mapping[str, Any]) -> _Fields:
    to = data.get("to", ())
    return {"audience": (*told.audience, *to), "escalated": (*told.escalated, *to)}


def _delegated(told: _Told, _: AuditEntry, data: Mapping[str, Any]) -> _Fields:
    by, to, standing = (data.get(name) for name in ("by", "to", "standing"))
    handing = {"delegations": (*told.delegations, (by, to, standing))}
    if standing:  # a stand-in is asked from the start
        return handing
    escalated = (to,) if by in told.escalated else ()
    return {**handing, "audience": (*told.audience, to), "escalated": (*told.escalated, *escalated)}


def _taken_back(told: _Told, _: AuditEntry, data: Mapping[str, Any]) -> _Fields:
    by, to = data.get("by", ""), data.get("to", "")
    others = tuple(made for made in told.delegations if made != (by, to, False))
    return {"delegations": others, "replaced": (*told.replaced, (to, by))}


def _reassigned(told: _Told, _: AuditEntry, data: Mapping[str, Any]) -> _Fields:
    by, to = data.get("by", ""), data.get("to", "")
    escalated = (to,) if by in told.escalated else ()
    people = {"audience": (*told.audience, to), "escalated": (*told.escalated, *escalated)}
    return {**people, "replaced": (*told.replaced, (by, to))}


def _voted(told: _Told, entry: AuditEntry, data: Mapping[str, Any]) -> _Fields:
    return {"votes": {**told.votes, entry.event.actor: (data.get("decision"), data.get("comment"), entry.at)}}


def _returned(told: _Told, entry: AuditEntry, _: Mapping[str, Any]) -> _Fields:
    return {"exchanges": (*told.exchanges, (entry.event.actor, entry.at, ""))}


def _answered_back(told: _Told, entry: AuditEntry, _: Mapping[str, Any]) -> _Fields:
    *earlier, (by, at, _act) = told.exchanges or (("", "", ""),)
    return {"exchanges": (*earlier, (by, at, entry.event.event))}


def _revised(told: _Told, entry: AuditEntry, data: Mapping[str, Any]) -> _Fields:
    return {**_answered_back(told, entry, data), "round": told.round + 1, "votes": {}}


def _decided(_: _Told, __: AuditEntry, data: Mapping[str, Any]) -> _Fields:
    return {"outcome": data.get("outcome"), "decided_by": tuple(data.get("decided_by", ()))}


def _reserved(told: _Told, _: AuditEntry, data: Mapping[str, Any]) -> _Fields:
    return {"reserved": {**told.reserved, data.get("refund", ""): data.get("amount", "")}}


def _no_longer_reserved(told: _Told, _: AuditEntry, data: Mapping[str, Any]) -> _Fields:
    return {"reserved": {refund: amount for refund, amount in told.reserved.items() if refund != data.get("refund")}}


def _restored(_: _Told, __: AuditEntry, data: Mapping[str, Any]) -> _Fields:
    return {"status": Status.OPEN, "outcome": "", "decided_by": ()} if data.get("undecided") else {}


_TELLS: Mapping[str, Callable[[_Told, AuditEntry, Mapping[str, Any]], _Fields]] = MappingProxyType(
    {
        "opened": _opened,
        "extended": _extended,
        "escalated": _escalated,
        "delegated": _delegated,
        "delegation_taken_back": _taken_back,
        "reassigned": _reassigned,
        "voted": _voted,
        "returned": _returned,
        "answered_back": _answered_back,
        "revised": _revised,
        "decided": _decided,
        "restored": _restored,
        "refund_reserved": _reserved,
        "refund_confirmed": _no_longer_reserved,
        "refund_freed": _no_longer_reserved,
    }
)
"""How an entry changes the described task, besides its status, by the entry's name; a forged entry may lack members."""


def _asks_those_of(told: _Told, task: Task) -> bool:
    """Tell whether a task asks the people whom its audit names, apart from those who gave it up by another address.

    Who took the task back is asked at the address that they used for it.
    """
    gave_up = [by for by, _, standing in told.delegations if not standing] + [*chain.from_iterable(told.replaced)]
    gone = (person for person in told.audience if person not in task.audience)
    return (
        set(task.audience) <= set(told.audience)
        and set(task.escalated) <= set(told.escalated)
        and all(any(task.aliases.same(person, by) for by in gave_up) for person in gone)
        and told.delegations == tuple((made.by, made.to, made.standing) for made in task.delegations)
        and told.replaced == tuple((made.by, made.to) for made in task.replaced)
    )


def _is_undecided_or_sound(task: Task) -> bool:
    """Tell whether the votes of people make the decision; a policy's decision has no votes and asks nobody."""
    return task.outcome is None or not task.audience or votes.is_sound(task)


def _has_votes_of(told: Mapping[str, _Ballot], task: Task) -> bool:
    """Tell whether a task has the votes of its audit: the last one of each person, by any of their addresses."""
    cast = {by: (vote.decision.value, vote.comment, to_text(vote.at)) for by, vote in task.votes.items()}
    if any(told.get(address) != ballot for address, ballot in cast.items()):
        return False
    replaced = {address: at for address, (_, _, at) in told.items() if address not in cast}
    return all(
        any(task.aliases.same(address, by) and at <= later for by, (_, _, later) in cast.items())
        for address, at in replaced.items()
    )


def _shows(told: _Told, task: Task) -> bool:
    """Tell whether a task shows what its audit says; a task that was cancelled before its opening shows nothing."""
    shown, content = told.shown, task.question.digest(task.submitted_by, told.round)
    return not told.strays and shown == task.shown and shown in ("", content)


def _exchanges(task: Task) -> tuple[_Exchange, ...]:
    return tuple(
        (each.by, to_text(each.at), "" if each.answered_at is None else "revised" if each.revised else "answered_back")
        for each in task.exchanges
    )
