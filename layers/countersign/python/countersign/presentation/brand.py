"""The brand of a stage: whose pages and mails these are. The stage's settings make it at synth."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypedDict


class Brand(TypedDict):
    """A brand.

    Attributes:
        name: The name on pages and in mails.
        why: One line that says why people get the pages and mails; empty for none.
        light: The accent colour on light backgrounds, `#rrggbb`. White text is legible on it.
        dark: The accent colour on dark backgrounds.
        logo: A PNG image in base64; empty for the kit's mark.
        width: The width at which pages show the logo, in CSS pixels.
        height: The height at which pages show it.
    """

    name: str
    why: str
    light: str
    dark: str
    logo: str
    width: int
    height: int


PLAIN: Brand = {
    "name": "Countersign",
    "why": "",
    "light": "#1a56c4",
    "dark": "#8db8ff",
    "logo": "",
    "width": 0,
    "height": 0,
}
"""The brand of a stage that sets none."""

_in_place = [PLAIN]


def current() -> Brand:
    """Return the brand of what is being shown."""
    return _in_place[-1]


@contextmanager
def shown(brand: Brand) -> Iterator[None]:
    """Show everything within the block under a brand."""
    _in_place.append(brand)
    try:
        yield
    finally:
        _in_place.pop()
