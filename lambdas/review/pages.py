"""The pages behind review and inbox links.

Requesters' texts are untrusted; `presentation.markup` makes them harmless.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlencode

from countersign.domain.links import MOST_WAITING
from countersign.domain.questions import Shown
from countersign.domain.rules import Decision
from countersign.domain.tasks import MAX_COMMENT_CHARACTERS, Task
from countersign.presentation import words
from countersign.presentation.display import single_line, time_left
from countersign.presentation.markup import NOTHING, Html, html, joined, say, time
from review import parts
from review.document import document

if TYPE_CHECKING:
    from countersign.services.inboxes import Inbox

Outcome = Literal["approved", "rejected"]
ClosedReason = Literal["expired", "withdrawn", "ended"]
"""Why a task closed without a decision: its deadline passed, it was withdrawn, or its execution ended."""

Problem = Literal[
    "unknown_link",
    "unknown_path",
    "inbox_expired",
    "too_many_lists",
    "cross_site",
    "own_request",
    "decides_elsewhere",
    "bad_request",
    "too_large",
    "try_again",
]
"""The problem of a page without a task: a key under `problem` in the catalogue."""

_SOON = timedelta(hours=24)


@dataclass(frozen=True)
class Key:
    """The key of a review, which every form sends back.

    Attributes:
        token: The link's token.
        task_id: The task, for the token of an inbox; otherwise empty.
    """

    token: str
    task_id: str = ""

    @property
    def query(self) -> str:
        """The query of the review's address."""
        return urlencode({"t": self.token} | ({"task": self.task_id} if self.task_id else {}))


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


def review_page(view: ReviewView) -> str:
    """Return the page of an open task, with the form."""
    problem = (
        words.say(f"review.problem.{view.problem}", length=len(view.comment), limit=MAX_COMMENT_CHARACTERS)
        if view.problem
        else ""
    )
    title = words.say("page.title.problem" if problem else "page.title", title=single_line(view.question.title, 80))
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
        left=_left(view.expires_at - view.now),
        until=say("review.until", moment=time(view.expires_at)),
        rows=_review_rows(view),
        vote=_barred(view) if view.barred else _vote_form(view),
        delegation=_delegation_form(view) if view.can_hand_over else NOTHING,
        inbox=NOTHING if view.key.task_id else _inbox_form(view.key),
    )
    return document(title, main)


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
        result=_result(view.outcome, heading, words.say(lead)),
        outcome=parts.row(words.say("decided.outcome"), words.say(f"decided.outcome.{view.outcome}")),
        by=parts.row(words.say("decided.by"), _listed(view.decided_by)),
        at_label=words.say("decided.at"),
        at=time(view.decided_at),
        comment=parts.optional_row("decided.comment", view.comment),
        title=parts.title(view.question.title),
        rows=parts.rows(view.question),
        owner=parts.owner("decided.owner", recipient=view.recipient),
    )
    return _page(heading, main)


def closed_page(reason: ClosedReason, title: str, at: datetime, because: str = "") -> str:
    """Return the page of a task that closed without a decision.

    Args:
        reason: Why it closed.
        title: The question in one line.
        at: When it closed, in UTC.
        because: Why an operator withdrew it, in their own words; empty without a reason.
    """
    return _notice(f"closed.{reason}", "closed", title=title, lead=_lead(f"closed.{reason}", at), because=because)


def handed_over_page(title: str, to: str, at: datetime) -> str:
    """Return the page for a person who has delegated the task."""
    return _notice("handed_over", "closed", title=title, lead=_lead("handed_over", at, to))


def recorded_page(title: str) -> str:
    """Return the page that thanks for a vote while others must still vote."""
    return _notice("recorded", "approved", title=title)


def inbox_page(inbox: "Inbox", token: str, now: datetime) -> str:
    """Return the page of an inbox; the token is that of its link."""
    heading = words.say("inbox")
    main = html(
        """\
<h1>{heading}</h1>
{owner}{tasks}""",
        heading=heading,
        owner=parts.owner("inbox.owner", recipient=inbox.recipient),
        tasks=_waiting(inbox, token, now) if inbox.tasks else parts.next_step(words.say("inbox.empty")),
    )
    return _page(heading, main)


def inbox_sent_page(recipient: str, now: datetime) -> str:
    """Return the page that confirms the e-mail with the inbox link."""
    return _notice("inbox.sent", "closed", lead=_lead("inbox.sent", now, recipient))


def problem_page(kind: Problem) -> str:
    """Return the page that explains a problem and what to do."""
    return _notice(f"problem.{kind}", "problem")


def too_many_page(seconds: int) -> str:
    """Return the page for a person over the rate limit, who must wait for this many seconds."""
    then = words.say_count("problem.too_many.next", seconds)
    return _notice("problem.too_many", "problem", then=then)


def _page(heading: str, main: Html) -> str:
    return document(words.say("page.title", title=heading), main)


def _notice(
    text: str, mark: str, *, title: str | None = None, lead: Html = NOTHING, then: str = "", because: str = ""
) -> str:
    """Return a page that says what happened (`lead` or `<text>.text`) and what to do next (`then` or `<text>.next`)."""
    heading = words.say(text)
    reason = parts.optional_row("closed.because", because)
    main = html(
        """\
{result}{title}{because}<p>{then}</p>
""",
        result=_result(mark, heading, lead or words.say(f"{text}.text")),
        title=NOTHING if title is None else parts.title(title),
        because=html('<dl class="verdict">\n{reason}</dl>\n', reason=reason) if reason else NOTHING,
        then=then or words.say(f"{text}.next"),
    )
    return _page(heading, main)


def _lead(text: str, at: datetime, person: str = "") -> Html:
    return say(f"{text}.text", moment=time(at), person=parts.address(person))


def _result(mark: str, heading: str, lead: str) -> Html:
    return html(
        """\
<div class="result">
<span class="mark {mark}" aria-hidden="true"></span>
<h1>{heading}</h1>
<p class="lead">{lead}</p>
</div>
""",
        mark=mark,
        heading=heading,
        lead=lead,
    )


def _left(left: timedelta) -> Html:
    soon = " soon" if left < _SOON else ""
    return html('<strong class="left{soon}">{left}</strong>', soon=soon, left=time_left(left))


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
            parts.optional_row("review.submitted_by", view.submitted_by),
            parts.optional_row("review.others", _listed(view.others)),
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
        key=parts.key_fields(view.key.token, view.key.task_id),
        shown=parts.hidden("shown", view.shown),
        comment_label=words.say("review.comment"),
        optional=words.say("review.comment.optional"),
        limit=MAX_COMMENT_CHARACTERS,
        invalid=_described("comment-hint", invalid=too_long),
        comment=view.comment,
        hint=words.say("review.comment.hint", limit=MAX_COMMENT_CHARACTERS),
        said=_said(view),
        next=words.say("review.next.shared" if view.needed > 1 else "review.next"),
        approve=words.say("review.approve"),
        reject=words.say("review.reject"),
    )


def _delegation_form(view: ReviewView) -> Html:
    wrong = bool(view.problem and view.problem.startswith("delegation"))
    return html(
        """\
<details class="colleague"{open}>
<summary>{heading}</summary>
<form method="post" action="delegate" accept-charset="utf-8">
<p id="colleague-hint">{hint}</p>
{key}<label for="colleague">{label}</label>
<input type="email" id="colleague" name="colleague" value="{colleague}"
 maxlength="254" required autocomplete="off"{invalid}>
<button class="plain" type="submit">{action}</button>
</form>
</details>
""",
        open=" open" if wrong else "",
        heading=words.say("delegate.heading"),
        hint=words.say("delegate.hint"),
        key=parts.key_fields(view.key.token, view.key.task_id),
        label=words.say("delegate.colleague"),
        colleague=view.colleague,
        invalid=_described("colleague-hint", invalid=wrong),
        action=words.say("delegate.action"),
    )


def _described(hint: str, *, invalid: bool) -> Html:
    """Return the attributes of a field: its hint, and whether the problem is in it."""
    if invalid:
        return html(' aria-invalid="true" aria-describedby="problem {hint}"', hint=hint)
    return html(' aria-describedby="{hint}"', hint=hint)


def _inbox_form(key: Key) -> Html:
    return html(
        """\
<form class="list" method="post" action="inbox" accept-charset="utf-8">
<p>{offer}</p>
{key}<button type="submit">{action}</button>
</form>
""",
        offer=words.say("inbox.offer"),
        key=parts.key_fields(key.token, key.task_id),
        action=words.say("inbox.offer.action"),
    )


def _waiting(inbox: "Inbox", token: str, now: datetime) -> Html:
    """Return the list of an inbox's tasks."""
    full = words.say("inbox.full", count=MOST_WAITING)
    return html(
        '<ul class="inbox">\n{tasks}</ul>\n{full}',
        tasks=joined(_waiting_task(task, inbox.recipient, token, now) for task in inbox.tasks),
        full=parts.next_step(full) if len(inbox.tasks) >= MOST_WAITING else NOTHING,
    )


def _waiting_task(task: Task, recipient: str, token: str, now: datetime) -> Html:
    answered = words.say("inbox.answered")
    return html(
        """\
<li>
<a href="review?{query}">{title}</a>
<p>{requester_label} <bdi>{requester}</bdi></p>
<p class="until">{left} {until}</p>
{answered}</li>
""",
        query=Key(token, task.task_id).query,
        title=parts.value(single_line(task.question.title, 200), words.say("title.label")),
        requester_label=words.say("review.requester"),
        requester=parts.address(task.question.requester),
        left=_left(task.expires_at - now),
        until=time(task.expires_at),
        answered=html("<p>{text}</p>\n", text=answered) if task.vote_of(recipient) else NOTHING,
    )


def _listed(people: tuple[str, ...]) -> str:
    *others, last = people or ("",)
    if not others:
        return last
    listed = words.say("people.two", first=others.pop(), last=last)
    for person in reversed(others):
        listed = words.say("people.more", first=person, last=listed)
    return listed
