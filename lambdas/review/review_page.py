"""The page of an open task, with the form that decides it.

Requesters' texts are untrusted; `presentation.markup` makes them harmless.
"""

from dataclasses import dataclass
from datetime import datetime

from countersign.domain.questions import Shown
from countersign.domain.rules import Decision
from countersign.domain.tasks import MAX_COMMENT_CHARACTERS
from countersign.presentation import words
from countersign.presentation.display import single_line
from countersign.presentation.markup import NOTHING, Html, html, joined, say, time
from review import delegation, parts
from review.document import document
from review.parts import Key


@dataclass(frozen=True, kw_only=True)
class ReviewView:
    """An open task, with the form that decides it.

    Attributes:
        question: The question.
        recipient: The link's owner.
        expires_at: The task's deadline, in UTC.
        now: The current time, in UTC.
        key: The key of this review.
        shown: SHA-256 of what the page shows, in hex; the form sends it back.
        comment: The person's comment: that of their vote so far, or of the form that is shown again.
        problem: Why the form is shown again, such as `comment_too_long`, a key under `review.problem` in the
            catalogue; None the first time.
        others: The other people who may decide.
        approvals: Number of approvals so far.
        needed: Number of approvals that decide; if more than one, a vote can be changed until then.
        said: This person's vote so far; None without one.
        instead_of: The person in whose place this one is asked; empty for none.
        can_hand_over: Whether this person may delegate the task to a colleague.
        colleague: The colleague's address in a form that is shown again.
        barred: Why no vote of this person counts, a key under `review.barred` in the catalogue: the page then has no
            buttons. None if it counts.
        submitted_by: The caller who submitted the request, as AWS names them; empty if unknown.
    """

    question: Shown
    recipient: str
    expires_at: datetime
    now: datetime
    key: Key
    shown: str
    comment: str = ""
    problem: str | None = None
    others: tuple[str, ...] = ()
    approvals: int = 0
    needed: int = 1
    said: Decision | None = None
    instead_of: str = ""
    can_hand_over: bool = False
    colleague: str = ""
    barred: str | None = None
    submitted_by: str = ""


def review_page(view: ReviewView) -> str:
    """Return the page of an open task, with the form."""
    problem = (
        words.say(f"review.problem.{view.problem}", length=len(view.comment), limit=MAX_COMMENT_CHARACTERS)
        if view.problem
        else ""
    )
    title = single_line(view.question.title, 80)
    if problem:
        title = words.say("page.title.problem", title=title)
    main = html(
        """\
{problem}<p class="eyebrow">{status}</p>
{title}<p class="until">{left} {until}</p>
<dl>
{rows}</dl>
{vote}{delegation}{inbox}""",
        problem=_problem(problem),
        status=words.say("review.status"),
        title=parts.title(view.question.title, first=True),
        left=parts.left(view.expires_at - view.now),
        until=say("review.until", moment=time(view.expires_at)),
        rows=_review_rows(view),
        vote=_barred(view) if view.barred else _vote_form(view),
        delegation=_delegation(view) if view.can_hand_over else NOTHING,
        inbox=NOTHING if view.key.task_id else _inbox_form(view.key),
    )
    return document(title, main)


def _problem(text: str) -> Html:
    """Return the notice why the form is shown again; nothing the first time."""
    if not text:
        return NOTHING
    return html(
        """\
<div class="notice" role="alert" tabindex="-1" autofocus>
<h2>{heading}</h2>
<p id="problem">{text}</p>
</div>
""",
        heading=words.say("review.problem"),
        text=text,
    )


def _review_rows(view: ReviewView) -> Html:
    progress = words.say("review.progress.text", approvals=view.approvals, needed=view.needed)
    return joined(
        (
            parts.rows(view.question),
            parts.row(words.say("review.requester"), view.question.requester),
            parts.optional_row("on_behalf_of", view.question.on_behalf_of),
            parts.optional_row("review.submitted_by", view.submitted_by),
            parts.optional_row("review.others", parts.listed(view.others)),
            parts.optional_row("review.progress", progress if view.needed > 1 else ""),
        )
    )


def _said(view: ReviewView) -> Html:
    """Return the sentence with the person's vote so far; nothing without one."""
    return parts.next_step(words.say(f"review.said.{view.said}")) if view.said else NOTHING


def _barred(view: ReviewView) -> Html:
    """Return the sentences in place of the buttons, for a person whose vote does not count."""
    return joined((_said(view), parts.next_step(words.say(f"review.barred.{view.barred}"))))


def _vote_form(view: ReviewView) -> Html:
    too_long = view.problem == "comment_too_long"
    return html(
        # HTML parsers drop the first line break of a textarea: this one, so that a comment keeps its own.
        """\
<form method="post" action="review" accept-charset="utf-8">
<h2>{heading}</h2>
{owner}{instead_of}{key}{shown}<label for="comment">{comment_label} <span class="optional">{optional}</span></label>
<textarea id="comment" name="comment" rows="3" maxlength="{limit}" dir="auto"{invalid}>
{comment}</textarea>
<p class="hint" id="comment-hint">{hint}</p>
{said}<p class="next" id="next">{next}</p>
<div class="actions">
<button class="approve" type="submit" name="decision" value="approve" aria-describedby="next">{approve}</button>
<button class="reject" type="submit" name="decision" value="reject" aria-describedby="next">{reject}</button>
</div>
</form>
""",
        heading=words.say("review.heading"),
        owner=parts.owner("review.owner", recipient=view.recipient),
        instead_of=parts.owner("review.instead_of", person=view.instead_of) if view.instead_of else NOTHING,
        key=parts.key_fields(view.key),
        shown=parts.hidden("shown", view.shown),
        comment_label=words.say("review.comment"),
        optional=words.say("review.comment.optional"),
        limit=MAX_COMMENT_CHARACTERS,
        invalid=parts.described("comment-hint", invalid=too_long),
        comment=view.comment,
        hint=words.say("review.comment.hint", limit=MAX_COMMENT_CHARACTERS),
        said=_said(view),
        next=words.say("review.next.shared" if view.needed > 1 else "review.next"),
        approve=words.say("review.approve"),
        reject=words.say("review.reject"),
    )


def _delegation(view: ReviewView) -> Html:
    wrong = bool(view.problem and view.problem.startswith("delegation"))
    return delegation.form(view.key, view.colleague, wrong=wrong)


def _inbox_form(key: Key) -> Html:
    return html(
        """\
<form class="list" method="post" action="inbox" accept-charset="utf-8">
<p>{offer}</p>
{key}<button type="submit">{action}</button>
</form>
""",
        offer=words.say("inbox.offer"),
        key=parts.key_fields(key),
        action=words.say("inbox.offer.action"),
    )
