"""The pages that a person sees behind a review link, as HTML, and the headers that every one of them carries.

A page is one document: no script, no request for anything else, its only style sheet inside and named by hash in the
Content-Security-Policy. What requesters wrote is untrusted; `countersign.display` makes it harmless where a template
prints it. Templates and style sheet are read when the first page is rendered.
"""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Literal

from countersign import display, wording
from countersign.services.reviews import MAX_COMMENT_CHARACTERS

Outcome = Literal["approved", "rejected"]
Answered = Literal["approve", "reject"]
ClosedReason = Literal["expired", "withdrawn"]

Problem = Literal["unknown_link", "cross_site", "own_request", "bad_request", "too_large", "try_again"]
"""What a page without a task is about: a key under `problem` in the catalog."""

Rows = tuple[tuple[str, str], ...]
"""What is asked, as label and value, in the order of the page."""

_FOLDER = Path(__file__).parent / "templates"
_SOON = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class ReviewView:
    """An open task, with the form that decides it.

    Attributes:
        title: What is asked, in a line.
        rows: The details, as label and value.
        requester: Who asks.
        recipient: Whose link this is.
        expires_at: When the task closes by itself, in UTC.
        now: The current time, in UTC.
        token: The link's token; goes back with the form.
        shown: SHA-256 of what the page shows, in hex; goes back with the form.
        comment: What the person had written when the form is shown again.
        problem: Why the form is shown again: `comment_too_long`, `unknown_decision` or `details_changed`, a key under
            `review.problem` in the catalog. None the first time.
        others: Who else may decide.
        approvals: How many have approved so far.
        needed: How many approvals decide; with more than one, an answer can be changed until then.
        said: What this person has answered so far; None for nothing yet.
    """

    title: str
    rows: Rows
    requester: str
    recipient: str
    expires_at: datetime
    now: datetime
    token: str
    shown: str
    comment: str = ""
    problem: str | None = None
    others: tuple[str, ...] = ()
    approvals: int = 0
    needed: int = 1
    said: Answered | None = None


@dataclass(frozen=True, kw_only=True)
class DecidedView:
    """A decided task.

    Attributes:
        title: What was asked, in a line.
        rows: The details, as label and value.
        outcome: What was decided.
        decided_by: Whose votes decided.
        decided_at: When, in UTC.
        comment: The words of the one who decided; empty when there are none.
        recipient: Whose link this is.
        just_now: Whether this very click is the decision, so that thanks are due.
        conflict: Whether this click came too late and was not recorded.
    """

    title: str
    rows: Rows
    outcome: Outcome
    decided_by: str | tuple[str, ...]
    decided_at: datetime
    comment: str
    recipient: str
    just_now: bool = False
    conflict: bool = False


@dataclass(frozen=True, kw_only=True)
class ClosedView:
    """A task that closed without a decision.

    Attributes:
        reason: Why it closed.
        title: What was asked, in a line.
        closed_at: When, in UTC.
    """

    reason: ClosedReason
    title: str
    closed_at: datetime


def review_page(view: ReviewView, language: str = wording.DEFAULT_LANGUAGE) -> str:
    """Return the page of an open task, with the form.

    Args:
        view: What the page shows.
        language: A language of the catalog.
    """
    left = view.expires_at - view.now
    problem = view.problem and wording.say(
        language, f"review.problem.{view.problem}", length=len(view.comment), limit=MAX_COMMENT_CHARACTERS
    )
    return _render(
        "review",
        language,
        view=view,
        problem=problem,
        others=_listed(view.others, language),
        left=display.time_left(left, language),
        soon=left < _SOON,
        limit=MAX_COMMENT_CHARACTERS,
    )


def decided_page(view: DecidedView, language: str = wording.DEFAULT_LANGUAGE) -> str:
    """Return the page of a decided task.

    Args:
        view: What the page shows.
        language: A language of the catalog.
    """
    tone = "conflict" if view.conflict else "thanks" if view.just_now else "done"
    people = (view.decided_by,) if isinstance(view.decided_by, str) else view.decided_by
    return _render(
        "decided",
        language,
        view=view,
        heading=wording.say(language, f"decided.{tone}.{view.outcome}"),
        people=_listed(people, language),
    )


def closed_page(view: ClosedView, language: str = wording.DEFAULT_LANGUAGE) -> str:
    """Return the page of a task that closed without a decision.

    Args:
        view: What the page shows.
        language: A language of the catalog.
    """
    return _notice(f"closed.{view.reason}", "closed", language, title=view.title, at=view.closed_at)


def recorded_page(title: str, language: str = wording.DEFAULT_LANGUAGE) -> str:
    """Return the thanks for an answer that is recorded while others still have to give theirs.

    Args:
        title: What was asked, in a line.
        language: A language of the catalog.
    """
    return _notice("recorded", "approved", language, title=title)


def problem_page(kind: Problem, language: str = wording.DEFAULT_LANGUAGE) -> str:
    """Return the page that says what went wrong and what to do now.

    Args:
        kind: What went wrong.
        language: A language of the catalog.
    """
    return _notice(f"problem.{kind}", "problem", language)


class _SecurityHeaders(Mapping[str, str]):
    """The headers of every page; made when first read, since the policy needs the style sheet's hash."""

    def __getitem__(self, name: str) -> str:
        return _headers()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_headers())

    def __len__(self) -> int:
        return len(_headers())


SECURITY_HEADERS: Mapping[str, str] = _SecurityHeaders()
"""Every header that a page is sent with."""


@cache
def _headers() -> dict[str, str]:
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


def _listed(people: tuple[str, ...], language: str) -> str:
    *others, last = people or ("",)
    if not others:
        return last
    listed = wording.say(language, "people.two", first=others.pop(), last=last)
    for person in reversed(others):
        listed = wording.say(language, "people.more", first=person, last=listed)
    return listed


def _notice(text: str, mark: str, language: str, *, title: str | None = None, at: datetime | None = None) -> str:
    """Return a page that says one thing: what happened (`<text>.text`) and what to do now (`<text>.next`)."""
    heading = wording.say(language, text)
    return _render("notice", language, text=text, mark=mark, heading=heading, title=title, at=at)


def _render(template: str, language: str, **values: object) -> str:
    from markupsafe import Markup

    page = display.environment(_FOLDER, language).get_template(f"{template}.html.j2")
    # The one text that is not escaped: our own style sheet, from the same folder as the templates.
    return page.render(stylesheet=Markup(_stylesheet()), **values)  # noqa: S704
