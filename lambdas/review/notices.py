"""Pages that say what happened and what to do next."""

from datetime import datetime
from typing import Literal

from countersign.presentation import words
from countersign.presentation.markup import NOTHING, Html, html, say, time
from review import parts
from review.document import document

Problem = Literal[
    "unknown_link",
    "unknown_path",
    "inbox_expired",
    "status_expired",
    "too_many_lists",
    "cross_site",
    "own_request",
    "decides_elsewhere",
    "bad_request",
    "too_large",
    "try_again",
]
"""The problem of a page without a task: a key under `problem` in the catalogue."""


def problem_page(kind: Problem) -> str:
    """Return the page that explains a problem and what to do."""
    return notice(f"problem.{kind}", "problem")


def too_many_page(seconds: int) -> str:
    """Return the page for a person over the rate limit, who must wait for this many seconds."""
    then = words.say_count("problem.too_many.next", seconds)
    return notice("problem.too_many", "problem", then=then)


def page(heading: str, main: Html) -> str:
    """Return a page with its heading in its title."""
    return document(heading, main, "results")


def notice(
    text: str, mark: str, *, title: str | None = None, lead: Html = NOTHING, then: str = "", because: str = ""
) -> str:
    """Return a page that says what happened (`lead` or `<text>.text`) and what to do next (`then` or `<text>.next`)."""
    heading = words.say(text)
    reason = parts.optional_row("closed.because", because)
    main = html(
        """\
{result}{title}{because}<p>{then}</p>
""",
        result=result(mark, heading, lead or words.say(f"{text}.text")),
        title=NOTHING if title is None else parts.title(title),
        because=html('<dl class="verdict">\n{reason}</dl>\n', reason=reason) if reason else NOTHING,
        then=then or words.say(f"{text}.next"),
    )
    return page(heading, main)


def lead(text: str, at: datetime, person: str = "") -> Html:
    """Return the sentence `<text>.text` with its time and its person."""
    return say(f"{text}.text", moment=time(at), person=parts.address(person))


def result(mark: str, heading: str, lead: str) -> Html:
    """Return the head of a page that says what happened."""
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
