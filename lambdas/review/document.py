"""The document around every page, and its headers.

A page is one document without scripts or further requests. Its style sheets are inline, with their hashes in the
Content-Security-Policy. They are read with the first page.
"""

from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path

from countersign.functions import http
from countersign.presentation import brand, words
from countersign.presentation.markup import NOTHING, Html, html, joined

SHEETS = ("style", "results")
"""The style sheets: that of all pages, and that of results, lists and notices."""


def document(title: str, main: Html, *sheets: str) -> Html:
    """Return a page with its title and its content.

    Args:
        title: The title.
        main: The content.
        *sheets: The style sheets beside that of all pages, of `SHEETS`.
    """
    shown = brand.current()
    return html(
        """\
<!doctype html>
<html lang="{language}" dir="{direction}">
<head>
<meta charset="utf-8">
<title>{title} · {name}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="theme-color" content="#f3f4f6" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#0f1317" media="(prefers-color-scheme: dark)">
<meta name="robots" content="noindex, nofollow">
<meta name="format-detection" content="telephone=no, date=no, address=no, email=no">
{styles}</head>
<body>
<header class="top"><p class="brand">{head}</p></header>
<main>
<article class="card">
{main}</article>
</main>
<footer class="foot"><p>{foot}</p>{why}</footer>
</body>
</html>""",
        language=words.say("language"),
        direction=words.say("direction"),
        title=title,
        name=shown["name"],
        styles=joined(map(_style, ("style", *sheets))),
        head=_head(shown),
        main=main,
        foot=words.say("page.foot"),
        why=html('<p dir="auto">{why}</p>', why=shown["why"]) if shown["why"] else NOTHING,
    )


def _head(shown: brand.Brand) -> Html:
    """Return the logo and the name; a wide logo contains the name."""
    if not shown["logo"]:
        return html('<span class="logo" aria-hidden="true"></span>{name}', name=shown["name"])
    wide = shown["width"] >= 2 * shown["height"]
    return html(
        '<img class="picture" src="data:image/png;base64,{logo}" width="{width}" height="{height}" alt="{alt}">{name}',
        logo=shown["logo"],
        width=shown["width"],
        height=shown["height"],
        alt=shown["name"] if wide else "",
        name="" if wide else shown["name"],
    )


def encoded(status: int, page: str, retry_after_seconds: int = 0) -> http.Reply:
    """Return the API's reply with a page."""
    headers = {**security_headers()}
    if retry_after_seconds:
        headers["Retry-After"] = str(retry_after_seconds)
    return int(status), headers, page


def security_headers() -> Mapping[str, str]:
    """Return the headers of every page."""
    shown = brand.current()
    return _headers(shown["light"], shown["dark"], has_logo=bool(shown["logo"]))


@cache
def _headers(light: str, dark: str, *, has_logo: bool) -> Mapping[str, str]:
    """Return the headers; made once, since the policy needs the style sheet's hash."""
    hashes = (sha256(_style_sheet(sheet, light, dark).encode()).digest() for sheet in SHEETS)
    allowed = " ".join(f"'sha256-{b64encode(digest).decode()}'" for digest in hashes)
    policy = (
        "default-src 'none'",
        *(("img-src data:",) if has_logo else ()),
        f"style-src {allowed}",
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


def _style(sheet: str) -> Html:
    shown = brand.current()
    return html("<style>{content}</style>\n", content=_style_sheet(sheet, shown["light"], shown["dark"]))


@cache
def _style_sheet(sheet: str, light: str, dark: str) -> Html:
    """Return the content of a `style` element, with the brand's accent, without comments and needless spaces."""
    source = (Path(__file__).parent / f"{sheet}.css").read_text("utf-8")
    style = " ".join("".join(part.rpartition("*/")[2] for part in source.split("/*")).split())
    for mark in "{};,":
        style = style.replace(f" {mark}", mark).replace(f"{mark} ", mark)
    return Html(style.replace(": ", ":").replace(";}", "}").replace("LIGHT_ACCENT", light).replace("DARK_ACCENT", dark))
