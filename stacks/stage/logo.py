"""The logo of a stage: a PNG file, encoded again so that nothing but its pixels reaches pages and mails."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from stacks.stage.problems import Problem

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_BYTES = 1_500
"""The largest encoded logo. Every page contains it."""

_MOST_PIXELS = (240, 64)
_SHOWN_IN = (120, 32)
_LARGEST_FILE = 1_000_000
_LONGEST_SIDE = 4_096
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_BROKEN = (OSError, SyntaxError, ValueError, EOFError)
"""What Pillow raises when it reads a damaged PNG file."""


class LogoError(ValueError):
    """A file cannot be the logo.

    Attributes:
        allowed: The allowed files, with what is wrong with this one, in words.
        fix: The correction.
    """

    def __init__(self, allowed: str, fix: str) -> None:
        super().__init__(allowed)
        self.allowed = allowed
        self.fix = fix


@dataclass(frozen=True)
class Logo:
    """An encoded logo.

    Attributes:
        base64: The PNG image, of at most `MOST_BYTES` before base64.
        width: The width at which it is shown, in CSS pixels; a dense screen shows up to twice as many.
        height: The height at which it is shown.
    """

    base64: str
    width: int
    height: int


def check_logo(file: Path) -> Iterator[Problem]:
    """Report a file that cannot be the logo."""
    try:
        encoded(file)
    except LogoError as error:
        yield Problem("brand.logo", file.name, error.allowed, error.fix)


def encoded(file: Path) -> Logo:
    """Return the logo of a PNG file: scaled down, in few colours, without metadata.

    Raises:
        LogoError: The file is missing, too large, damaged, not a PNG file, or too detailed.
    """
    image = _read(file)
    image.thumbnail(_MOST_PIXELS)
    scale = min(1.0, *(most / side for most, side in zip(_SHOWN_IN, image.size, strict=True)))
    width, height = (max(1, round(scale * side)) for side in image.size)
    return Logo(b64encode(_smallest(image)).decode(), width, height)


def _read(file: Path) -> Image:
    """Return the pixels of a file, whose declared size is checked before anything is unpacked."""
    from PIL import Image  # only stages with a logo wait for this import

    if not file.is_file():
        raise LogoError(f"a file in {file.parent}; no file there has this name", "copy the logo there")
    if (size := file.stat().st_size) > _LARGEST_FILE:
        raise LogoError(f"a file of at most {_LARGEST_FILE} bytes; this one has {size}", "save a smaller version")
    content = file.read_bytes()
    if not content.startswith(_SIGNATURE):
        raise LogoError("a PNG image; this file has another format", "export the logo as PNG")
    sides = [int.from_bytes(content[start : start + 4]) for start in (16, 20)]
    if max(sides) > _LONGEST_SIDE:
        allowed = f"an image of at most {_LONGEST_SIDE} pixels a side; this one has {sides[0]} × {sides[1]}"
        raise LogoError(allowed, "save a smaller version")
    try:
        return Image.open(BytesIO(content), formats=["PNG"]).convert("RGBA")
    except _BROKEN as error:
        raise LogoError("an intact PNG image; this one is damaged", "export the logo again") from error


def _smallest(image: Image) -> bytes:
    """Return an image as PNG with as many colours as fit."""
    from PIL.Image import Quantize

    for colours in (64, 32, 16, 8):
        plain = image.quantize(colours, Quantize.FASTOCTREE)
        plain.info.clear()
        file = BytesIO()
        plain.save(file, "PNG", optimize=True)
        if file.tell() <= MOST_BYTES:
            return file.getvalue()
    allowed = f"a logo that fits {MOST_BYTES} bytes as PNG in 8 colours; this one has {file.tell()}"
    raise LogoError(allowed, "use a simpler or smaller version, without photographs or gradients")
