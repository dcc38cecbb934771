"""The pages of a task after a vote, after its decision, and after it closed without one."""

from datetime import datetime

from countersign.domain.rules import Decision, Outcome
from countersign.domain.tasks import Status, Task
from countersign.domain.votes import approvals, needed, silent
from countersign.presentation import markup, words
from countersign.presentation.markup import NOTHING, Html, html, joined, say, time
from countersign.services.reviews import Click
from review import notices, parts
from review.history import actor, history

_BY_DECISION = {Decision.APPROVE: Outcome.APPROVED, Decision.REJECT: Outcome.REJECTED}


def result_page(
    task: Task,
    recipient: str,
    now: datetime,
    *,
    just_now: bool = False,
    lost: Click | None = None,
    more: Html = NOTHING,
) -> str:
    """Return the page of a task that is decided or closed, or that this person has voted on.

    Args:
        task: The task.
        recipient: The link's owner.
        now: The current time.
        just_now: Whether this person's click made the decision.
        lost: The click that came too late and was not recorded.
        more: What else waits for the person.
    """
    if task.decided_at is not None:
        return _lost_page(task, recipient, lost) if lost else _decided_page(task, recipient, more, just_now=just_now)
    if not task.takes_answers(now):
        return _closed_page(task, recipient, now, lost)
    return _returned_page(task, recipient, more) if task.returned else _recorded_page(task, recipient, more)


def _decided_page(task: Task, recipient: str, more: Html, *, just_now: bool) -> str:
    vote = task.vote_of(recipient)
    if vote and _BY_DECISION[vote.decision] is task.outcome:
        said = "acknowledged" if task.question.acknowledge else task.outcome
        lead = words.say(f"decided.next.{said}") if just_now else _on(vote.at)
        heading = words.say(f"decided.{'thanks' if just_now else 'own'}.{said}")
        return _result_page(task, recipient, str(task.outcome), heading, lead, more=more)
    outvoted = words.say(f"decided.outvoted.{vote.decision}") if vote else ""
    lead = _sentences(outvoted, _by(task), words.say("decided.nothing"))
    mark = "closed" if vote else str(task.outcome)
    return _result_page(task, recipient, mark, words.say(f"decided.{task.outcome}"), lead, more=more)


def _recorded_page(task: Task, recipient: str, more: Html) -> str:
    """Return the page of a vote that does not decide the task: more approvals are needed."""
    vote = task.vote_of(recipient)
    assert vote, "the person has voted"
    missing = words.say_count("recorded.missing", needed(task, recipient) - approvals(task))
    waiting = silent(task)
    asked = say("recorded.waiting", people=markup.people(waiting)) if waiting else NOTHING
    lead = _sentences(missing, asked, words.say("recorded.next"))
    outcome = _BY_DECISION[vote.decision]
    return _result_page(task, recipient, outcome, words.say(f"decided.thanks.{outcome}"), lead, more=more)


def _returned_page(task: Task, recipient: str, more: Html) -> str:
    """Return the page of a task that waits for its requester."""
    own = task.returned and task.aliases.same(task.returned.by, recipient)
    lead = say("returned.text", person=parts.address(task.question.requester), moment=time(task.expires_at))
    return _result_page(task, recipient, "closed", words.say("returned.own" if own else "returned"), lead, more=more)


def _closed_page(task: Task, recipient: str, now: datetime, lost: Click | None) -> str:
    reason, at = "expired", task.expires_at
    if task.status is Status.CANCELLED:
        reason, at = "ended" if task.outlived_execution else "withdrawn", task.closed_at or now
    by = parts.address(actor(task.closed_by)) if task.closed_by else NOTHING
    happened = say(f"closed.{reason}.by" if by else f"closed.{reason}.text", moment=time(at), person=by)
    lead = _sentences(words.say(f"closed.{reason}") + "." if lost else "", happened, words.say(f"closed.{reason}.next"))
    return _result_page(task, recipient, "closed", _lost(lost) or words.say(f"closed.{reason}"), lead, lost)


def _lost_page(task: Task, recipient: str, lost: Click) -> str:
    vote = task.vote_of(recipient)
    own = vote and say(f"decided.before.own.{vote.decision}", moment=time(vote.at))
    lead = _sentences(own or _by(task, "before."), words.say("decided.nothing"))
    return _result_page(task, recipient, "closed", _lost(lost), lead, lost)


def _result_page(
    task: Task,
    recipient: str,
    mark: str,
    heading: str,
    lead: Html | str,
    lost: Click | None = None,
    more: Html = NOTHING,
) -> str:
    """Return a page that says what happened, then what was asked, and by whom, and what each person said."""
    question = task.question
    main = html(
        """\
{result}{lost}{more}{asked}<dl>
{reason}{requester}{on_behalf_of}{rows}</dl>
{history}{owner}""",
        result=notices.result(mark, heading, lead),
        lost=html('<dl class="verdict">\n{row}</dl>\n', row=_lost_comment(lost)) if _lost_comment(lost) else NOTHING,
        more=more,
        asked=parts.asked(question),
        reason=parts.optional_row("closed.because", task.closed_comment),
        requester=parts.optional_row("review.requester", markup.asker(question)),
        on_behalf_of=parts.on_behalf_of(question),
        rows=parts.rows(question),
        history=history(task),
        owner=parts.owner("decided.owner", recipient=recipient),
    )
    return notices.page(heading, main)


def _lost(click: Click | None) -> str:
    return words.say(f"lost.{click.decision}") if click else ""


def _lost_comment(click: Click | None) -> Html:
    return parts.optional_row("lost.comment", click.comment) if click else NOTHING


def _by(task: Task, when: str = "") -> Html:
    """Return who decided a task and when."""
    assert task.decided_at, "the task is decided"
    people = markup.people(task.decided_by)
    return say(f"decided.{when}by.{task.outcome}", people=people, moment=time(task.decided_at))


def _on(at: datetime) -> Html:
    return _sentences(say("decided.on", moment=time(at)), words.say("decided.nothing"))


def _sentences(*sentences: Html | str) -> Html:
    return joined(html("{one} ", one=one) for one in sentences if one)
