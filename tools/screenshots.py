"""Take the pictures of the pages that the documents show: `python -m tools.screenshots`.

The pages are rendered with an example of an order, in a real browser: the review at the size of a phone and of a
desktop, in both colour schemes, and the inbox on a phone.
"""

import sys
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Literal

from playwright.sync_api import ViewportSize, sync_playwright

from tools.browser import obtain

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"

Scheme = Literal["light", "dark"]
SIZES: dict[str, ViewportSize] = {
    "phone": {"width": 390, "height": 844},
    "desktop": {"width": 1280, "height": 900},
}
NOW = datetime(2027, 3, 1, 9, 12, tzinfo=UTC)
TITLE = "Order 1001: 250.00 EUR"
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


def main() -> int:
    """Write every picture."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    sys.path.extend(str(ROOT / folder) for folder in ("lambdas", "layers/countersign/python"))
    pictures = [(_review(), f"review-{size}-{scheme}", size, scheme) for size, scheme in product(SIZES, SCHEMES)]
    pictures += [(_ended(), f"ended-{size}-{scheme}", size, scheme) for size, scheme in product(SIZES, SCHEMES)]
    pictures.append((_inbox(), "inbox-phone-light", "phone", "light"))
    with sync_playwright() as playwright:
        # As root, Chromium starts only without its own sandbox.
        browser = playwright.chromium.launch(executable_path=str(obtain()), args=["--no-sandbox"])
        for page, name, size, scheme in pictures:
            tab = browser.new_page(viewport=SIZES[size], color_scheme=scheme)
            tab.set_content(page)
            # A picture of a whole page has the buttons, which stay in sight, at their place in the page.
            tab.set_viewport_size({**SIZES[size], "height": tab.evaluate("document.documentElement.scrollHeight")})
            tab.screenshot(path=PICTURES / f"{name}.png")
        browser.close()
    return 0


def _review() -> str:
    from countersign.domain.questions import Attachment, Question
    from review.parts import Key
    from review.review_page import ReviewView, review_page

    return review_page(
        ReviewView(
            question=Question(
                TITLE,
                (("Order", "1001"), ("Amount", "250.00 EUR"), ("Description", "Twelve office chairs")),
                "rita@example.com",
                amount="250.00 EUR",
                attachments=(Attachment("Offer.pdf", "https://files.example.com/offers/1001.pdf"),),
            ),
            recipient="maria@example.com",
            expires_at=NOW + timedelta(days=2, hours=5),
            now=NOW,
            key=Key(""),
            shown="",
            can_hand_over=True,
            others=("hugo@example.com",),
        )
    )


def _ended() -> str:
    from review.results import closed_page

    return closed_page("ended", TITLE, NOW)


def _inbox() -> str:
    from countersign.domain.questions import Question
    from countersign.domain.rules import Decision
    from countersign.domain.tasks import Status, Task, Vote
    from countersign.services.inboxes import Inbox
    from review.inbox_page import inbox_page

    unanswered: dict[str, Vote] = {}
    answered = {"maria@example.com": Vote(Decision.APPROVE, "", NOW)}
    orders = (
        ("Order 1007: 1,250.00 EUR", "rita@example.com", timedelta(hours=5), unanswered),
        ("Order 1001: 250.00 EUR", "rita@example.com", timedelta(days=2, hours=5), answered),
        ("Order 1004: 18,400.00 EUR", "hugo@example.com", timedelta(days=6), unanswered),
    )
    tasks = (
        Task("", Status.OPEN, NOW + left, question=Question(title=title, requester=requester), votes=votes)
        for title, requester, left, votes in orders
    )
    return inbox_page(Inbox("maria@example.com", tuple(tasks)), "", NOW)


if __name__ == "__main__":
    sys.exit(main())
