"""What the directory knows of people: their other addresses, and who stands in for them while they are away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from countersign.domain.errors import ContractError
from countersign.domain.identity import NO_ALIASES, Aliases, same_domain
from countersign.domain.rules import Rule


@dataclass(frozen=True)
class Absence:
    """A standing delegation: out of office.

    Attributes:
        since: From when, in UTC.
        until: Until when, exclusive, in UTC.
        to: Address of who stands in, normalised.
    """

    since: datetime
    until: datetime
    to: str


@dataclass(frozen=True)
class Entry:
    """What the directory says of one address.

    Attributes:
        person: The address under which its owner counts, normalised; the address itself unless it is an alias.
        absences: When its owner is away.
    """

    person: str
    absences: tuple[Absence, ...] = ()

    def absence(self, now: datetime) -> Absence | None:
        """Return the absence that holds now, or None."""
        return next((absence for absence in self.absences if absence.since <= now < absence.until), None)


@dataclass(frozen=True)
class Delegation:
    """A task that somebody else decides in an approver's place.

    Attributes:
        by: Whom it was asked of first.
        to: Who decides now.
        at: When it was handed on, in UTC.
        standing: Whether the directory said so, since `by` is away; otherwise they did it themselves.
    """

    by: str
    to: str
    at: datetime
    standing: bool = False


@dataclass(frozen=True)
class Assignment:
    """Who is really asked.

    Attributes:
        audience: Their addresses, normalised, in order.
        aliases: What is known of their other addresses, and of the requester's.
        delegations: Who stands in for whom.
    """

    audience: tuple[str, ...]
    aliases: Aliases
    delegations: tuple[Delegation, ...] = ()


def check_approvers(
    approvers: Sequence[str], requester: str, rule: Mapping[str, Any], aliases: Aliases, prefix: str
) -> None:
    """Refuse approvers of whom two are one person, and those who could never decide.

    Args:
        approvers: Their addresses.
        requester: Who asks; never counts.
        rule: The rule as a request's input has it; empty for none.
        aliases: What is known of other addresses of theirs.
        prefix: JSON pointer of the input.

    Raises:
        ContractError: Has the JSON pointer.
    """
    if len(aliases.distinct(approvers)) < len(approvers):
        raise ContractError("names one person twice", f"{prefix}/approvers")
    if reason := undecidable(approvers, requester, Rule.from_document(rule or None), aliases):
        place = "rule/k" if rule.get("kind") == "quorum" else "approvers"
        raise ContractError(reason, f"{prefix}/{place}")


def undecidable(people: Sequence[str], requester: str, rule: Rule, aliases: Aliases) -> str:
    """Return why people could never approve anything together; empty where they could.

    Args:
        people: Who is asked.
        requester: Who asks; never counts.
        rule: How many of them must agree.
        aliases: What is known of other addresses of theirs.
    """
    voters = sum(not aliases.same(person, requester) for person in aliases.distinct(people))
    if rule.kind in ("all", "in_order") and voters < len(aliases.distinct(people)):
        return "names the requester, who may not approve, where everybody has to"
    needed = rule.k if rule.kind == "quorum" else 1
    return f"needs {needed} who may approve beside the requester; has {voters}" if needed > voters else ""


def aliases_of(entries: Mapping[str, Entry]) -> Aliases:
    """Return the aliases among addresses that were looked up."""
    return NO_ALIASES | Aliases({address: entry.person for address, entry in entries.items()})


def resolve_stand_ins(
    wanted: tuple[str, ...], taken: tuple[str, ...], entries: Mapping[str, Entry], requester: str, now: datetime
) -> Assignment:
    """Put a stand-in into the place of everybody who is away.

    Nobody stands in for, or is, the requester or somebody who has a part in this already, and nobody stands in for
    somebody of another domain, as with a delegation: then the person who is away stays asked.

    Args:
        wanted: Who should be asked, normalised.
        taken: Who is asked already, has handed the task on, or decides another of the same chain.
        entries: What the directory says of all of them, of the requester, and of every stand-in.
        requester: Who asks.
        now: The current time.
    """
    aliases = aliases_of(entries)
    asked = list(wanted)
    delegations: list[Delegation] = []
    for place, person in enumerate(wanted):
        stand_in = _stand_in(person, entries, now)
        if stand_in is None or not same_domain(stand_in, person):
            continue
        may_not = any(aliases.same(person, other) for other in (requester, *taken))
        if not may_not and not any(aliases.same(stand_in, other) for other in (requester, *taken, *asked)):
            asked[place] = stand_in
            delegations.append(Delegation(person, stand_in, now, standing=True))
    return Assignment(tuple(asked), aliases, tuple(delegations))


def _stand_in(person: str, entries: Mapping[str, Entry], now: datetime) -> str | None:
    """Follow the absences from stand-in to stand-in, to somebody who is there; None when nobody is."""
    seen = {person}
    absence = entries[person].absence(now)
    while absence is not None and absence.to in entries and absence.to not in seen:
        seen.add(absence.to)
        further = entries[absence.to].absence(now)
        if further is None:
            return absence.to
        absence = further
    return None
