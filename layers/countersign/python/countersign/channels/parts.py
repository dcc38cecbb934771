"""The parts of a message, each as plain text and as HTML.

The HTML is for every mail program. Outlook draws it with Word, which knows tables, `bgcolor` and padding of cells, and
no `max-width`; others replace its colours where the reader's scheme is dark. It loads nothing.
"""

from collections.abc import Iterable
from typing import NamedTuple

from countersign.presentation import brand, display, markup, words
from countersign.presentation.markup import NOTHING, Html, html, joined

_FONT = Html("font-family:'Segoe UI',Roboto,Helvetica,Arial,sans-serif")
_DARK = Html(
    "@media(prefers-color-scheme:dark){.page{background:#0f1317!important}.card{background:#181d23!important}"
    ".ink{color:#e9edf1!important}.soft{color:#a6b1bc!important}.line{border-color:#2b333c!important}}"
)
# A list of mails shows the text after the preheader too, unless that is blank.
_BLANK = Html("&nbsp;&zwnj;" * 60)
_SIZES_OF_AMOUNTS = ((14, 34), (20, 26))
_SMALLEST_AMOUNT = 18
_LONGEST_LINE = 32


class Part(NamedTuple):
    """A part of a message.

    Attributes:
        text: It as plain text. Nothing in it is escaped.
        html: It as a row of the table that every HTML message is.
        role: `headline`, `quotation`, `action` or `small`; empty for any other part.
        label: The text of the link, in an `action`.
    """

    text: str
    html: Html
    role: str = ""
    label: str = ""


class Piece(NamedTuple):
    """A piece of a part, such as a person's name.

    Attributes:
        text: It as plain text. Nothing in it is escaped.
        html: It as HTML, isolated in its direction.
    """

    text: str
    html: Html


Row = tuple[str, str | Piece]
"""A label, and a value: a text, which may have several lines, or a piece."""


def value(text: str) -> Piece:
    """Return a text, with its line breaks."""
    first, *others = text.split("\n")
    shown = joined((html("{line}", line=first), *(html("<br>{line}", line=line) for line in others)))
    return Piece(text, html("<bdi>{shown}</bdi>", shown=shown))


def money(text: str) -> Piece:
    """Return an amount as the reader writes it."""
    return Piece(display.money(text), html("{amount}", amount=markup.money(text)))


def listed(texts: Iterable[str]) -> Piece:
    """Return texts as one: `first, second and third`."""
    pieces = [value(text) for text in texts]
    return Piece(words.listed([each.text for each in pieces]), Html(words.listed([each.html for each in pieces])))


def said(key: str, /, **pieces: Piece) -> Piece:
    """Return a text of the catalogue, with pieces in it."""
    texts = {name: piece.text for name, piece in pieces.items()}
    return Piece(words.say(key, **texts), markup.say(key, **{name: piece.html for name, piece in pieces.items()}))


def lines(pieces: Iterable[Piece]) -> Piece:
    """Return pieces as one, each on a line of its own."""
    known = list(pieces)
    shown = joined(html("{line}<br>", line=piece.html) for piece in known)
    return Piece("\n".join(piece.text for piece in known), Html(shown.removesuffix("<br>")))


def paragraph(key: str, /, **values: str) -> Part:
    """Return a text of the catalogue with its values."""
    return Part(words.say(key, **values), _row("16px", _INK, markup.say(key, **values)))


def small(key: str, /, **values: str) -> Part:
    """Return a text of the catalogue that is read last, with its values."""
    return Part(words.say(key, **values), _small(markup.say(key, **values)), "small")


def boxed(key: str, /, **values: str) -> Part:
    """Return a text of the catalogue, with its values, that the reader must not overlook."""
    box = html(
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr>'
        '<td class="ink line" style="{ink};padding:8px 12px;border:1px solid #b8bfc7">{said}</td></tr></table>',
        ink=_INK,
        said=markup.say(key, **values),
    )
    return Part(words.say(key, **values), _row("20px", _INK, box))


def headline(amount: str, title: str) -> Part:
    """Return what is asked: the amount first, alone on its line and large, then the title as the heading."""
    heading = _row("20px", _INK, _heading(title)) if title else NOTHING
    both = joined((_amount(amount) if amount else NOTHING, heading))
    return Part("\n".join(filter(None, (amount, title))), both, "headline")


def _heading(title: str) -> Html:
    source = '<h1 class="ink" style="margin:0;font-size:22px;line-height:28px;font-weight:600"><bdi>{title}</bdi></h1>'
    return html(source, title=title)


def table(rows: Iterable[Row]) -> Part:
    """Return rows of label and value. A value keeps its line breaks; in plain text its further lines are indented."""
    text, shown = _listed(rows)
    return Part(text, joined((shown, _row("8px", _INK, ""))))


def quotation(by: str, title: str, rows: Iterable[Row]) -> Part:
    """Return somebody's words under a line that names them: a title, and rows as in `table`.

    They stand in a frame, and in plain text each line begins with `>`, so that no words of theirs look like ours.
    """
    text, shown = _listed(rows)
    quoted = "\n".join(f"> {line}" for line in "\n".join(filter(None, (title, text))).split("\n"))
    framed = html(
        """\
<blockquote style="margin:0"><table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr>
<td class="ink line" style="{ink};padding:8px 12px;border:1px solid #b8bfc7">{heading}<table role="presentation" \
width="100%" cellpadding="0" cellspacing="0" border="0">{rows}</table></td></tr></table></blockquote>""",
        ink=_INK,
        heading=_heading(title),
        rows=shown,
    )
    named = html("<bdi>{by}</bdi>", by=by)
    return Part(f"{by}\n{quoted}", joined((_row("4px", _SOFT, named), _row("20px", _INK, framed))), "quotation")


def _listed(rows: Iterable[Row]) -> tuple[str, Html]:
    known = [(label, shown if isinstance(shown, Piece) else value(shown)) for label, shown in rows]
    texts = (words.say("mail.row", label=label, value=piece.text.replace("\n", "\n  ")) for label, piece in known)
    return "\n".join(texts), joined(_labelled(label, piece.html) for label, piece in known)


def action(label: str, link: str, said: str = "") -> Part:
    """Return the link, as a button in HTML.

    Args:
        label: The button's text.
        link: The link.
        said: The line above the link in plain text; empty for the label.
    """
    button = html(
        '<table role="presentation" cellpadding="0" cellspacing="0" border="0"><tr>'
        '<td bgcolor="{accent}" style="border-radius:10px;mso-padding-alt:14px 28px"><a href="{link}" style="{font};'
        "display:inline-block;padding:14px 28px;border-radius:10px;background:{accent};color:#ffffff;font-size:17px;"
        'line-height:24px;font-weight:600;text-decoration:none">{label}</a></td></tr></table>',
        accent=brand.current()["light"],
        font=_FONT,
        link=link,
        label=label,
    )
    return Part(f"{said or label}\n{link}", _row("24px", _INK, button), "action", label)


def text_of(parts: Iterable[Part]) -> str:
    """Return a message as plain text, with the brand's foot."""
    return "\n\n".join(part.text for part in (*parts, _why())) + "\n"


def html_of(preheader: str, parts: Iterable[Part]) -> str:
    """Return a message as HTML, under the brand's name and with its foot.

    Args:
        preheader: What lists of mails show after the subject.
        parts: The parts.
    """
    return html(
        """\
<!doctype html>
<html lang="{language}" dir="{direction}">
<head>
<meta charset="utf-8">
<title>{name}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no, date=no, address=no">
<style>{dark}</style>
</head>
<body class="page" style="margin:0;padding:0;background:#f3f4f6">
<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">{preheader}{blank}</div>
<div role="main" lang="{language}" dir="{direction}">
<table class="page" role="presentation" dir="{direction}" width="100%" cellpadding="0" cellspacing="0" border="0" \
bgcolor="#f3f4f6"><tr><td align="center" style="padding:16px 8px">
<!--[if mso]><table role="presentation" width="600"><tr><td><![endif]-->
<table class="card" role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" bgcolor="#ffffff" \
style="max-width:600px;border-radius:12px"><tr><td style="padding:24px 20px 12px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">
{head}{parts}{why}</table>
</td></tr></table>
<!--[if mso]></td></tr></table><![endif]-->
</td></tr></table>
</div>
</body>
</html>""",
        language=words.say("language"),
        direction=words.say("direction"),
        name=brand.current()["name"],
        dark=_DARK,
        preheader=preheader,
        blank=_BLANK,
        head=_row("20px", f"{_INK};font-weight:600", html("{name}", name=brand.current()["name"])),
        parts=joined(part.html for part in parts),
        why=_why().html,
    )


_INK = Html(f"{_FONT};font-size:16px;line-height:24px;color:#171c22;text-align:start;overflow-wrap:anywhere")
_SOFT = Html(f"{_FONT};font-size:14px;line-height:20px;color:#545e6a;text-align:start;overflow-wrap:anywhere")


def _why() -> Part:
    """Return the line that says why the reader gets the message."""
    shown = brand.current()
    if shown["why"]:
        return Part(shown["why"], _small(html("<bdi>{why}</bdi>", why=shown["why"])))
    return small("mail.why", name=shown["name"])


def _small(content: Html) -> Html:
    return html(
        '<tr><td class="soft" style="{soft};padding:0 0 8px">{content}</td></tr>\n', soft=_SOFT, content=content
    )


def _row(below: str, style: str, content: Html | str) -> Html:
    """Return a row of the table with some space below it."""
    return html(
        '<tr><td class="ink" style="{style};padding:0 0 {below}">{content}</td></tr>\n',
        style=Html(style),
        below=below,
        content=content,
    )


def _amount(amount: str) -> Html:
    """Return an amount on one line: the longer it is, the smaller its type."""
    size = next((size for most, size in _SIZES_OF_AMOUNTS if len(amount) <= most), _SMALLEST_AMOUNT)
    style = f"{_FONT};font-size:{size}px;line-height:{size + 6}px;font-weight:700;color:#171c22;text-align:start"
    source = '<bdi dir="{direction}">{amount}</bdi>'
    wrapping = "normal" if len(amount) > _LONGEST_LINE else "nowrap"
    return _row("4px", f"{style};white-space:{wrapping}", html(source, direction=words.say("direction"), amount=amount))


def _labelled(label: str, shown: Html) -> Html:
    return html(
        '<tr><td class="ink line" style="{ink};padding:10px 0;border-top:1px solid #e2e5e9"><span class="soft" '
        'style="font-size:14px;color:#545e6a"><bdi>{label}</bdi></span><br>{shown}</td></tr>\n',
        ink=_INK,
        label=label,
        shown=shown,
    )
