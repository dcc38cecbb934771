"""The page of a requester: the status of their request, its trail, and the forms while it waits for them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from countersign.domain import money
from countersign.domain.errors import ContractError, RevisionRefusedError
from countersign.domain.questions import Question
from countersign.domain.rules import Outcome
from countersign.domain.tasks import MAX_COMMENT_CHARACTERS, WITHDRAWN_BY_REQUESTER, Exchange, Status, Task
from countersign.presentation import words
from countersign.presentation.markup import NOTHING, Html, html, joined, say, time
from countersign.services.status_links import ANSWER, REVISE, WITHDRAW, Act, Standing
from review import notices, parts
from review.history import history
from review.parts import Key

_PROBLEMS = {
    "CommentMissingError": "comment_missing",
    "CommentTooLongError": "comment_too_long",
    "DetailsChangedError": "details_changed",
    "NotReturnedError": "not_returned",
    "UnknownDecisionError": "unknown_action",
}
_MARKS = {"approved": "approved", "rejected": "rejected"}


def request_page(standing: Standing, token: str, now: datetime, posted: Act | None = None) -> str:
    """Return the page of a requester.

    Args:
        standing: The request, with the reason if an act was refused.
        token: The token of the link.
        now: The current time.
        posted: The form that was posted; None if the page was only opened.
    """
    task = standing.task
    status = _status(task, now)
    main = html(
        """\
{problem}{result}{returned}{asked}<dl>
{reason}{rows}</dl>
{forms}{history}{owner}""",
        problem=_problem(standing, posted),
        result=notices.result(_MARKS.get(status, "closed"), _heading(standing, status, posted), _lead(task, status)),
        returned=_question(task.returned) if task.returned and status == "returned" else NOTHING,
        asked=parts.asked(task.question),
        reason=parts.optional_row("closed.because", task.closed_comment),
        rows=parts.rows(task.question),
        forms=_forms(standing, token, status, posted) if status in ("open", "returned") else NOTHING,
        history=history(task),
        owner=parts.owner("request.owner", recipient=standing.requester),
    )
    return notices.page(words.say(f"request.{status}"), main)


def _status(task: Task, now: datetime) -> str:
    """Return how a request stands, a key under `request` in the catalogue."""
    if task.decided_at is not None:
        return "approved" if task.outcome is Outcome.APPROVED else "rejected"
    if task.takes_answers(now):
        return "returned" if task.returned else "open"
    if task.status is not Status.CANCELLED:
        return "expired"
    if task.outlived_execution:
        return "ended"
    return "withdrawn.own" if task.closed_because == WITHDRAWN_BY_REQUESTER else "withdrawn"


def _heading(standing: Standing, status: str, posted: Act | None) -> str:
    if posted and standing.refusal is None and posted.action != WITHDRAW:
        return words.say(f"request.thanks.{posted.action}")
    return words.say(f"request.{status}")


def _lead(task: Task, status: str) -> Html:
    ended = task.decided_at or task.closed_at or task.expires_at
    moment = time(task.expires_at if status in ("open", "returned", "expired") else ended)
    follows = status == "approved" and task.question.continues
    return say("request.continues.text" if follows else f"request.{status}.text", moment=moment)


def _question(asked: Exchange) -> Html:
    """Return the question of the approver who sent the request back."""
    return html(
        '<h2 class="question">{heading}</h2>\n<p class="said">{text}</p>\n',
        heading=say("request.asked", person=parts.address(asked.by)),
        text=parts.value(asked.comment, words.say("review.comment")),
    )


def _problem(standing: Standing, posted: Act | None) -> Html:
    """Return the notice why an act was not recorded; nothing if it was."""
    refusal = standing.refusal
    if refusal is None or posted is None:
        return NOTHING
    if isinstance(refusal, ContractError):
        said = words.say("request.problem.contract", fields=words.listed(_wrong_fields(refusal)))
    elif isinstance(refusal, RevisionRefusedError):
        said = words.say(f"request.problem.{refusal.reason}")
    else:
        problem = _PROBLEMS.get(type(refusal).__name__, "too_late")
        said = words.say(f"request.problem.{problem}", length=len(posted.comment), limit=MAX_COMMENT_CHARACTERS)
    return parts.problem(words.say("request.problem"), said)


def _wrong_fields(error: ContractError) -> list[str]:
    """Return the names of the fields that break the contract of a revision, each once."""
    places = dict.fromkeys(problem.pointer.lstrip("/").partition("/")[0] for problem in error.problems)
    known = ("title", "amount", "rows", "attachments")
    return [words.say(f"request.field.{place}") for place in places if place in known] or [words.say("request.fields")]


def _forms(standing: Standing, token: str, status: str, posted: Act | None) -> Html:
    again = posted if posted and standing.refusal else Act(token)
    withdrawal = _folded(standing.task, again, WITHDRAW, _comment(WITHDRAW, again))
    if status == "open":
        return withdrawal
    content = _content(standing.task.question, again.revision)
    later_level = standing.task.question.earlier  # earlier levels have approved the content
    return joined(
        (
            _form(standing.task, token, ANSWER, _comment(ANSWER, again)),
            NOTHING
            if later_level
            else _folded(standing.task, again, REVISE, joined((content, _comment(REVISE, again)))),
            withdrawal,
        )
    )


def _folded(task: Task, again: Act, action: str, fields: Html) -> Html:
    """Return a form that is folded, unless it is shown again."""
    return html(
        '<details class="colleague"{open}>\n<summary>{heading}</summary>\n{form}</details>\n',
        open=" open" if again.action == action else "",
        heading=words.say(f"request.{action}.heading"),
        form=_form(task, again.token, action, fields),
    )


def _form(task: Task, token: str, action: str, fields: Html) -> Html:
    return html(
        """\
<form method="post" action="request">
{key}{shown}{question}{fields}<button class="plain" name="action" value="{action}">{label}</button>
</form>
""",
        key=parts.key_fields(Key(token)),
        shown=parts.hidden("shown", task.shown),
        question=NOTHING if action == WITHDRAW else parts.hidden("exchanges", str(len(task.exchanges))),
        fields=fields,
        action=action,
        label=words.say(f"request.{action}"),
    )


def _comment(action: str, again: Act) -> Html:
    """Return the field for the requester's words; a form that is shown again has those that were typed."""
    return html(
        # HTML parsers drop the first line break of a textarea.
        """\
<label for="{action}-comment">{label}</label>
<textarea id="{action}-comment" name="comment" rows="3" maxlength="{limit}" dir="auto">
{comment}</textarea>
""",
        action=action,
        label=words.say(f"request.{action}.comment"),
        limit=MAX_COMMENT_CHARACTERS,
        comment=again.comment if again.action == action else "",
    )


def _content(question: Question, typed: Mapping[str, Any]) -> Html:
    """Return the fields of what a revision may change: as it is now, or as it was typed."""
    document = {**_document(question), **typed}
    return joined(
        (
            _line("title", words.say("request.field.title"), document["title"]),
            _amount(question, str(document["amount"])) if money.parsed(question.amount) else NOTHING,
            *(_row(place, row, question) for place, row in enumerate(document["rows"])),
            _attachments(document["attachments"]),
        )
    )


def _document(question: Question) -> dict[str, Any]:
    """Return the content of a question in the form of the contract `revision`."""
    return {
        "title": question.title,
        "amount": question.amount.partition(" ")[0],
        "rows": [{"label": label, "value": value} for label, value in question.details],
        "attachments": [{"name": item.name, "url": item.url} for item in question.attachments],
    }


def _amount(question: Question, typed: str) -> Html:
    label = words.say("request.amount", currency=question.amount.partition(" ")[2])
    hint = html('<p class="hint" id="amount-hint">{said}</p>\n', said=words.say("request.amount.hint"))
    field = _line("amount", label, typed, described="amount-hint")
    return joined((field, hint))


def _row(place: int, row: Mapping[str, str], question: Question) -> Html:
    """Return the field of a row; a row that is fixed, or repeats the amount, is not shown."""
    label, value = row["label"], row["value"]
    known = parts.hidden(f"row-label-{place}", label)
    if label in question.fixed or value == question.amount:
        return joined((known, parts.hidden(f"row-value-{place}", value)))
    field = _area(f"row-value-{place}", html("<bdi>{label}</bdi>", label=words.label(label)), value)
    return joined((known, field))


def _attachments(items: list[Mapping[str, str]]) -> Html:
    """Return the field with an attachment on each line: its name, a space, and its link."""
    field = _area(
        "attachments", html("{label}", label=words.say("request.attachments")), "\n".join(map(_line_of, items))
    )
    return joined((field, html('<p class="hint">{hint}</p>\n', hint=words.say("request.attachments.hint"))))


def _line_of(item: Mapping[str, str]) -> str:
    return f"{item['name']} {item['url']}".strip()


def _area(name: str, label: Html, value: str) -> Html:
    """Return a field of several lines."""
    return html(
        # HTML parsers drop the first line break of a textarea.
        '<label for="{name}">{label}</label>\n<textarea id="{name}" name="{name}" dir="auto">\n{value}</textarea>\n',
        name=name,
        label=label,
        value=value,
    )


def _line(name: str, label: str, value: str, described: str = "") -> Html:
    """Return a field of one line."""
    return html(
        '<label for="{name}">{label}</label>\n'
        '<input id="{name}" name="{name}" value="{value}" dir="auto"{described}>\n',
        name=name,
        label=label,
        value=value,
        described=html(' aria-describedby="{described}"', described=described) if described else NOTHING,
    )
