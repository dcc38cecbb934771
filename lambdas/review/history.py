"""The trail of a task, as a part of its pages."""

from countersign.domain.identity import caller_name, session_name
from countersign.domain.tasks import Task
from countersign.domain.trail import Step, trail
from countersign.presentation import markup, words
from countersign.presentation.markup import NOTHING, Html, html, joined, say, time
from review import parts


def history(task: Task) -> Html:
    """Return what has happened to a task, and what each person wrote."""
    return html(
        """\
<h2 class="story">{heading}</h2>
<ol class="trail">
{steps}</ol>
""",
        heading=words.say("trail"),
        steps=joined(map(_step, trail(task))),
    )


def actor(by: str) -> str:
    """Return a person's address, or the name of an operator's session or of a caller's role for people."""
    return session_name(by) or caller_name(by).removeprefix("role/")


def _step(step: Step) -> Html:
    return html(
        '<li>\n<p>{said}</p>\n{comment}<p class="where">{at}</p>\n</li>\n',
        said=_said(step),
        comment=html('<p class="said">{text}</p>\n', text=_comment(step.comment)) if step.comment.strip() else NOTHING,
        at=time(step.at),
    )


def _said(step: Step) -> Html:
    if not step.by and step.what in ("asked", "withdrawn"):
        return say(f"trail.{step.what}.unnamed", to=markup.people(step.to))
    return say(f"trail.{step.what}", by=parts.address(actor(step.by)), to=markup.people(step.to))


def _comment(text: str) -> Html:
    return parts.value(text, words.say("review.comment"))
