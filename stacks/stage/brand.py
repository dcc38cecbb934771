"""The settings of a stage's brand, and the check of its colour."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from countersign.presentation.brand import PLAIN
from stacks.stage.fields import DISPLAY_NAME, Rule, Table, matching
from stacks.stage.problems import Problem

LIGHT = ("#ffffff", "#f3f4f6")
"""The light backgrounds of accents, and the text of buttons."""

DARK = ("#181d23", "#0f1317")
"""The dark backgrounds of accents."""

LEGIBLE = 4.5
"""The least contrast of text (https://www.w3.org/TR/WCAG22/#contrast-minimum)."""

_LONGEST_WHY = 200


class BrandSettings(Table):
    """The name, the colour and the logo of pages and mails."""

    name: Annotated[str, DISPLAY_NAME] = ""
    """The name at the head of pages and mails, such as `Example Trading`. Mail programs show it beside the sender's
    address, unless `name` under [mail] is another. If empty, pages show the kit's name, and mail programs
    show the address alone."""
    accent: Annotated[str, matching("#[0-9a-f]{6}", "a colour in lower case, such as #1a56c4")] = PLAIN["light"]
    """The colour of links and of buttons in mails. Text of this colour must be legible on light backgrounds; dark ones
    get a lighter shade."""
    logo: Annotated[str, matching(r"([\w-][\w.-]*\.png)?", "the name of a PNG file beside this file, or nothing")] = ""
    """The logo at the head of pages: a PNG file beside the settings, of at most 1 MB. It is encoded again without
    metadata, at most 240 × 64 pixels. A logo at least twice as wide as high replaces the name; any other stands
    before it."""
    why: Annotated[
        str,
        Rule(
            f"one line of at most {_LONGEST_WHY} printable characters",
            lambda value: len(value) <= _LONGEST_WHY and value.isprintable(),
            {"maxLength": _LONGEST_WHY},
        ),
    ] = ""
    """The line at the foot of pages and mails that says why people get them; empty for the kit's line in mails."""


def check_brand(brand: BrandSettings) -> Iterator[Problem]:
    """Report an accent colour in which text would be hard to read."""
    worst = min(LIGHT, key=lambda background: contrast(brand.accent, background))
    if (ratio := contrast(brand.accent, worst)) < LEGIBLE:
        measured = f"on {worst} this has {ratio:.2f}:1"
        allowed = f"a colour with a contrast of at least {LEGIBLE}:1 on {' and '.join(LIGHT)}; {measured}"
        yield Problem("brand.accent", brand.accent, allowed, f"write {shade(brand.accent, '#000000', LIGHT)}")


def shade(colour: str, towards: str, backgrounds: tuple[str, ...]) -> str:
    """Return the colour itself, or the first shade of it towards black or white that is legible on all backgrounds."""
    mixes = (_mixed(colour, towards, percent) for percent in range(101))
    return next(mix for mix in mixes if all(contrast(mix, background) >= LEGIBLE for background in backgrounds))


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours, 1 to 21 (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio)."""
    darker, lighter = sorted(map(_luminance, (first, second)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    linear = ((each / 12.92) if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in _channels(colour))
    return sum(share * each for share, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _channels(colour: str) -> tuple[float, ...]:
    return tuple(int(each, 16) / 255 for each in re.findall("[0-9a-f]{2}", colour))


def _mixed(colour: str, other: str, percent: int) -> str:
    pairs = zip(_channels(colour), _channels(other), strict=True)
    mixed = (round(255 * (one * (100 - percent) + two * percent) / 100) for one, two in pairs)
    return "#" + "".join(f"{each:02x}" for each in mixed)
