"""Check every page with axe, in every language: `python -m tools.accessibility`. Prints each violation.

In light and dark, on a small phone, a tablet and a desktop, and on a desktop at 400 % zoom, where browsers lay a page
out for a quarter of their width (https://www.w3.org/WAI/WCAG22/Understanding/reflow.html). A page that scrolls sideways
is a violation too. Exits with 1 on any.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from itertools import product

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize, sync_playwright

from tools.browser import obtain
from tools.screenshots import ROOT, SCHEMES

SIZES: dict[str, ViewportSize] = {
    "phone": {"width": 320, "height": 568},
    "tablet": {"width": 768, "height": 1024},
    "desktop": {"width": 1280, "height": 900},
    "desktop at 400 %": {"width": 320, "height": 225},
}
_FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


def main() -> int:
    """Check all pages, and return the exit status."""
    sys.path.extend(str(ROOT / folder) for folder in ("lambdas", "layers/countersign/python"))
    os.environ.setdefault("METRICS_STAGE", "accessibility")
    from countersign.presentation import words
    from tools.views import every_page

    looks, found = 0, []
    with sync_playwright() as playwright:
        # As root, Chromium starts only without its own sandbox.
        browser = playwright.chromium.launch(executable_path=str(obtain()), args=["--no-sandbox"])
        for (size, viewport), scheme in product(SIZES.items(), SCHEMES):
            tab = browser.new_page(viewport=viewport, color_scheme=scheme)
            for language in sorted(words.languages()):
                with words.reading(language):
                    pages = every_page()
                for name, page in pages.items():
                    tab.set_content(page)
                    looks += 1
                    found += [f"{name}, {language}, {size}, {scheme}: {problem}" for problem in violations(tab)]
            tab.close()
        browser.close()
    print(*found, sep="\n", end="\n" if found else "", file=sys.stderr)
    print(f"axe        {len(found)} findings in {looks} pages: each language, scheme and size")
    return 1 if found else 0


def violations(tab: Page) -> Iterator[str]:
    """Yield what is wrong with the page in a tab."""
    for each in Axe().run(tab).response["violations"]:
        yield f"{each['id']}: {each['help']} ({each['nodes'][0]['html'][:120]})"
    if not tab.evaluate(_FITS):
        yield "it scrolls sideways"


if __name__ == "__main__":
    sys.exit(main())
