"""The brand of a stage: a legible colour, a harmless logo, and both on pages."""

import re
import struct
import zlib
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, PngImagePlugin

from countersign.presentation import brand
from countersign.presentation.brand import PLAIN
from review.document import security_headers
from review.review_page import review_page
from stacks.options import brand_table
from stacks.stage.brand import DARK, LEGIBLE, LIGHT, BrandSettings, check_brand, contrast, shade
from stacks.stage.logo import MOST_BYTES, LogoError, encoded
from stacks.stage.settings import Settings
from tests import SETTINGS
from tools.views import any_review

STYLE = (Path(__file__).parents[2] / "lambdas/review/style.css").read_text("utf-8")
COLOURS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


def png(folder: Path, size: tuple[int, int] = (600, 160), **saved: object) -> Path:
    """Write a logo with letters and a transparent background."""
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, size[1], size[1]), size[1] // 5, fill="#7a1f5c")
    draw.text((size[1] + size[1] // 8, 0), "Example", fill="#222222", font_size=size[1] * 0.6)
    file = folder / "logo.png"
    image.save(file, "PNG", **saved)
    return file


def declared(width: int, height: int) -> bytes:
    """Return a PNG file that declares a size and has no pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


@pytest.mark.parametrize(("one", "other", "ratio"), [("#000000", "#ffffff", 21), ("#777777", "#ffffff", 4.48)])
def test_the_contrast_of_colours_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == contrast(other, one) == pytest.approx(ratio, abs=0.005)


@given(COLOURS)
def test_every_refused_accent_comes_with_a_legible_one_and_every_accent_has_a_shade_for_the_dark(colour: str) -> None:
    for problem in check_brand(BrandSettings(accent=colour)):
        legible = re.fullmatch("write (#[0-9a-f]{6})", problem.fix)
        assert legible
        assert list(check_brand(BrandSettings(accent=legible[1]))) == []
    dark = shade(colour, "#ffffff", DARK)
    assert all(contrast(dark, background) >= LEGIBLE for background in DARK)


def test_accents_are_checked_on_the_backgrounds_of_the_pages() -> None:
    light, dark = STYLE.split("prefers-color-scheme: dark", maxsplit=1)
    assert list(check_brand(BrandSettings())) == []
    for backgrounds, rules in ((LIGHT, light), (DARK, dark)):
        found = re.findall(r"--(?:page|card): (#[0-9a-f]+);", rules)
        assert {each.replace("#fff", "#ffffff") if len(each) == 4 else each for each in found} == set(backgrounds)


@pytest.mark.parametrize("size", [(4096, 1100), (600, 160), (64, 64), (10, 4), (1, 4096)])
def test_a_logo_is_scaled_to_fit_the_head_of_a_page(tmp_path: Path, size: tuple[int, int]) -> None:
    logo = encoded(png(tmp_path, size))
    content = b64decode(logo.base64)
    image = Image.open(BytesIO(content))
    assert image.format == "PNG"
    assert image.width <= 240
    assert image.height <= 64
    assert 1 <= logo.width <= 120
    assert 1 <= logo.height <= 32
    assert len(content) <= MOST_BYTES


def test_a_logo_keeps_no_metadata_and_its_transparency(tmp_path: Path) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "Rita")
    exif = Image.Exif()
    exif[0x010E] = "Rita's camera"
    content = b64decode(encoded(png(tmp_path, pnginfo=text, exif=exif, dpi=(72, 72), icc_profile=b"Rita")).base64)
    assert b"Rita" not in content
    chunks = set(re.findall(rb"[a-zA-Z]{4}(?=.)", content)) & {b"tEXt", b"eXIf", b"pHYs", b"iCCP"}
    assert chunks == set()
    assert Image.open(BytesIO(content)).convert("RGBA").getpixel((239, 63)) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no file there has this name"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "this file has another format"),
        (b"", "this file has another format"),
        (declared(50_000, 50_000), "at most 4096 pixels a side; this one has 50000 × 50000"),
        (declared(0, 0), "damaged"),
        (declared(100, 100), "damaged"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 1_000_000, "at most 1000000 bytes; this one has 1000008"),
    ],
)
def test_a_file_that_can_be_no_logo_is_refused_with_a_reason(tmp_path: Path, content: bytes | None, words: str) -> None:
    if content is not None:
        (tmp_path / "logo.png").write_bytes(content)
    with pytest.raises(LogoError, match=re.escape(words)) as error:
        encoded(tmp_path / "logo.png")
    assert error.value.fix


def test_a_logo_cut_off_in_its_pixels_is_refused(tmp_path: Path) -> None:
    file = png(tmp_path)
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(LogoError, match="damaged"):
        encoded(file)


def test_a_photograph_is_refused_as_a_logo(tmp_path: Path) -> None:
    Image.effect_noise((240, 64), 200).save(tmp_path / "logo.png")
    with pytest.raises(LogoError, match="fits 1500 bytes"):
        encoded(tmp_path / "logo.png")


def test_a_stage_without_a_brand_keeps_the_kit_s_look() -> None:
    assert brand_table(Settings.load(SETTINGS / "dev.toml")) == PLAIN


@pytest.mark.parametrize(("size", "named"), [((600, 160), False), ((64, 64), True)])
def test_a_page_shows_the_brand(tmp_path: Path, size: tuple[int, int], named: bool) -> None:
    png(tmp_path, size)
    plain = Settings.load(SETTINGS / "dev.toml")
    settings = BrandSettings(name="Example & Co", accent="#7a1f5c", logo="logo.png", why="You approve for Example.")
    table = brand_table(plain.model_copy(update={"folder": tmp_path, "brand": settings}))
    usual = any_review(amount="250.00 EUR", can_hand_over=True, send_back=True)
    with brand.shown(table):
        page, policy = review_page(usual), security_headers()["Content-Security-Policy"]
    assert " · Example &amp; Co</title>" in page
    assert f'src="data:image/png;base64,{table["logo"]}"' in page
    assert ('alt="">Example &amp; Co' in page) is named
    assert ('alt="Example &amp; Co"></p>' in page) is not named, "a wide logo has the name in it"
    for part in ("--focus:#7a1f5c;", f"--focus:{table['dark']};", '<p dir="auto">You approve for Example.</p>'):
        assert part in page
    assert "Countersign" not in page
    assert "img-src data:;" in policy
    assert len(page.encode()) - len(table["logo"]) + MOST_BYTES * 4 // 3 < 14_000
    assert "img-src" not in security_headers()["Content-Security-Policy"]
