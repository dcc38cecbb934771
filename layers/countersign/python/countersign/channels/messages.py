"""A message to one person, as data and in words: subject, text and HTML, with one personal link.

Requesters' text is untrusted. It is kept on one line, shortened (the page shows all of it), and kept from turning into
links, so that the only link in the message is ours.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import reduce

from countersign.domain.questions import Shown
from countersign.presentation import brand, display, markup, words
from countersign.presentation.markup import NOTHING as NO_HTML
from countersign.presentation.markup import Html

INBOX = "approval.inbox"
"""The kind of the message with the link to a person's inbox."""

SUBJECT_LIMIT = 150
"""The most characters of a subject."""

_BODY_STYLE = markup.Html(
    "margin:0;padding:24px 16px;font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif;"
    "overflow-wrap:anywhere"
)
_TITLE_LIMIT = 200
_LABEL_LIMIT = 60
_VALUE_LIMIT = 500
# The longest address that mail can carry (RFC 5321, §4.5.3.1.3).
_PERSON_LIMIT = 254
# Where mail programs recognise a link: after the colon of a scheme, in the two backslashes of a file share, at a full
# stop (or a character that IDNA maps to one) before a letter, and in an IP address.
_LINK_JOINTS = re.compile(
    r"(?<=:)(?=[/\\])|(?<=\\)(?=\\)"
    "|(?<=\\S[.\N{IDEOGRAPHIC FULL STOP}\N{FULLWIDTH FULL STOP}\N{HALFWIDTH IDEOGRAPHIC FULL STOP}])(?=[^\\W\\d_])"
    r"|(?<=\d\.)(?=\d+\.\d+\.\d)"
)


NOTHING = Shown("", (), "")
"""The question of a message with the link to an inbox: empty."""


@dataclass(frozen=True)
class Texts:
    """A message in words. Requesters' text in it is shortened and kept from turning into links.

    Attributes:
        subject: One line of at most 150 characters, without control characters.
        body: The whole message as plain text, with its link.
    """

    subject: str
    body: str


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message to one person, as data. The question contains requesters' text and is untrusted.

    Attributes:
        kind: `approval.requested` (the first message), `approval.reminder`, `approval.escalated`, or `approval.inbox`
            (the link to the person's inbox, without a title and rows).
        recipient: The person's e-mail address, normalised.
        link: The person's own link, an absolute URL. Send it to nobody else.
        deadline: When the task expires, or the link to the inbox ends, in UTC.
        stage: The deployment stage; empty for production.
        question: The question, as the page shows it. Name its attachments, and leave their links to the page.
        instead_of: The person in whose place the recipient is asked; empty otherwise.
        task_id: The task that the message is about.
        user_id: The recipient's user id at the channel's service, by the directory; empty for most channels.
    """

    kind: str
    recipient: str
    link: str
    deadline: datetime
    stage: str = ""
    question: Shown = NOTHING
    instead_of: str = ""
    task_id: str = ""
    user_id: str = ""

    @property
    def title(self) -> str:
        """The question in one line."""
        return self.question.title

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """The details as label and value, including the amount."""
        return self.question.details

    @property
    def amount(self) -> str:
        """The amount, such as `250.00 EUR`; empty if the workflow names none."""
        return self.question.amount

    @property
    def texts(self) -> Texts:
        """The message in the kit's words.

        Raises:
            LookupError: The kind is unknown.
        """
        return Texts(_subject(self), _inbox_text(self) if self.kind == INBOX else _text(self))


def html(message: Message) -> str:
    """Return a message as HTML; see `Message.texts`. The mail program sets the colours, light or dark."""
    return markup.html(
        """\
<!doctype html>
<html lang="{language}" dir="{direction}">
<head>
<meta charset="utf-8">
<title>{product}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="format-detection" content="telephone=no, date=no, address=no">
</head>
<body style="{body_style}">
<div style="max-width:560px;margin:0 auto">
{stage}{main}</div>
</body>
</html>""",
        language=words.say("language"),
        direction=words.say("direction"),
        product=brand.current()["name"],
        body_style=_BODY_STYLE,
        stage=_stage_html(message.stage) if message.stage else NO_HTML,
        main=_inbox_html(message) if message.kind == INBOX else _html(message),
    )


def _stage_html(stage: str) -> Html:
    style = "margin:0 0 20px;padding:8px 12px;border:1px solid #88888888;border-radius:8px"
    return markup.html('<p style="{style}">{said}</p>\n', style=style, said=markup.say("mail.stage", stage=stage))


def _button(text: str, link: str) -> Html:
    """Return the link as a button, which sets both of its colours; the greys around it are half transparent."""
    return markup.html(
        '<p style="margin:0 0 28px"><a href="{link}" style="display:inline-block;padding:14px 28px;border-radius:10px;'
        'background:#1a56c4;color:#ffffff;font-weight:600;text-decoration:none">{text}</a></p>\n',
        link=link,
        text=text,
    )


def _closing(first: str, last: str) -> Html:
    source = '<p style="margin:0 0 8px">{first}</p>\n<p style="margin:0;opacity:.8">{last}</p>\n'
    return markup.html(source, first=first, last=last)


def _inbox_html(view: Message) -> Html:
    return markup.html(
        '<p style="margin:0 0 28px">{intro}</p>\n{button}{closing}',
        intro=words.say("mail.inbox.intro"),
        button=_button(words.say("mail.inbox.action"), view.link),
        closing=_closing(_inbox_until(view), _inbox_personal(view)),
    )


def _inbox_text(view: Message) -> str:
    paragraphs = [
        words.say("mail.stage", stage=view.stage) if view.stage else "",
        words.say("mail.inbox.intro"),
        f"{words.say('mail.inbox.action')}\n{view.link}",
        _inbox_until(view),
        _inbox_personal(view),
    ]
    return "\n\n".join(filter(None, paragraphs)) + "\n"


def _inbox_until(view: Message) -> str:
    return words.say("mail.inbox.until", moment=display.moment(view.deadline))


def _inbox_personal(view: Message) -> str:
    return words.say("mail.inbox.personal", recipient=_person(view.recipient))


def _subject(view: Message) -> str:
    title = _unlinked(display.single_line(view.question.title))
    subject = words.say(f"mail.subject.{_occasion(view)}", title=title)
    if view.stage:
        subject = words.say("mail.subject.stage", stage=view.stage, subject=subject)
    return display.single_line(subject, SUBJECT_LIMIT)


def _text(view: Message) -> str:
    """Return the plain text. It is text, so nothing in it is escaped."""
    rows = [words.say("mail.row", label=label, value=value) for label, value in _rows(view)]
    paragraphs = [
        words.say("mail.stage", stage=view.stage) if view.stage else "",
        words.say(f"mail.intro.{_occasion(view)}", requester=_person(view.question.requester)),
        words.say("mail.instead_of", person=_person(view.instead_of)) if view.instead_of else "",
        _unlinked(display.single_line(view.question.title, _TITLE_LIMIT)),
        "\n".join(rows),
        f"{words.say('mail.action.text')}\n{view.link}",
        words.say("mail.personal", recipient=_person(view.recipient)),
        words.say("mail.safe"),
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"


def _html(view: Message) -> Html:
    paragraph = '<p style="margin:0 0 8px">{said}</p>\n'
    replaced = _person(view.instead_of)
    instead_of = markup.html(paragraph, said=markup.say("mail.instead_of", person=replaced)) if replaced else NO_HTML
    requester = _person(view.question.requester)
    return markup.html(
        """\
{intro}{instead_of}<h1 style="margin:0 0 20px;font-size:24px;line-height:1.25" dir="auto">{title}</h1>
<dl style="margin:0 0 28px;border-top:1px solid #88888866">
{rows}</dl>
{button}{closing}""",
        intro=markup.html(paragraph, said=markup.say(f"mail.intro.{_occasion(view)}", requester=requester)),
        instead_of=instead_of,
        title=_unlinked(display.single_line(view.question.title, _TITLE_LIMIT)),
        rows=markup.joined(_row_html(label, value) for label, value in _rows(view)),
        button=_button(words.say("mail.action"), view.link),
        closing=_closing(markup.say("mail.personal", recipient=_person(view.recipient)), words.say("mail.safe")),
    )


def _row_html(label: str, value: str) -> Html:
    return markup.html(
        """\
<div style="padding:10px 0;border-bottom:1px solid #88888866">
<dt style="margin:0;font-size:14px;opacity:.8"><bdi>{label}</bdi></dt>
<dd style="margin:0"><bdi>{value}</bdi></dd>
</div>
""",
        label=label,
        value=value,
    )


def _occasion(view: Message) -> str:
    return view.kind.removeprefix("approval.")


def _rows(view: Message) -> list[tuple[str, str]]:
    details = [
        (_unlinked(display.single_line(label, _LABEL_LIMIT)), _unlinked(_clipped(value)))
        for label, value in view.question.details
    ]
    return [
        *details,
        *_attachments(view),
        (words.say("mail.requester"), _person(view.question.requester)),
        *([(words.say("on_behalf_of"), _person(other))] if (other := view.question.on_behalf_of) else []),
        (words.say("mail.until"), display.moment(view.deadline)),
    ]


def _attachments(view: Message) -> list[tuple[str, str]]:
    """Return the row that names the attachments, without links; empty if there are none."""
    names = [attachment.name for attachment in view.question.attachments]
    if not names:
        return []
    listed = reduce(lambda first, last: words.say("mail.attachments.more", first=first, last=last), names)
    return [(words.say("mail.attachments"), _unlinked(_clipped(listed)))]


def _person(address: str) -> str:
    return _unlinked(display.single_line(address, _PERSON_LIMIT))


def _clipped(value: str) -> str:
    line = display.single_line(value)
    if len(line) <= _VALUE_LIMIT:
        return line or words.say("value.empty")
    return words.say("mail.clipped", text=line[:_VALUE_LIMIT].rstrip())


def _unlinked(text: str) -> str:
    """Return the text with an invisible character wherever a mail program would recognise a link."""
    return _LINK_JOINTS.sub("\N{ZERO WIDTH NON-JOINER}", text)
