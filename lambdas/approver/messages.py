"""The mail that asks a person to decide: subject, text and HTML, with one personal link and no decision in it.

What requesters wrote is untrusted: it stays on its line, is cut where it is long (the page shows all of it), and is
kept from turning into links, so that the one link in the mail is ours.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from pathlib import Path

from countersign.domain.questions import Shown
from countersign.presentation import display, wording
from countersign.services.deliveries import Message

SUBJECT_LIMIT = 150
"""The most characters of a subject."""

PRODUCTION = "prod"
"""The stage that mail does not mention."""

_FOLDER = Path(__file__).parent / "templates"
_TITLE_LIMIT = 200
_LABEL_LIMIT = 60
_VALUE_LIMIT = 500
# The longest address that mail can carry (RFC 5321, §4.5.3.1.3).
_PERSON_LIMIT = 254
# Where programs begin to see a link: after the colon of a scheme, in the two backslashes of a file share, at a full
# stop, or what IDNA maps to one, before a letter, and in an IP address.
_LINK_JOINTS = re.compile(
    r"(?<=:)(?=[/\\])|(?<=\\)(?=\\)"
    "|(?<=\\S[.\N{IDEOGRAPHIC FULL STOP}\N{FULLWIDTH FULL STOP}\N{HALFWIDTH IDEOGRAPHIC FULL STOP}])(?=[^\\W\\d_])"
    r"|(?<=\d\.)(?=\d+\.\d+\.\d)"
)


@dataclass(frozen=True, kw_only=True)
class ReviewMail:
    """One person's mail about one task.

    Attributes:
        kind: Why it is sent, the hand-off's kind: `approval.requested` (the first time), `approval.reminder` (again) or
            `approval.escalated` (passed on from others).
        question: What is asked. The mail names the attachments only; the page has the links.
        recipient: Whose mail and link this is.
        expires_at: When the task closes by itself, in UTC.
        link: The review link, an absolute URL.
        stage: The deployment stage; shown unless it is production.
        instead_of: In whose place the recipient is asked; empty in nobody's.
    """

    kind: str
    question: Shown
    recipient: str
    expires_at: datetime
    link: str
    stage: str = PRODUCTION
    instead_of: str = ""


def review_message(view: ReviewMail, language: str = wording.DEFAULT_LANGUAGE) -> Message:
    """Return the mail for one person about one task.

    The subject is one line of at most `SUBJECT_LIMIT` characters, without control characters.

    Args:
        view: What the mail says.
        language: A language of the catalog.

    Raises:
        LookupError: The kind is none of those above.
    """
    return Message(_subject(view, language), _text(view, language), _html(view, language))


@dataclass(frozen=True)
class InboxMail:
    """The mail with the link to somebody's inbox.

    Attributes:
        recipient: Whose it is.
        until: Until when the link works, in UTC.
        link: The link, an absolute URL.
        stage: The deployment stage; shown unless it is production.
    """

    recipient: str
    until: datetime
    link: str
    stage: str = PRODUCTION


def inbox_message(view: InboxMail, language: str = wording.DEFAULT_LANGUAGE) -> Message:
    """Return the mail with the link to somebody's inbox.

    Args:
        view: What the mail says.
        language: A language of the catalog.
    """
    stage = "" if view.stage == PRODUCTION else view.stage
    subject = _with_stage(wording.say(language, "mail.subject.inbox"), stage, language)
    until = wording.say(language, "mail.inbox.until", moment=display.moment(view.until, language))
    personal = wording.say(language, "mail.inbox.personal", recipient=_person(view.recipient))
    paragraphs = [
        wording.say(language, "mail.stage", stage=stage) if stage else "",
        wording.say(language, "mail.inbox.intro"),
        f"{wording.say(language, 'mail.inbox.action')}\n{view.link}",
        until,
        personal,
    ]
    template = display.environment(_FOLDER, language).get_template("inbox.html.j2")
    html = template.render(stage=stage, link=view.link, until=until, personal=personal)
    return Message(subject, "\n\n".join(filter(None, paragraphs)) + "\n", html)


def _subject(view: ReviewMail, language: str) -> str:
    occasion = _occasion(view)
    title = _unlinked(display.single_line(view.question.title))
    subject = wording.say(language, f"mail.subject.{occasion}", title=title)
    return _with_stage(subject, _stage(view), language)


def _with_stage(subject: str, stage: str, language: str) -> str:
    if stage:
        subject = wording.say(language, "mail.subject.stage", stage=stage, subject=subject)
    return display.single_line(subject, SUBJECT_LIMIT)


def _text(view: ReviewMail, language: str) -> str:
    """Return the plain text, which is nobody's markup: composed here, since the templates escape everything."""
    rows = [wording.say(language, "mail.row", label=label, value=value) for label, value in _rows(view, language)]
    paragraphs = [
        wording.say(language, "mail.stage", stage=_stage(view)) if _stage(view) else "",
        _intro(view, language),
        _instead_of(view, language),
        _unlinked(display.single_line(view.question.title, _TITLE_LIMIT)),
        "\n".join(rows),
        f"{wording.say(language, 'mail.action.text')}\n{view.link}",
        _personal(view, language),
        wording.say(language, "mail.safe"),
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"


def _html(view: ReviewMail, language: str) -> str:
    template = display.environment(_FOLDER, language).get_template("review.html.j2")
    return template.render(
        stage=_stage(view),
        occasion=_occasion(view),
        instead_of=_person(view.instead_of),
        requester=_person(view.question.requester),
        recipient=_person(view.recipient),
        title=_unlinked(display.single_line(view.question.title, _TITLE_LIMIT)),
        rows=_rows(view, language),
        link=view.link,
    )


def _occasion(view: ReviewMail) -> str:
    return view.kind.removeprefix("approval.")


def _stage(view: ReviewMail) -> str:
    return "" if view.stage == PRODUCTION else view.stage


def _intro(view: ReviewMail, language: str) -> str:
    return wording.say(language, f"mail.intro.{_occasion(view)}", requester=_person(view.question.requester))


def _instead_of(view: ReviewMail, language: str) -> str:
    return wording.say(language, "mail.instead_of", person=_person(view.instead_of)) if view.instead_of else ""


def _personal(view: ReviewMail, language: str) -> str:
    return wording.say(language, "mail.personal", recipient=_person(view.recipient))


def _rows(view: ReviewMail, language: str) -> list[tuple[str, str]]:
    details = [
        (_unlinked(display.single_line(label, _LABEL_LIMIT)), _unlinked(_clipped(value, language)))
        for label, value in view.question.details
    ]
    return [
        *details,
        *_attachments(view, language),
        (wording.say(language, "mail.requester"), _person(view.question.requester)),
        (wording.say(language, "mail.until"), display.moment(view.expires_at, language)),
    ]


def _attachments(view: ReviewMail, language: str) -> list[tuple[str, str]]:
    """Return the row that names the attachments, if there are any, without a link: the mail has one, and it is ours."""
    names = [attachment.name for attachment in view.question.attachments]
    if not names:
        return []
    listed = reduce(lambda first, last: wording.say(language, "mail.attachments.more", first=first, last=last), names)
    return [(wording.say(language, "mail.attachments"), _unlinked(_clipped(listed, language)))]


def _person(address: str) -> str:
    return _unlinked(display.single_line(address, _PERSON_LIMIT))


def _clipped(value: str, language: str) -> str:
    line = display.single_line(value)
    if len(line) <= _VALUE_LIMIT:
        return line or wording.say(language, "value.empty")
    return wording.say(language, "mail.clipped", text=line[:_VALUE_LIMIT].rstrip())


def _unlinked(text: str) -> str:
    """Return the text with an invisible joint wherever a program that shows a message would make a link of it."""
    return _LINK_JOINTS.sub("\N{ZERO WIDTH NON-JOINER}", text)
