"""Policies of a stage: `[[policies.<workflow>]]`, who approves which amount.

The fields check each row by itself. The functions here check the rows of a policy together, and against the workflow.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from countersign.domain.policy import ASK_AGAIN_SECONDS, Band, Policy
from countersign.domain.questions import COMMENT_RULES
from countersign.domain.rules import KINDS
from stacks.stage.fields import Seconds, Table, between, matching, one_of
from stacks.stage.problems import Problem

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_Person = Annotated[
    str,
    matching(
        rf"(?=.{{1,254}}$)[A-Za-z0-9.!\x24%'*+^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})*", "an e-mail address in ASCII"
    ),
]


class PolicyRule(Table):
    """How many approvers must agree."""

    kind: Annotated[str, one_of(KINDS)]
    """With `all`, the approval of a person whom an escalation asks counts for everybody who has not voted."""
    k: Annotated[int, between(1, 20, "approvals")] | None = None
    """Number of approvals that a quorum needs; only for `quorum`."""
    veto: bool | None = None
    """Whether one rejection decides. By default it does, except in a quorum."""


class PolicyEscalation(Table):
    """Further people who are asked if there is no decision for a while."""

    after_seconds: Seconds
    """When they are asked, in seconds from the opening."""
    to: tuple[_Person, ...]
    """Their addresses."""


class PolicyRow(Table):
    """The terms for amounts of one currency, above the previous row and up to `up_to`.

    Keys that a row leaves out are as in the request.
    """

    currency: Annotated[str, matching(r"[A-Z]{3}", "an ISO 4217 code such as EUR")] | None = None
    """ISO 4217 code; left out in the row for requests without an amount."""
    up_to: (
        Annotated[
            str, matching(r"(0|[1-9][0-9]{0,17})(\.[0-9]{1,6})?", "an amount such as 5000.00, of at most 6 decimals")
        ]
        | None
    ) = None
    """The largest amount, inclusive. The last row of a currency may leave it out to have no bound."""
    auto_approve: bool = False
    """Whether the request is approved without asking anybody. Such a row has only its currency and bound."""
    approvers: tuple[_Person, ...] | None = None
    """The approvers, in place of the request's. Without a rule, the first decision counts."""
    rule: PolicyRule | None = None
    """How many approvers must agree."""
    deadline_seconds: Seconds | None = None
    """The longest time that a request may take. A shorter deadline of the request counts."""
    reminders_seconds: tuple[Seconds, ...] | None = None
    """When to remind approvers, in seconds from the opening; an empty list for never."""
    escalations: tuple[PolicyEscalation, ...] | None = None
    """Further people who are asked later, and when. They may not be approvers already."""
    confirm: bool = False
    """Whether a second page repeats the decision, the amount and the payee, and asks the approver to confirm."""
    comment: Annotated[str, one_of(COMMENT_RULES)] | None = None
    """Which decisions need a comment: `required` for all, `required_on_reject` for rejections."""
    send_back: bool = True
    """Whether approvers may send the request back to its requester, where the workflow allows it."""
    ask_again_seconds: Seconds = ASK_AGAIN_SECONDS
    """How long an AI agent has to wait after a rejection before it may ask the same again. Case, spaces and the
    punctuation of words make no difference, and neither does another deadline."""


Policies = Mapping[str, tuple[PolicyRow, ...]]


def policy_document(rows: Iterable[PolicyRow]) -> list[dict[str, Any]]:
    """Return a policy as plain values for the functions, without keys that a row leaves out."""
    return [row.model_dump(mode="json", exclude_defaults=True) for row in rows]


def compact(document: Any) -> str:
    """Return a document as the shortest JSON."""
    return json.dumps(document, separators=(",", ":"))


def check_policies(policies: Policies, longest: Mapping[str, int]) -> Iterator[Problem]:
    """Yield the contradictions within policies, and between policies and workflows.

    Args:
        policies: The rows, by the name of their workflow.
        longest: The longest deadline that each deployed workflow can keep, in seconds, by its name.
    """
    for name, rows in policies.items():
        key = f"policies.{name}"
        if name not in longest:
            allowed = f"the name of a workflow: {', '.join(longest)}"
            yield Problem("policies", name, allowed, "correct the name, or remove its rows")
            continue
        yield from _check_bounds(rows, key)
        for number, row in enumerate(rows, start=1):
            place = _Place(row, f"{key}[{number}]", longest[name])
            for check in (_check_auto_approval, _check_people, _check_rule, _check_times):
                yield from check(place)


@dataclass(frozen=True)
class _Place:
    """A row and its place in the file."""

    row: PolicyRow
    key: str
    longest: int

    def problem(self, name: str, value: Any, allowed: str, fix: str) -> Problem:
        return Problem(f"{self.key}.{name}", value, allowed, fix)


def _check_bounds(rows: tuple[PolicyRow, ...], key: str) -> Iterator[Problem]:
    before: dict[str | None, Band] = {}
    for number, band in enumerate(Policy.from_document(policy_document(rows)).bands, start=1):
        lower, up_to = before.get(band.currency), rows[number - 1].up_to
        if lower and lower.up_to is None:
            which = f"of {band.currency} without up_to" if band.currency else "without currency"
            allowed = f"no row after the row {which}, which covers everything"
            yield Problem(f"{key}[{number}].up_to", up_to or "", allowed, "move that row to the end")
        elif lower and band.up_to is not None and lower.reaches(band.up_to, band.currency):
            allowed = f"an amount above {lower.up_to}, the up_to of the previous row of {band.currency}"
            fix = "write the rows of one currency in ascending order"
            yield Problem(f"{key}[{number}].up_to", up_to, allowed, fix)
        if band.currency is None and up_to is not None:
            allowed = "nothing in a row without currency, which is for requests without an amount"
            yield Problem(f"{key}[{number}].up_to", up_to, allowed, "add currency, or remove up_to")
        before[band.currency] = band


def _check_auto_approval(place: _Place) -> Iterator[Problem]:
    if not place.row.auto_approve:
        return
    if place.row.up_to is None:
        fix = "add up_to, or remove auto_approve"
        yield place.problem("up_to", None, "an amount, with auto_approve", fix)
    set_to = place.row.model_dump(mode="json", exclude={"currency", "up_to", "auto_approve"}, exclude_defaults=True)
    for name, value in set_to.items():
        if value is not None:
            allowed = "nothing, with auto_approve"
            yield place.problem(name, value, allowed, f"remove it, or auto_approve of {place.key}")


def _check_people(place: _Place) -> Iterator[Problem]:
    yield from _check_list("approvers", place.row.approvers, place)
    for number, escalation in enumerate(place.row.escalations or (), start=1):
        yield from _check_list(f"escalations[{number}].to", escalation.to, place)
        approvers = {person.casefold() for person in place.row.approvers or ()}
        if approvers & {person.casefold() for person in escalation.to}:
            allowed = "people who are not approvers of the row: an escalation adds further people"
            yield place.problem(f"escalations[{number}].to", list(escalation.to), allowed, "name other people")


def _check_list(name: str, people: tuple[str, ...] | None, place: _Place) -> Iterator[Problem]:
    if people is None:
        return
    distinct = {person.casefold() for person in people}
    if not 1 <= len(people) <= 20 or len(distinct) < len(people):
        yield place.problem(name, list(people), "1 to 20 addresses, without duplicates", "correct the list")


def _check_rule(place: _Place) -> Iterator[Problem]:
    rule, approvers = place.row.rule, place.row.approvers
    if rule is None:
        return
    if (rule.kind == "quorum") != (rule.k is not None):
        allowed = "a whole number for a quorum, and nothing for any other kind"
        yield place.problem("rule.k", rule.k, allowed, "add it" if rule.k is None else "remove it")
    if approvers is not None and (rule.k or 1) > len(approvers):
        allowed = f"1 to {len(approvers)}, the number of approvers"
        yield place.problem("rule.k", rule.k, allowed, "lower it, or name more approvers")


def _check_times(place: _Place) -> Iterator[Problem]:
    row = place.row
    if row.deadline_seconds is not None and row.deadline_seconds > place.longest:
        allowed = f"at most {place.longest}: the workflow's execution_timeout_seconds, less an hour to act"
        yield place.problem("deadline_seconds", row.deadline_seconds, allowed, "lower it, or raise the timeout")
    end = row.deadline_seconds or place.longest
    later = [(f"escalations[{n}].after_seconds", item.after_seconds) for n, item in enumerate(row.escalations or (), 1)]
    for name, seconds in [*(("reminders_seconds", seconds) for seconds in row.reminders_seconds or ()), *later]:
        if seconds >= end:
            yield place.problem(name, seconds, f"less than {end}, the deadline", "lower it")
