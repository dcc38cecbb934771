"""Rules: when votes decide a task. A rule is data of the task and is evaluated in the write that records a vote."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple


class Decision(StrEnum):
    """A person's vote."""

    APPROVE = "approve"
    REJECT = "reject"


class Outcome(StrEnum):
    """The outcome of a decided task."""

    APPROVED = "approved"
    REJECTED = "rejected"
    ANSWERED = "answered"
    """A machine has answered; the task has the answer."""
    FAILED = "failed"
    """A machine reported a technical failure."""


_OUTCOME = {Decision.APPROVE: Outcome.APPROVED, Decision.REJECT: Outcome.REJECTED}


class Verdict(NamedTuple):
    """The outcome, and the recipients whose votes decided, in the order of the audience."""

    outcome: Outcome
    decided_by: tuple[str, ...]


KINDS = ("any", "all", "quorum", "in_order")
"""The kinds of rules."""


@dataclass(frozen=True)
class Rule:
    """How many of the audience must agree.

    Attributes:
        kind: `any` (the first vote decides), `all`, `quorum`, or `in_order`, where each level is a task of its own.
            With `all`, the approval of an escalated person counts for everybody who has not voted.
        k: Number of approvals that a quorum needs.
        veto: Whether one rejection decides a quorum. Without it, a quorum is rejected when it can no longer be
            reached. One rejection always decides the other rules. In requests and policies, a quorum has none by
            default.
    """

    kind: str = "any"
    k: int = 1
    veto: bool = True

    @classmethod
    def from_document(cls, document: Mapping[str, Any] | None) -> "Rule":
        """Read the rule of a request's input: `{"kind": "any|all|quorum|in_order", "k"?, "veto"?}`; None is `any`."""
        if document is None:
            return cls()
        kind = str(document["kind"])
        return cls(kind=kind, k=int(document.get("k", 1)), veto=bool(document.get("veto", kind != "quorum")))

    def to_document(self) -> dict[str, Any]:
        """Return the rule as the task keeps it."""
        return {"kind": self.kind, "k": self.k, "veto": self.veto}

    def needed(self, voters: int) -> int:
        """Return how many approvals decide the task, at least one.

        Args:
            voters: Number of people who may vote; for `all`, without those whom an escalation added.
        """
        return max(1, {"any": 1, "all": voters, "quorum": self.k}[self.kind])


def decide(
    rule: Rule, audience: Sequence[str], votes: Mapping[str, Decision], escalated: Collection[str] = ()
) -> Verdict | None:
    """Return the verdict of these votes, if they decide the task.

    Args:
        rule: The task's rule.
        audience: Everybody who may vote, in order.
        votes: The vote of each recipient who has voted; one each.
        escalated: Which of them an escalation added.

    Returns:
        The verdict, or None while more votes are needed. An approval needs at least one approving vote, a rejection at
        least one rejecting vote.
    """
    approvals = tuple(person for person in audience if votes.get(person) is Decision.APPROVE)
    rejections = tuple(person for person in audience if votes.get(person) is Decision.REJECT)
    if rule.kind == "all":
        return _of_all(audience, approvals, rejections, escalated)
    needed = rule.needed(len(audience))
    if len(approvals) >= needed:
        return Verdict(Outcome.APPROVED, approvals)
    vetoed = rule.veto or rule.kind == "any"
    out_of_reach = len(audience) - len(rejections) < needed
    if rejections and (vetoed or out_of_reach):
        return Verdict(Outcome.REJECTED, rejections)
    return None


def _of_all(
    audience: Sequence[str], approvals: tuple[str, ...], rejections: tuple[str, ...], escalated: Collection[str]
) -> Verdict | None:
    """Decide by the rule `all`: one rejection decides, and an escalated approval counts for all missing votes."""
    if rejections:
        return Verdict(Outcome.REJECTED, rejections)
    for_the_silent = any(person in escalated for person in approvals)
    everybody = all(person in approvals for person in audience if person not in escalated)
    return Verdict(Outcome.APPROVED, approvals) if approvals and (for_the_silent or everybody) else None
