"""The page of an open task, with the form that decides it.

Requesters' texts are untrusted; `presentation.markup` makes them harmless.
"""

from dataclasses import dataclass
from datetime import datetime

from countersign.domain.questions import Question
from countersign.domain.tasks import MAX_COMMENT_CHARACTERS, Vote
from countersign.presentation import display, markup, words
from countersign.presentation.markup import NOTHING, Html, html, joined, say, time
from review import delegation, parts
from review.document import document
from review.parts import Key

_OF_COMMENTS = ("comment_too_long", "comment_missing")


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
            catalogue; empty the first time.
        others: The other people who may decide.
        approvals: Number of approvals so far.
        needed: Number of approvals that decide; if more than one, a vote can be changed until then.
        vote: This person's vote so far; None without one.
        instead_of: The person in whose place this one is asked; empty for none.
        can_hand_over: Whether this person may delegate the task to a colleague.
        colleague: The colleague's address in a form that is shown again.
        history: The trail of the task, as a part of the page; empty if nothing has happened yet.
        send_back: Whether this person may send the task back to its requester.
        exchanges: How often the task was sent back.
        barred: Why no vote of this person counts, a key under `review.barred` in the catalogue: the page then has no
            buttons. None if it counts.
        submitted_by: The caller who submitted the request, as AWS names them; empty if unknown.
    """

    question: Question
    recipient: str
    expires_at: datetime
    now: datetime
    key: Key
    shown: str
    comment: str = ""
    problem: str = ""
    others: tuple[str, ...] = ()
    approvals: int = 0
    needed: int = 1
    vote: Vote | None = None
    instead_of: str = ""
    can_hand_over: bool = False
    colleague: str = ""
    history: Html = NOTHING
    send_back: bool = False
    exchanges: int = 0
    barred: str | None = None
    submitted_by: str = ""


def review_page(view: ReviewView) -> str:
    """Return the page of an open task, with the form."""
    title = display.title(view.question, 80)
    if view.problem:
        title = words.say("page.title.problem", title=title)
    main = html(
        "{problem}{content}{delegation}{inbox}",
        problem=NOTHING if _of_field(view.problem) else _problem(view),
        content=_content(view) if view.barred else _form(view),
        delegation=delegation.form(view.key, view.colleague, view.problem) if view.can_hand_over else NOTHING,
        inbox=NOTHING if view.key.task_id else parts.inbox_form(view.key, words.say("inbox.offer")),
    )
    return document(title, main)


def _content(view: ReviewView) -> Html:
    """Return what is asked, by whom and until when."""
    return html(
        """\
<p class="eyebrow">{status}</p>
{asked}<p class="asks">{requester_label} {requester}</p>
<p class="until">{left} {until}</p>
<dl>
{rows}</dl>
{history}{barred}""",
        status=_status(view),
        asked=parts.asked(view.question, first=True),
        requester_label=words.say("review.requester"),
        requester=markup.asker(view.question) or words.say("value.empty"),
        left=parts.left(view.expires_at, view.now),
        until=say("review.until", moment=time(view.expires_at)),
        rows=_rows(view),
        history=view.history,
        barred=parts.next_step(words.say(f"review.barred.{view.barred}")) if view.barred else NOTHING,
    )


def _status(view: ReviewView) -> Html | str:
    if view.vote:
        return say(f"review.voted.{view.vote.decision}", moment=time(view.vote.at))
    if view.question.acknowledge:
        return words.say("review.status.information")
    waits = {None: "review.status", "returned": "review.status.returned"}
    return words.say(waits.get(view.barred, "review.status.barred"))


def _rows(view: ReviewView) -> Html:
    progress = words.say("review.progress.text", approvals=view.approvals, needed=view.needed)
    return joined(
        (
            parts.optional_row("review.others", markup.people(view.others)),
            parts.optional_row("review.progress", progress if view.needed > 1 else ""),
            parts.on_behalf_of(view.question),
            parts.rows(view.question),
            parts.optional_row("review.submitted_by", view.submitted_by),
        )
    )


def _form(view: ReviewView) -> Html:
    """Return the form around the page's content: so its buttons can stay in sight while the content scrolls."""
    return html(
        """\
<form class="review" method="post" action="review">
{key}{shown}{content}{answer}</form>
""",
        key=parts.key_fields(view.key),
        shown=parts.hidden("shown", view.shown),
        content=_content(view),
        answer=_another_answer(view) if view.vote else _answer(view),
    )


def _another_answer(view: ReviewView) -> Html:
    """Return the part of the form that changes an answer, folded, since the person has answered."""
    return html(
        """\
<details class="change"{open}>
<summary>{heading}</summary>
{answer}</details>
""",
        open=_opened(view.problem),
        heading=words.say("review.change"),
        answer=_answer(view),
    )


def _answer(view: ReviewView) -> Html:
    one = view.question.acknowledge
    then = "review.next.information" if one else "review.next.shared" if view.needed > 1 else "review.next"
    return html(
        """\
{comment}{owner}{instead_of}<p class="next" id="next">{next}</p>
<div class="actions">
<button class="approve" type="submit" name="decision" value="approve" aria-describedby="next">{approve}</button>
{reject}</div>
""",
        comment=_comment(view),
        owner=parts.owner("review.owner", recipient=view.recipient),
        instead_of=parts.owner("review.instead_of", person=view.instead_of) if view.instead_of else NOTHING,
        next=words.say(then),
        approve=words.say("review.acknowledge" if one else "review.approve"),
        reject=NOTHING if one else _reject(),
    )


def _reject() -> Html:
    source = (
        '<button class="reject" type="submit" name="decision" value="reject" aria-describedby="next">{text}</button>\n'
    )
    return html(source, text=words.say("review.reject"))


def _comment(view: ReviewView) -> Html:
    """Return the field of the comment, folded unless a comment is required."""
    if view.question.comment == "required":
        return html('<div class="comment">\n{field}</div>\n', field=_comment_field(view))
    return html(
        """\
<details class="comment"{open}>
<summary>{heading}{question}</summary>
{field}</details>
""",
        open=_opened(view.problem in _OF_COMMENTS),
        question=f" · {words.say('review.send_back.add')}" if view.send_back else "",
        heading=words.say(f"review.comment.add.{view.question.comment or 'optional'}"),
        field=_comment_field(view),
    )


def _comment_field(view: ReviewView) -> Html:
    wrong = view.problem in _OF_COMMENTS
    return html(
        # HTML parsers drop the first line break of a textarea: this one, so that a comment keeps its own.
        """\
{problem}<label for="comment">{label}</label>
<textarea id="comment" name="comment" rows="3" maxlength="{limit}" dir="auto"{invalid}>
{comment}</textarea>
<p class="hint" id="comment-hint">{hint}</p>
{send_back}""",
        problem=_problem(view) if wrong else NOTHING,
        label=words.say("review.comment"),
        limit=MAX_COMMENT_CHARACTERS,
        invalid=parts.described("comment-hint", invalid=wrong),
        comment=view.comment,
        hint=words.say("review.comment.hint", limit=MAX_COMMENT_CHARACTERS),
        send_back=_send_back(view.exchanges) if view.send_back else NOTHING,
    )


def _send_back(exchanges: int) -> Html:
    """Return the button that sends the task back with the comment as a question; less prominent than a decision."""
    return html(
        """\
{exchanges}<p class="next" id="send-back">{hint}</p>
<button class="plain" type="submit" name="decision" value="return" aria-describedby="send-back">{action}</button>
""",
        exchanges=parts.hidden("exchanges", str(exchanges)),
        hint=words.say("review.send_back.hint"),
        action=words.say("review.send_back"),
    )


def _problem(view: ReviewView) -> Html:
    """Return the notice why the form is shown again; nothing the first time."""
    if not view.problem:
        return NOTHING
    said = words.say(f"review.problem.{view.problem}", length=len(view.comment), limit=MAX_COMMENT_CHARACTERS)
    return parts.problem(words.say("review.problem"), said)


def _of_field(problem: str) -> bool:
    """Tell whether a problem stands beside its field, and not at the head of the page."""
    return problem in _OF_COMMENTS or delegation.is_problem(problem)


def _opened(opened: object) -> Html:
    return html(" open") if opened else NOTHING
