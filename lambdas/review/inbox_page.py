"""The page of an inbox, and the page of a request for its link."""

from datetime import datetime

from countersign.domain.links import MOST_WAITING
from countersign.domain.tasks import Task
from countersign.presentation import display, markup, words
from countersign.presentation.markup import NOTHING, Html, html, joined, time
from countersign.services.batches import MOST_ITEMS, may_tick
from countersign.services.inboxes import Inbox
from review import notices, parts
from review.parts import Key


def inbox_page(inbox: Inbox, token: str, now: datetime, problem: str = "") -> str:
    """Return the page of an inbox.

    Args:
        inbox: The inbox.
        token: The token of its link.
        now: The current time.
        problem: Why the page is shown again, a key under `inbox.problem` in the catalogue; empty the first time.
    """
    heading = words.say("inbox")
    main = html(
        """\
{problem}<h1>{heading}</h1>
{owner}{tasks}""",
        problem=_problem(problem) if problem else NOTHING,
        heading=heading,
        owner=parts.owner("inbox.owner", recipient=inbox.recipient),
        tasks=_waiting(inbox, token, now) if inbox.tasks else parts.next_step(words.say("inbox.empty")),
    )
    return notices.page(heading, main)


def inbox_sent_page(recipient: str, now: datetime) -> str:
    """Return the page that confirms the e-mail with the inbox link."""
    return notices.notice("inbox.sent", "closed", lead=notices.lead("inbox.sent", now, recipient))


def _waiting(inbox: Inbox, token: str, now: datetime) -> Html:
    """Return the list of an inbox's tasks."""
    full = words.say("inbox.full", count=MOST_WAITING)
    is_batch = sum(map(may_tick, inbox.tasks)) > 1
    tasks = html(
        '<ul class="inbox">\n{tasks}</ul>\n{full}',
        tasks=joined(
            _waiting_task(task, inbox.recipient, token, now, _tick(task) if is_batch else NOTHING)
            for task in inbox.tasks
        ),
        full=parts.next_step(full) if len(inbox.tasks) >= MOST_WAITING else NOTHING,
    )
    return _batch_form(tasks, token) if is_batch else tasks


def _batch_form(tasks: Html, token: str) -> Html:
    """Return the list as a form that decides several tasks at once."""
    return html(
        """\
<form method="post" action="inbox">
{key}{tasks}<p class="next" id="next">{next}</p>
<div class="actions">
<button class="approve" type="submit" name="decision" value="approve" aria-describedby="next">{approve}</button>
<button class="reject" type="submit" name="decision" value="reject" aria-describedby="next">{reject}</button>
</div>
</form>
""",
        key=parts.key_fields(Key(token)),
        tasks=tasks,
        next=words.say("inbox.batch.next", limit=MOST_ITEMS),
        approve=words.say("inbox.batch.approve"),
        reject=words.say("inbox.batch.reject"),
    )


def _tick(task: Task) -> Html:
    """Return the box that ticks a task; nothing for a task that has to be decided by itself."""
    if not may_tick(task):
        return html('<p class="alone">{text}</p>\n', text=words.say("inbox.alone"))
    return html(
        '<label class="tick"><input type="checkbox" name="tick" value="{value}" aria-label="{name}"> {label}</label>\n',
        value=f"{task.task_id} {task.shown}",
        name=words.say("inbox.tick.name", title=display.title(task.question, 80)),
        label=words.say("inbox.tick"),
    )


def _problem(problem: str) -> Html:
    return parts.problem(words.say("review.problem"), words.say(f"inbox.problem.{problem}", limit=MOST_ITEMS))


def _waiting_task(task: Task, recipient: str, token: str, now: datetime, tick: Html) -> Html:
    answered = words.say("inbox.answered")
    return html(
        """\
<li>
{link}
<p>{requester_label} <bdi>{requester}</bdi></p>
<p class="until">{left} {until}</p>
{answered}{tick}</li>
""",
        link=parts.review_link(task, token),
        requester_label=words.say("review.requester"),
        requester=markup.asker(task.question),
        left=parts.left(task.expires_at, now),
        until=time(task.expires_at),
        answered=html("<p>{text}</p>\n", text=answered) if task.vote_of(recipient) else NOTHING,
        tick=tick,
    )
