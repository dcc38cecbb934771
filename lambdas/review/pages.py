"""The HTML pages behind review and inbox links, and their headers.

A page is one document without scripts or further requests. Its only style sheet is inline, with its hash in the
Content-Security-Policy. Requesters' texts are untrusted; `presentation.display` makes them harmless in templates.
Templates and style sheet are read with the first page.
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
from countersign.presentation import display, words
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

_FOLDER = Path(__file__).parent / "templates"
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
    problem = view.problem and words.say(
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
    heading = words.say(f"decided.{tone}.{view.outcome}")
    return _render("decided", view=view, heading=heading, people=_listed(view.decided_by))


def closed_page(reason: ClosedReason, title: str, at: datetime, because: str = "") -> str:
    """Return the page of a task that closed without a decision.

    Args:
        reason: Why it closed.
        title: The question in one line.
        at: When it closed, in UTC.
        because: Why an operator withdrew it, in their own words; empty without a reason.
    """
    return _notice(f"closed.{reason}", "closed", title=title, at=at, because=because)


def handed_over_page(title: str, to: str, at: datetime) -> str:
    """Return the page for a person who has delegated the task."""
    return _notice("handed_over", "closed", title=title, at=at, person=to)


def recorded_page(title: str) -> str:
    """Return the page that thanks for a vote while others must still vote."""
    return _notice("recorded", "approved", title=title)


def inbox_page(inbox: Inbox, token: str, now: datetime) -> str:
    """Return the page of an inbox; the token is that of its link."""
    rows = [(task, Key(token, task.task_id), task.expires_at - now) for task in inbox.tasks]
    return _render("inbox", heading=words.say("inbox"), inbox=inbox, rows=rows, most=MOST_WAITING)


def inbox_sent_page(recipient: str, now: datetime) -> str:
    """Return the page that confirms the e-mail with the inbox link."""
    return _notice("inbox.sent", "closed", at=now, person=recipient)


def problem_page(kind: Problem) -> str:
    """Return the page that explains a problem and what to do."""
    return _notice(f"problem.{kind}", "problem")


def too_many_page(seconds: int) -> str:
    """Return the page for a person over the rate limit, who must wait for this many seconds."""
    then = words.say_count("problem.too_many.next", seconds)
    return _notice("problem.too_many", "problem", then=then)


def encoded(status: int, page: str, retry_after_seconds: int = 0) -> http.Reply:
    """Return the API's reply with a page."""
    headers = {**security_headers()}
    if retry_after_seconds:
        headers["Retry-After"] = str(retry_after_seconds)
    return int(status), headers, page


@cache
def security_headers() -> Mapping[str, str]:
    """Return the headers of every page; made once, since the policy needs the style sheet's hash."""
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
    """Return the content of the `style` element: the style sheet without comments and needless white space."""
    source = re.sub(r"/\*.*?\*/", "", (_FOLDER / "style.css").read_text("utf-8"), flags=re.DOTALL)
    return re.sub(r"\s*([{};])\s*", r"\1", re.sub(r"\s+", " ", source)).replace(";}", "}").strip()


def _listed(people: tuple[str, ...]) -> str:
    *others, last = people or ("",)
    if not others:
        return last
    listed = words.say("people.two", first=others.pop(), last=last)
    for person in reversed(others):
        listed = words.say("people.more", first=person, last=listed)
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
    """Return a page that says what happened (`<text>.text`) and what to do next (`then` or `<text>.next`)."""
    heading = words.say(text)
    values: dict[str, object] = {"title": title, "at": at, "person": person, "then": then, "because": because}
    return _render("notice", text=text, mark=mark, heading=heading, **values)


def _render(template: str, **values: object) -> str:
    from markupsafe import Markup

    page = display.environment(_FOLDER).get_template(f"{template}.html.j2")
    # The only text that is not escaped: the kit's own style sheet, from the same folder as the templates.
    return page.render(stylesheet=Markup(_stylesheet()), soon=_SOON, **values)  # noqa: S704  # nosec B704
