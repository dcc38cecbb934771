"""The pages that a person sees behind a review link, as HTML, and the headers that every one of them carries.

A page is one document: no script, no request for anything else, its only style sheet inside and named by hash in the
Content-Security-Policy. What requesters wrote is untrusted; `presentation.display` makes it harmless where a template
prints it. Templates and style sheet are read when the first page is rendered.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

from countersign.domain.links import MOST_WAITING
from countersign.domain.questions import Shown
from countersign.domain.rules import Decision
from countersign.domain.tasks import MAX_COMMENT_CHARACTERS
from countersign.functions import http
from countersign.presentation import display, wording
from countersign.services.inboxes import Inbox

Outcome = Literal["approved", "rejected"]
ClosedReason = Literal["expired", "withdrawn", "ended"]
"""Why a task closed without a decision: its deadline passed, it was taken back, or its execution ended."""

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
"""What a page without a task is about: a key under `problem` in the catalog."""

_FOLDER = Path(__file__).parent / "templates"
_SOON = timedelta(hours=24)


@dataclass(frozen=True)
class Key:
    """What opens a review: goes back with every form.

    Attributes:
        token: The link's token.
        task_id: Which task, when the token is that of an inbox; empty otherwise.
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
        question: What is asked.
        recipient: Whose link this is.
        expires_at: When the task closes by itself, in UTC.
        now: The current time, in UTC.
        key: What opens this review.
        shown: SHA-256 of what the page shows, in hex; goes back with the form.
        comment: What the person has written: with their answer so far, or when the form is shown again.
        problem: Why the form is shown again, such as `comment_too_long`, a key under `review.problem` in the catalog.
            None the first time.
        others: Who else may decide.
        approvals: How many have approved so far.
        needed: How many approvals decide; with more than one, an answer can be changed until then.
        said: What this person has answered so far; None for nothing yet.
        instead_of: In whose place this person is asked; empty in nobody's.
        can_hand_over: Whether this person may hand the task to a colleague.
        colleague: The address that the person had written when the form is shown again.
        barred: Why no answer of this person counts, a key under `review.barred` in the catalog: the page has no
            buttons then. None where it counts.
        submitted_by: Who submitted the request, as AWS names them; empty where that was not told.
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
        question: What was asked.
        outcome: What was decided.
        decided_by: Whose votes decided.
        decided_at: When, in UTC.
        comment: The words of the one who decided; empty when there are none.
        recipient: Whose link this is.
        just_now: Whether this very click is the decision, so that thanks are due.
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
    problem = view.problem and wording.say(
        f"review.problem.{view.problem}", length=len(view.comment), limit=MAX_COMMENT_CHARACTERS
    )
    return _render(
        "review",
        view=view,
        problem=problem,
        others=_listed(view.others),
        left=view.expires_at - view.now,
        limit=MAX_COMMENT_CHARACTERS,
    )


def decided_page(view: DecidedView) -> str:
    """Return the page of a decided task."""
    tone = "conflict" if view.conflict else "thanks" if view.just_now else "done"
    heading = wording.say(f"decided.{tone}.{view.outcome}")
    return _render("decided", view=view, heading=heading, people=_listed(view.decided_by))


def closed_page(reason: ClosedReason, title: str, at: datetime, because: str = "") -> str:
    """Return the page of a task that closed without a decision.

    Args:
        reason: Why it closed.
        title: What was asked, in a line.
        at: When it closed, in UTC.
        because: Why an operator withdrew it, in their own words; empty where they gave none.
    """
    return _notice(f"closed.{reason}", "closed", title=title, at=at, because=because)


def handed_over_page(title: str, to: str, at: datetime) -> str:
    """Return the page for somebody in whose place another decides."""
    return _notice("handed_over", "closed", title=title, at=at, person=to)


def recorded_page(title: str) -> str:
    """Return the thanks for an answer that is recorded while others still have to give theirs."""
    return _notice("recorded", "approved", title=title)


def inbox_page(inbox: Inbox, token: str, now: datetime) -> str:
    """Return the list of all that waits for somebody; the token is that of the link to the inbox."""
    rows = [(task, Key(token, task.task_id), task.expires_at - now) for task in inbox.tasks]
    return _render("inbox", heading=wording.say("inbox"), inbox=inbox, rows=rows, most=MOST_WAITING)


def inbox_sent_page(recipient: str, now: datetime) -> str:
    """Return the page that says that the link to the list is on its way to its owner."""
    return _notice("inbox.sent", "closed", at=now, person=recipient)


def problem_page(kind: Problem) -> str:
    """Return the page that says what went wrong and what to do now."""
    return _notice(f"problem.{kind}", "problem")


def too_many_page(seconds: int) -> str:
    """Return the page for somebody who has to wait for so many seconds."""
    then = wording.say_count("problem.too_many.next", seconds)
    return _notice("problem.too_many", "problem", then=then)


def encoded(status: int, page: str, retry_after_seconds: int = 0) -> http.Reply:
    """Return a page as the API sends it."""
    headers = {**security_headers()}
    if retry_after_seconds:
        headers["Retry-After"] = str(retry_after_seconds)
    return int(status), headers, page


@cache
def security_headers() -> Mapping[str, str]:
    """Return every header that a page is sent with; made once, since the policy needs the style sheet's hash."""
    style_hash = b64encode(sha256(_stylesheet().encode()).digest()).decode()
    policy = (
        "default-src 'none'",
        f"style-src 'sha256-{style_hash}'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        "Content-Security-Policy": "; ".join(policy),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
        "Referrer-Policy": "no-referrer",
        "Strict-Transport-Security": "max-age=63072000",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex, nofollow",
    }


@cache
def _stylesheet() -> str:
    """Return the style sheet without comments and needless white space, as it stands between the `style` tags."""
    source = re.sub(r"/\*.*?\*/", "", (_FOLDER / "style.css").read_text("utf-8"), flags=re.DOTALL)
    return re.sub(r"\s*([{};])\s*", r"\1", re.sub(r"\s+", " ", source)).replace(";}", "}").strip()


def _listed(people: tuple[str, ...]) -> str:
    *others, last = people or ("",)
    if not others:
        return last
    listed = wording.say("people.two", first=others.pop(), last=last)
    for person in reversed(others):
        listed = wording.say("people.more", first=person, last=listed)
    return listed


def _notice(
    text: str,
    mark: str,
    *,
    title: str | None = None,
    at: datetime | None = None,
    person: str = "",
    then: str = "",
    because: str = "",
) -> str:
    """Return a page that says one thing: what happened (`<text>.text`) and what to do now (`then` or `<text>.next`)."""
    heading = wording.say(text)
    values: dict[str, object] = {"title": title, "at": at, "person": person, "then": then, "because": because}
    return _render("notice", text=text, mark=mark, heading=heading, **values)


def _render(template: str, **values: object) -> str:
    from markupsafe import Markup

    page = display.environment(_FOLDER).get_template(f"{template}.html.j2")
    # The one text that is not escaped: our own style sheet, from the same folder as the templates.
    return page.render(stylesheet=Markup(_stylesheet()), soon=_SOON, **values)  # noqa: S704  # nosec B704
