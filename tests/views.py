"""What pages and mails show, with values for tests, and every page and mail there is."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, get_args

from approver.messages import ReviewMail, review_message
from countersign.services.deliveries import Message
from webhook.pages import (
    ClosedView,
    DecidedView,
    Problem,
    ReviewView,
    closed_page,
    decided_page,
    problem_page,
    recorded_page,
    review_page,
)

NOW = datetime(2025, 11, 21, 9, 12, 5, tzinfo=UTC)
TOKEN = "Tq3" * 14 + "w"
TITLE = "Order 1001, 250.00 EUR"
ROWS = (("Order", "1001"), ("Amount", "250.00 EUR"), ("Description", "Twelve chairs & a table,\nfor the new office"))

HOSTILE = (
    '<script>alert(1)</script></textarea></style><img src="//evil.example/x">'
    "\u202egnp.exe\u2066\x00\x1b{{7*7}}\"'\ud800"
)
"""Markup, bidirectional controls, control characters, a template expression, quotes, a lone surrogate."""

UNBROKEN = "W" * 10_000
COMMENT = "Fine with me"
TIMES_LEFT = (timedelta(days=2), timedelta(hours=3), timedelta(minutes=5), timedelta(minutes=1), timedelta())


def any_review(**changes: Any) -> ReviewView:
    """Return an open task's page, as changed."""
    view: dict[str, Any] = {
        "title": TITLE,
        "rows": ROWS,
        "requester": "ana@example.com",
        "recipient": "maria@example.com",
        "expires_at": NOW + timedelta(days=2, hours=5),
        "now": NOW,
        "token": TOKEN,
        "shown": "5e" * 32,
    }
    return ReviewView(**view | changes)


def any_decided(**changes: Any) -> DecidedView:
    """Return a decided task's page, as changed."""
    view: dict[str, Any] = {
        "title": TITLE,
        "rows": ROWS,
        "outcome": "approved",
        "decided_by": ("maria@example.com",),
        "decided_at": NOW,
        "comment": COMMENT,
        "recipient": "maria@example.com",
    }
    return DecidedView(**view | changes)


def any_closed(**changes: Any) -> ClosedView:
    """Return a closed task's page, as changed."""
    view: dict[str, Any] = {"reason": "expired", "title": TITLE, "closed_at": NOW}
    return ClosedView(**view | changes)


def any_mail(**changes: Any) -> ReviewMail:
    """Return a mail, as changed."""
    mail: dict[str, Any] = {
        "kind": "approval.requested",
        "title": TITLE,
        "rows": ROWS,
        "requester": "ana@example.com",
        "recipient": "maria@example.com",
        "expires_at": NOW + timedelta(days=2, hours=5),
        "link": f"https://api.example.com/review?t={TOKEN}",
    }
    return ReviewMail(**mail | changes)


def every_page(language: str = "en") -> Mapping[str, str]:
    """Return each page that there is, by a name for it."""
    return dict(_pages(language))


def every_mail(language: str = "en") -> Mapping[str, Message]:
    """Return each mail that there is, by a name for it."""
    return dict(_mails(language))


def hostile_page(value: str) -> Mapping[str, str]:
    """Return each page that shows what people wrote, with this value in every field."""
    rows = ((value, value), ("Order", value))
    return {
        "review": review_page(
            any_review(
                title=value, rows=rows, requester=value, recipient=value, token=value, shown=value, comment=value
            )
        ),
        "decided": decided_page(
            any_decided(title=value, rows=rows, decided_by=(value, value), comment=value, recipient=value)
        ),
        "closed": closed_page(any_closed(title=value)),
        "recorded": recorded_page(value),
    }


def hostile_mail(value: str) -> Message:
    """Return the mail with this value in every field that people write."""
    rows = ((value, value), ("Order", value))
    return review_message(any_mail(title=value, rows=rows, requester=value, recipient=value))


def _pages(language: str) -> Iterator[tuple[str, str]]:
    yield from _review_pages(language)
    yield from _decided_pages(language)
    yield from _closed_pages(language)
    yield "recorded", recorded_page(TITLE, language)
    for kind in get_args(Problem):
        yield f"problem-{kind}", problem_page(kind, language)


def _review_pages(language: str) -> Iterator[tuple[str, str]]:
    for left in TIMES_LEFT:
        yield f"review-{left}", review_page(any_review(expires_at=NOW + left, rows=(*ROWS, ("Note", ""))), language)
    for said in ("approve", "reject"):
        shared = any_review(others=("hugo@example.com", "li@example.com"), approvals=1, needed=2, said=said)
        yield f"review-shared-{said}", review_page(shared, language)
    for problem in ("comment_too_long", "unknown_decision", "details_changed"):
        yield (
            f"review-{problem}",
            review_page(any_review(problem=problem, comment="Too long"), language),
        )
    yield "review-long", review_page(any_review(title=UNBROKEN), language)


def _decided_pages(language: str) -> Iterator[tuple[str, str]]:
    people = ("maria@example.com", "jon@example.com", "li@example.com")
    for outcome, tone in product(("approved", "rejected"), ("done", "just_now", "conflict")):
        view = any_decided(outcome=outcome, decided_by=people, just_now=tone == "just_now", conflict=tone == "conflict")
        yield f"decided-{outcome}-{tone}", decided_page(view, language)


def _closed_pages(language: str) -> Iterator[tuple[str, str]]:
    for reason, month in product(("expired", "withdrawn"), range(12)):
        at = NOW + timedelta(days=31 * month)  # every month, and every day of the week
        yield f"closed-{reason}-{month}", closed_page(any_closed(reason=reason, closed_at=at), language)


def _mails(language: str) -> Iterator[tuple[str, Message]]:
    for occasion in ("requested", "reminder", "escalated"):
        for stage in ("prod", "dev"):
            view = any_mail(kind=f"approval.{occasion}", stage=stage, rows=(*ROWS, ("Note", ""), ("Long", UNBROKEN)))
            yield f"{occasion}-{stage}", review_message(view, language)
