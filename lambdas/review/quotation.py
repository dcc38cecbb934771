"""The words of an AI agent as parts of pages: quotations, in which nothing is a link."""

from countersign.domain.questions import Attachment, Shown
from countersign.presentation import display, markup, words
from countersign.presentation.markup import NOTHING, Html, html, joined, say
from review import parts


def title(question: Shown, *, first: bool) -> Html:
    """Return the title, as the page's first heading or a second one."""
    return html(
        '<p class="asks">{by}</p>\n<blockquote class="said">{title}</blockquote>\n',
        by=_by(question),
        title=_tight(parts.title(question.title, first=first)),
    )


def rows(question: Shown) -> Html:
    """Return the rows and the attachments as one row of the page's list; nothing if there are none."""
    said = [parts.row(words.label(label), markup.money(text)) for label, text in question.rows]
    if question.attachments:
        said.append(parts.row(words.say("attachments"), joined(map(_attachment, question.attachments))))
    source = '<div><dt>{by}</dt><dd><blockquote class="said"><dl>{said}</dl></blockquote></dd></div>\n'
    return html(source, by=_by(question), said=joined(map(_tight, said))) if said else NOTHING


def _by(question: Shown) -> Html:
    return say("agent.written", name=display.agent(question))


def _tight(piece: Html) -> Html:
    """Return a piece without its last line break, which a quotation would show."""
    return Html(piece.removesuffix("\n"))


def _attachment(item: Attachment) -> Html:
    """Return an attachment's name and address, which the reader can copy."""
    return html(
        '<p><bdi>{name}</bdi> <span class="where"><bdi dir="ltr">{url}</bdi></span></p>',
        name=display.single_line(item.name, 200) or words.say("value.empty"),
        url=item.url,
    )
