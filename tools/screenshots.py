"""Take the pictures of the review page that the documents show: `python -m tools.screenshots`.

The page is rendered with an example of an order, in a real browser, at the size of a phone and of a desktop, in both
colour schemes.
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
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


def main() -> int:
    """Write one picture for each size and scheme."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page = _example()
    with sync_playwright() as playwright:
        # As root, Chromium starts without its own sandbox only.
        browser = playwright.chromium.launch(executable_path=str(obtain()), args=["--no-sandbox"])
        for (size, viewport), scheme in product(SIZES.items(), SCHEMES):
            tab = browser.new_page(viewport=viewport, color_scheme=scheme)
            tab.set_content(page)
            tab.screenshot(path=PICTURES / f"review-{size}-{scheme}.png", full_page=True)
        browser.close()
    return 0


def _example() -> str:
    sys.path.extend(str(ROOT / folder) for folder in ("lambdas", "layers/countersign/python"))
    from webhook.pages import ReviewView, review_page

    now = datetime(2027, 3, 1, 9, 12, tzinfo=UTC)
    return review_page(
        ReviewView(
            title="Order 1001: 250.00 EUR",
            rows=(("Order", "1001"), ("Amount", "250.00 EUR"), ("Description", "Twelve office chairs")),
            requester="rita@example.com",
            recipient="maria@example.com",
            expires_at=now + timedelta(days=2, hours=5),
            now=now,
            token="",
            shown="",
            others=("hugo@example.com",),
        )
    )


if __name__ == "__main__":
    sys.exit(main())
