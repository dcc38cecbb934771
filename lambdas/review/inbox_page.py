"""The page of an inbox, and the page of a request for its link."""

from datetime import datetime

from countersign.domain.links import MOST_WAITING
from countersign.domain.tasks import Task
from countersign.presentation import markup, words
from countersign.presentation.display import single_line
from countersign.presentation.markup import NOTHING, Html, html, joined, time
from countersign.services.inboxes import Inbox
from review import notices, parts
from review.parts import Key


def inbox_page(inbox: Inbox, token: str, now: datetime) -> str:
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
    return notices.page(heading, main)


def inbox_sent_page(recipient: str, now: datetime) -> str:
    """Return the page that confirms the e-mail with the inbox link."""
    return notices.notice("inbox.sent", "closed", lead=notices.lead("inbox.sent", now, recipient))


def _waiting(inbox: Inbox, token: str, now: datetime) -> Html:
    """Return the list of an inbox's tasks."""
    full = words.say("inbox.full", count=MOST_WAITING)
    return html(
        '<ul class="inbox">\n{tasks}</ul>\n{full}',
        tasks=joined(_waiting_task(task, inbox.recipient, token, now) for task in inbox.tasks),
        full=parts.next_step(full) if len(inbox.tasks) >= MOST_WAITING else NOTHING,
    )


def _waiting_task(task: Task, recipient: str, token: str, now: datetime) -> Html:
    answered = words.say("inbox.answered")
    amount = single_line(task.question.amount)
    return html(
        """\
<li>
<a href="review?{query}">{amount}{title}</a>
<p>{requester_label} <bdi>{requester}</bdi></p>
<p class="until">{left} {until}</p>
{answered}</li>
""",
        query=Key(token, task.task_id).query,
        title=parts.value(single_line(task.question.title, 200), words.say("title.label")),
        amount=html("<strong>{amount}</strong> ", amount=markup.money(amount)) if amount else NOTHING,
        requester_label=words.say("review.requester"),
        requester=parts.address(task.question.requester),
        left=parts.left(task.expires_at, now),
        until=time(task.expires_at),
        answered=html("<p>{text}</p>\n", text=answered) if task.vote_of(recipient) else NOTHING,
    )
