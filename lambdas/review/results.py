"""The pages of a task after its decision, or after it closed without one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from countersign.domain.questions import Shown
from countersign.presentation import markup, words
from countersign.presentation.markup import html, time
from review import notices, parts

Outcome = Literal["approved", "rejected"]
ClosedReason = Literal["expired", "withdrawn", "ended"]
"""Why a task closed without a decision: its deadline passed, it was withdrawn, or its execution ended."""


@dataclass(frozen=True, kw_only=True)
class DecidedView:
    """A decided task.

    Attributes:
        question: The question.
        outcome: The outcome.
        decided_by: The people whose votes decided.
        decided_at: Time of the decision, in UTC.
        comment: The comment of the deciding vote; empty without one.
        recipient: The link's owner.
        just_now: Whether this click made the decision; the page then says thanks.
        conflict: Whether this click came too late and was not recorded.
    """

    question: Shown
    outcome: Outcome
    decided_by: tuple[str, ...]
    decided_at: datetime
    comment: str
    recipient: str
    just_now: bool = False
    conflict: bool = False


def decided_page(view: DecidedView) -> str:
    """Return the page of a decided task."""
    tone = "conflict" if view.conflict else "thanks" if view.just_now else "done"
    heading = words.say(f"decided.{tone}.{view.outcome}")
    lead = "decided.conflict" if view.conflict else "decided.next" if view.just_now else "decided.nothing"
    main = html(
        """\
{result}<dl class="verdict">
{outcome}{by}<div class="row"><dt>{at_label}</dt><dd>{at}</dd></div>
{comment}</dl>
{title}<dl>
{rows}</dl>
{owner}""",
        result=notices.result(view.outcome, heading, words.say(lead)),
        outcome=parts.row(words.say("decided.outcome"), words.say(f"decided.outcome.{view.outcome}")),
        by=parts.row(words.say("decided.by"), markup.people(view.decided_by)),
        at_label=words.say("decided.at"),
        at=time(view.decided_at),
        comment=parts.optional_row("decided.comment", view.comment),
        title=parts.title(view.question.title),
        rows=parts.rows(view.question),
        owner=parts.owner("decided.owner", recipient=view.recipient),
    )
    return notices.page(heading, main)


def closed_page(reason: ClosedReason, title: str, at: datetime, because: str = "") -> str:
    """Return the page of a task that closed without a decision.

    Args:
        reason: Why it closed.
        title: The question in one line.
        at: When it closed, in UTC.
        because: Why an operator withdrew it, in their own words; empty without a reason.
    """
    return notices.notice(
        f"closed.{reason}", "closed", title=title, lead=notices.lead(f"closed.{reason}", at), because=because
    )


def recorded_page(title: str) -> str:
    """Return the page that thanks for a vote while others must still vote."""
    return notices.notice("recorded", "approved", title=title)
