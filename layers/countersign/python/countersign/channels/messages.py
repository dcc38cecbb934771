"""A message to one person, as data and in words: subject, text and HTML, with one personal link.

Requesters' text is untrusted. It is kept on one line, shortened (the page shows all of it), and kept from turning into
links, so that the only link in the message is ours.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from pathlib import Path

from countersign.domain.questions import Shown
from countersign.presentation import display, words

INBOX = "approval.inbox"
"""The kind of the message with the link to a person's inbox."""

SUBJECT_LIMIT = 150
"""The most characters of a subject."""

_FOLDER = Path(__file__).parent / "templates"
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
    """

    kind: str
    recipient: str
    link: str
    deadline: datetime
    stage: str = ""
    question: Shown = NOTHING
    instead_of: str = ""
    task_id: str = ""

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
    """Return a message as HTML; see `Message.texts`."""
    if message.kind != INBOX:
        return _html(message)
    template = display.environment(_FOLDER).get_template("inbox.html.j2")
    return template.render(
        stage=message.stage,
        link=message.link,
        until=_inbox_until(message),
        personal=_inbox_personal(message),
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
    """Return the plain text. It uses no template, because templates escape HTML."""
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


def _html(view: Message) -> str:
    template = display.environment(_FOLDER).get_template("review.html.j2")
    return template.render(
        stage=view.stage,
        occasion=_occasion(view),
        instead_of=_person(view.instead_of),
        requester=_person(view.question.requester),
        recipient=_person(view.recipient),
        title=_unlinked(display.single_line(view.question.title, _TITLE_LIMIT)),
        rows=_rows(view),
        link=view.link,
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
