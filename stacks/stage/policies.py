"""Policies of a stage: `[[policies.<workflow>]]`, who approves which amount.

What a row must be by itself follows from its fields; what rows must be together, and towards their workflow, is checked
here, before anything is synthesised.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from stacks.stage.settings_file import Rule, SettingsError, matching, one_of, setting

MAX_POLICY_BYTES = 3_000
"""All policies of a stage as JSON. A function's environment variables are 4 KB together:
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html.
"""

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = matching(
    rf"(?=.{{1,254}}$)[A-Za-z0-9.!$%'*+^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})*", "an e-mail address in ASCII"
)
_AMOUNT = matching(r"(0|[1-9][0-9]{0,17})(\.[0-9]{1,6})?", "an amount such as 5000.00, of at most 6 decimals")
_CURRENCY = matching(r"[A-Z]{3}", "an ISO 4217 code such as EUR")
_SECONDS = Rule("1 second or more", lambda value: value >= 1)


@dataclass(frozen=True)
class PolicyRule:
    """How many approvers must agree.

    Attributes:
        kind: `any`, `all`, `quorum` or `in_order`. With `all`, the approval of a person whom an escalation asks counts
            for everybody who has not voted, and one rejection decides.
        k: Approvals that a quorum needs; nothing else has it.
        veto: Whether one rejection decides; left out: yes, but not in a quorum.
    """

    kind: str = setting(one_of(("any", "all", "quorum", "in_order")))
    k: int | None = setting(Rule("1 to 20", lambda value: 1 <= value <= 20), default=None)
    veto: bool | None = None


@dataclass(frozen=True)
class PolicyEscalation:
    """Who is asked too when nobody has decided for a while.

    Attributes:
        after_seconds: When, counted from the opening.
        to: Their addresses.
    """

    after_seconds: int = setting(_SECONDS)
    to: tuple[str, ...] = setting(_ADDRESS)


@dataclass(frozen=True)
class PolicyRow:
    """The terms for the amounts of one currency above the row before, up to its own bound. Left out: as requests say.

    Attributes:
        currency: ISO 4217 code.
        up_to: The largest amount, inclusive; the last row of a currency may leave it out, and has no bound then.
        auto_approve: Whether nobody is asked; then the row has nothing but its currency and bound.
        approvers: Who approves, whatever the request names; without a rule, the first of them to decide.
        rule: How many of them must agree.
        deadline_seconds: The longest that a request may take; one that asks for less gets less.
        reminders_seconds: When to write again, in seconds from the opening; an empty list for never.
        escalations: Who is asked too, and when: nobody who is an approver already.
    """

    currency: str = setting(_CURRENCY)
    up_to: str | None = setting(_AMOUNT, default=None)
    auto_approve: bool = False
    approvers: tuple[str, ...] | None = setting(_ADDRESS, default=None)
    rule: PolicyRule | None = None
    deadline_seconds: int | None = setting(_SECONDS, default=None)
    reminders_seconds: tuple[int, ...] | None = setting(_SECONDS, default=None)
    escalations: tuple[PolicyEscalation, ...] | None = None

    @property
    def bound(self) -> Decimal:
        """The largest amount, infinite without a bound."""
        return Decimal("Infinity" if self.up_to is None else self.up_to)


Policies = Mapping[str, tuple[PolicyRow, ...]]


def policy_document(rows: Iterable[PolicyRow]) -> list[dict[str, Any]]:
    """Return a policy as the functions read it: plain values, and nothing that a row leaves out."""
    return [_given(dataclasses.asdict(row)) for row in rows]


def compact(document: Any) -> str:
    """Return a document as the shortest JSON."""
    return json.dumps(document, separators=(",", ":"))


def check_policies(policies: Policies, longest: Mapping[str, int], file: Path) -> None:
    """Refuse policies that contradict themselves or what is deployed.

    Args:
        policies: The rows, by the name of their workflow.
        longest: The longest deadline that each deployed workflow can keep, in seconds, by its name.
        file: The settings file.

    Raises:
        SettingsError: With the file, the key, the value, what is allowed and what to do.
    """
    for name, rows in policies.items():
        key = f"policies.{name}"
        if name not in longest:
            allowed = f"the name of a workflow: {', '.join(longest)}"
            raise SettingsError(file, "policies", name, allowed, "correct the name, or remove its rows")
        _check_bounds(rows, key, file)
        for number, row in enumerate(rows, start=1):
            for check in _CHECKS:
                check(_Place(row, f"{key}[{number}]", longest[name], file))
    size = len(compact({name: policy_document(rows) for name, rows in policies.items()}))
    if size > MAX_POLICY_BYTES:
        allowed = f"at most {MAX_POLICY_BYTES} bytes as JSON: Lambda bounds a function's environment variables"
        fix = "write fewer rows, or give groups of approvers an address of their own"
        raise SettingsError(file, "policies", f"{size} bytes", allowed, fix)


@dataclass(frozen=True)
class _Place:
    """A row and where it stands."""

    row: PolicyRow
    key: str
    longest: int
    file: Path

    def refuse(self, name: str, value: Any, allowed: str, fix: str) -> SettingsError:
        return SettingsError(self.file, f"{self.key}.{name}", value, allowed, fix)


def _check_bounds(rows: tuple[PolicyRow, ...], key: str, file: Path) -> None:
    before: dict[str, PolicyRow] = {}
    for number, row in enumerate(rows, start=1):
        lower = before.get(row.currency)
        if lower and lower.up_to is None:
            allowed = f"nothing after the row of {row.currency} that leaves up_to out: it covers every amount"
            raise SettingsError(file, f"{key}[{number}].up_to", row.up_to or "", allowed, "move that row to the end")
        if lower and row.bound <= lower.bound:
            allowed = f"an amount above {lower.up_to}, up to which the row before it of {row.currency} goes"
            fix = "write the rows of one currency in ascending order"
            raise SettingsError(file, f"{key}[{number}].up_to", row.up_to, allowed, fix)
        before[row.currency] = row


def _check_auto_approval(place: _Place) -> None:
    if not place.row.auto_approve:
        return
    if place.row.up_to is None:
        fix = "add up_to, or have people approve"
        raise place.refuse("up_to", None, "an amount, where nobody is asked", fix)
    for name in ("approvers", "rule", "deadline_seconds", "reminders_seconds", "escalations"):
        if getattr(place.row, name) is not None:
            allowed = "nothing, where nobody is asked"
            value = _given(dataclasses.asdict(place.row))[name]
            raise place.refuse(name, value, allowed, f"remove it, or auto_approve of {place.key}")


def _check_people(place: _Place) -> None:
    _check_list("approvers", place.row.approvers, place)
    for number, escalation in enumerate(place.row.escalations or (), start=1):
        _check_list(f"escalations[{number}].to", escalation.to, place)
        approvers = {person.casefold() for person in place.row.approvers or ()}
        if approvers & {person.casefold() for person in escalation.to}:
            allowed = "people who are not approvers of the row: an escalation adds nobody who is asked already"
            raise place.refuse(f"escalations[{number}].to", list(escalation.to), allowed, "name somebody else")


def _check_list(name: str, people: tuple[str, ...] | None, place: _Place) -> None:
    if people is None:
        return
    distinct = {person.casefold() for person in people}
    if not 1 <= len(people) <= 20 or len(distinct) < len(people):
        raise place.refuse(name, list(people), "1 to 20 addresses, nobody twice", "correct the list")


def _check_rule(place: _Place) -> None:
    rule, approvers = place.row.rule, place.row.approvers
    if rule is None:
        return
    if (rule.kind == "quorum") != (rule.k is not None):
        allowed = "a whole number for a quorum, and nothing for any other kind"
        raise place.refuse("rule.k", rule.k, allowed, "add it" if rule.k is None else "remove it")
    if approvers is not None and (rule.k or 1) > len(approvers):
        allowed = f"1 to {len(approvers)}, as many as there are approvers"
        raise place.refuse("rule.k", rule.k, allowed, "lower it, or name more approvers")


def _check_times(place: _Place) -> None:
    row = place.row
    if row.deadline_seconds is not None and row.deadline_seconds > place.longest:
        allowed = f"at most {place.longest}: the workflow's execution_timeout_seconds, less the margin to act on it"
        raise place.refuse("deadline_seconds", row.deadline_seconds, allowed, "lower it, or raise the timeout")
    end = row.deadline_seconds or place.longest
    later = [(f"escalations[{n}].after_seconds", item.after_seconds) for n, item in enumerate(row.escalations or (), 1)]
    for name, seconds in [*(("reminders_seconds", seconds) for seconds in row.reminders_seconds or ()), *later]:
        if seconds >= end:
            raise place.refuse(name, seconds, f"less than {end}, when the deadline has passed", "lower it")


_CHECKS: tuple[Callable[[_Place], None], ...] = (_check_auto_approval, _check_people, _check_rule, _check_times)


def _given(value: Any) -> Any:
    """Return plain values without what was left out: None, and an `auto_approve` that is false."""
    if isinstance(value, dict):
        return {
            name: _given(member)
            for name, member in value.items()
            if member is not None and (name, member) != ("auto_approve", False)
        }
    return [_given(member) for member in value] if isinstance(value, tuple | list) else value
