"""Take the pictures of pages and mails for the documents: `python -m tools.screenshots [name …]`.

Each page and mail is one sheet, docs/pictures/<name>.png: on a phone and on a desktop, in light and in dark, in English
and in Arabic. The README shows the review page on a phone alone, in light and in dark.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, ViewportSize, sync_playwright

from tools.browser import obtain

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
LANGUAGES = ("en", "ar")

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
SIZES: dict[str, ViewportSize] = {
    "phone": {"width": 390, "height": 844},
    "desktop": {"width": 1280, "height": 900},
}
_TALLEST = 2_000
_SHOWN_OF_DESKTOP = 760
_SCALES = {"phone": 0.8, "desktop": 0.6}
_GAP = 16
_BETWEEN = "#8a94a0"
_COLOURS = 48
_OF_FUNCTIONS = {"POWERTOOLS_METRICS_NAMESPACE": "Countersign", "METRICS_STAGE": "pictures"}


def main(names: list[str]) -> int:
    """Write the pictures of these pages and mails; of all without names."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    sys.path.extend(str(ROOT / folder) for folder in ("lambdas", "layers/countersign/python"))
    os.environ.update(_OF_FUNCTIONS)
    from tools.gallery import EXAMPLES, Scene

    with sync_playwright() as playwright:
        # As root, Chromium starts only without its own sandbox.
        browser = playwright.chromium.launch(executable_path=str(obtain()), args=["--no-sandbox"])
        for name in names or EXAMPLES:
            pages = [EXAMPLES[name](Scene(language)) for language in LANGUAGES]
            _save(_sheet([list(_pictures(browser, pages, size)) for size in SIZES]), name)
        if not names:
            for scheme in SCHEMES:
                _save(_picture(browser, EXAMPLES["review"](Scene("en")), "phone", scheme), f"review-phone-{scheme}")
        browser.close()
    return 0


def _pictures(browser: Browser, pages: list[str], size: str) -> Iterator[Image.Image]:
    """Take the pictures of a row: a page in each language and scheme. A desktop's empty sides are cut off."""
    for page, scheme in product(pages, SCHEMES):
        picture = _picture(browser, page, size, scheme, _SCALES[size])
        if size == "desktop":
            width = round(_SHOWN_OF_DESKTOP * _SCALES[size])
            side = (picture.width - width) // 2
            picture = picture.crop((side, 0, side + width, picture.height))
        yield picture


def _picture(browser: Browser, page: str, size: str, scheme: Scheme, scale: float = 1) -> Image.Image:
    """Take a picture of a whole page, in which buttons that stay in sight are at their place in the page."""
    tab = browser.new_page(viewport=SIZES[size], color_scheme=scheme, device_scale_factor=scale)
    tab.set_content(page)
    height = min(_TALLEST, tab.evaluate("document.documentElement.scrollHeight"))
    tab.set_viewport_size({**SIZES[size], "height": height})
    picture = Image.open(BytesIO(tab.screenshot())).convert("RGB")
    tab.close()
    return picture


def _sheet(rows: list[list[Image.Image]]) -> Image.Image:
    """Return pictures side by side, in rows."""
    width = max(sum(picture.width + _GAP for picture in row) for row in rows) + _GAP
    heights = [max(picture.height for picture in row) for row in rows]
    sheet = Image.new("RGB", (width, sum(heights) + _GAP * (len(rows) + 1)), _BETWEEN)
    top = _GAP
    for row, height in zip(rows, heights, strict=True):
        left = _GAP
        for picture in row:
            sheet.paste(picture, (left, top))
            left += picture.width + _GAP
        top += height + _GAP
    return sheet


def _save(picture: Image.Image, name: str) -> None:
    few = picture.quantize(_COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
    few.save(PICTURES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
