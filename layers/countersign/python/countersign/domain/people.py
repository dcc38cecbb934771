"""People by the directory: their aliases, and their stand-ins while they are away."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from countersign.domain.errors import ContractError
from countersign.domain.identity import NO_ALIASES, Aliases, same_domain
from countersign.domain.questions import Person
from countersign.domain.rules import Rule
from countersign.domain.tasks import Delegation


@dataclass(frozen=True)
class Absence:
    """A standing delegation: out of office.

    Attributes:
        since: The start, in UTC.
        until: The end, exclusive, in UTC.
        to: Address of the stand-in, normalised.
    """

    since: datetime
    until: datetime
    to: str


@dataclass(frozen=True)
class Entry:
    """The directory's entry for one address.

    Attributes:
        person: The owner's primary address, normalised; the address itself unless it is an alias.
        absences: The owner's absences.
        profile: What the directory says about the owner as a reader.
        slack: The owner's user id in Slack; empty without one.
    """

    person: str
    absences: tuple[Absence, ...] = ()
    profile: Person = field(default_factory=Person, hash=False)
    slack: str = ""

    def absence(self, now: datetime) -> Absence | None:
        """Return the current absence, or None."""
        return next((absence for absence in self.absences if absence.since <= now < absence.until), None)


@dataclass(frozen=True)
class Assignment:
    """The people who are asked.

    Attributes:
        audience: Their addresses, normalised, in order.
        aliases: Their aliases, and those of the requester.
        delegations: The stand-ins among them.
        people: What the directory says about them and the requester, by address; only those about whom it says
            something.
    """

    audience: tuple[str, ...]
    aliases: Aliases
    delegations: tuple[Delegation, ...] = ()
    people: Mapping[str, Person] = field(default_factory=dict)


def is_slack_user(text: str) -> bool:
    """Tell whether a text is the id of a user in Slack: `U…` or `W…`, and not of a channel or a conversation."""
    return re.fullmatch("[UW][A-Z0-9]{2,20}", text, re.ASCII) is not None


def check_approvers(
    approvers: Sequence[str], requesters: Sequence[str], rule: Mapping[str, Any], aliases: Aliases, prefix: str
) -> None:
    """Refuse approvers if two are one person, or if together they could never approve.

    Args:
        approvers: Their addresses.
        requesters: The requester, and the person for whom they ask: their votes never count.
        rule: The rule of the request's input; empty without one.
        aliases: The aliases of all of them.
        prefix: JSON pointer of the input.

    Raises:
        ContractError: The approvers are refused; the error has the JSON pointer.
    """
    if len(aliases.distinct(approvers)) < len(approvers):
        raise ContractError("names one person twice", f"{prefix}/approvers")
    if reason := undecidable(approvers, requesters, Rule.from_document(rule or None), aliases):
        place = "rule/k" if rule.get("kind") == "quorum" else "approvers"
        raise ContractError(reason, f"{prefix}/{place}")


def undecidable(people: Sequence[str], requesters: Sequence[str], rule: Rule, aliases: Aliases) -> str:
    """Return why these people could never approve together; empty if they could.

    Args:
        people: Addresses of the people who are asked.
        requesters: The requester, and the person for whom they ask: their votes never count.
        rule: How many of them must agree.
        aliases: The aliases of all of them.
    """
    own = set(map(aliases.person, requesters))
    voters = sum(aliases.person(person) not in own for person in aliases.distinct(people))
    if rule.kind in ("all", "in_order") and voters < len(aliases.distinct(people)):
        return f"names {_either(requesters)}, who may not approve, although everybody must approve"
    needed = rule.k if rule.kind == "quorum" else 1
    return f"needs at least {needed} besides {_either(requesters)}; has {voters}" if needed > voters else ""


def _either(requesters: Sequence[str]) -> str:
    return "the requester or the person under `on_behalf_of`" if len(requesters) > 1 else "the requester"


def requesters_in(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the requester whom an input names, and the person for whom they ask."""
    return tuple(document[name] for name in ("requester", "on_behalf_of") if document.get(name))


def aliases_of(entries: Mapping[str, Entry]) -> Aliases:
    """Return the aliases in the directory's entries."""
    return NO_ALIASES | Aliases({address: entry.person for address, entry in entries.items()})


def resolve_stand_ins(
    wanted: tuple[str, ...], taken: tuple[str, ...], entries: Mapping[str, Entry], requester: str, now: datetime
) -> Assignment:
    """Replace the people who are away by their stand-ins.

    Nobody stands in for the requester or for people in `taken`, and neither do they stand in, nor other people who are
    asked. As for a delegation, a stand-in belongs to the same domain. Otherwise the person who is away is still asked.

    Args:
        wanted: The people to ask, normalised.
        taken: People who are asked already, have delegated the task, or decide another level of the same chain.
        entries: The directory's entries of all of them, of the requester, and of every stand-in.
        requester: The requester.
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
    people = {address: entry.profile for address, entry in entries.items() if entry.profile}
    return Assignment(tuple(asked), aliases, tuple(delegations), people)


def _stand_in(person: str, entries: Mapping[str, Entry], now: datetime) -> str | None:
    """Follow the chain of stand-ins to the first who is not away; None if all are."""
    seen = {person}
    absence = entries[person].absence(now)
    while absence is not None and absence.to in entries and absence.to not in seen:
        seen.add(absence.to)
        further = entries[absence.to].absence(now)
        if further is None:
            return absence.to
        absence = further
    return None
