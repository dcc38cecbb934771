"""The document around every page, and its headers.

A page is one document without scripts or further requests. Its only style sheet is inline, with its hash in the
Content-Security-Policy. The style sheet is read with the first page.
"""

from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path

from countersign.functions import http
from countersign.presentation import words
from countersign.presentation.markup import Html, html


def document(title: str, main: Html) -> Html:
    """Return a page with its title and its content."""
    return html(
        """\
<!doctype html>
<html lang="{language}" dir="{direction}">
<head>
<meta charset="utf-8">
<title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="theme-color" content="#f3f4f6" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#0f1317" media="(prefers-color-scheme: dark)">
<meta name="robots" content="noindex, nofollow">
<meta name="format-detection" content="telephone=no, date=no, address=no, email=no">
<style>{style_sheet}</style>
</head>
<body>
<header class="top"><p class="brand"><span class="logo" aria-hidden="true"></span>{product}</p></header>
<main>
<article class="card">
{main}</article>
</main>
<footer class="foot"><p>{foot}</p></footer>
</body>
</html>""",
        language=words.say("language"),
        direction=words.say("direction"),
        title=title,
        style_sheet=_style_sheet(),
        product=words.say("product"),
        main=main,
        foot=words.say("page.foot"),
    )


def encoded(status: int, page: str, retry_after_seconds: int = 0) -> http.Reply:
    """Return the API's reply with a page."""
    headers = {**security_headers()}
    if retry_after_seconds:
        headers["Retry-After"] = str(retry_after_seconds)
    return int(status), headers, page


@cache
def security_headers() -> Mapping[str, str]:
    """Return the headers of every page; made once, since the policy needs the style sheet's hash."""
    style_hash = b64encode(sha256(_style_sheet().encode()).digest()).decode()
    policy = (
        "default-src 'none'",
        f"style-src 'sha256-{style_hash}'",
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


@cache
def _style_sheet() -> Html:
    """Return the content of the `style` element: the kit's own style sheet, without needless white space."""
    return Html(" ".join((Path(__file__).parent / "style.css").read_text("utf-8").split()))
