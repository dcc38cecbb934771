"""A message to one person, as data and in words: subject, text and HTML, with one personal link.

Requesters' text is untrusted. It is shortened (the page shows all of it), kept from turning into links, so that the
only link in the message is ours, and kept from looking like lines of ours.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce

from countersign.channels import parts
from countersign.channels.parts import Part, Piece, Row
from countersign.domain.questions import Person, Shown
from countersign.domain.rules import Rule
from countersign.domain.trail import Step
from countersign.presentation import display, words

INBOX = "approval.inbox"
"""The kind of the message with the link to a person's inbox."""

MOOT = "approval.moot"
"""The kind of the message that an approver's link does not work any more."""

RETURNED = "approval.returned"
"""The kind of the message that tells a requester that an approver sent the request back."""

TOLD = frozenset(f"approval.{status}" for status in ("approved", "rejected", "expired", "withdrawn", "returned"))
"""The kinds of messages to requesters."""

SUBJECT_LIMIT = 150
"""The most characters of a subject."""

_TITLE_LIMIT = 200
_LABEL_LIMIT = 60
_VALUE_LIMIT = 500
_MOST_LINES = 12
_AMOUNT_LIMIT = 60
_COMMENT_LIMIT = 200
_MOST_STEPS = 10
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
        kind: `approval.requested` (the first message), `approval.reminder`, `approval.escalated`, `approval.answered`
            and `approval.revised` (the requester has acted on a request that was sent back), `approval.inbox` (the link
            to the person's inbox, without a title and rows), or `approval.moot` (the person's link does not work any
            more). To the requester: `approval.approved`, `approval.rejected`, `approval.expired`,
            `approval.withdrawn` or `approval.returned`.
        recipient: The person's e-mail address, normalised.
        link: The person's own link, an absolute URL. Send it to nobody else. Empty for `approval.moot`.
        deadline: When the task expires, or the link to the inbox or to the status of the request ends, in UTC.
        stage: The deployment stage; empty for production.
        question: The question, as the page shows it. Name its attachments, and leave their links to the page.
        instead_of: The person in whose place the recipient is asked; empty otherwise.
        task_id: The task that the message is about.
        user_id: The recipient's user id at the channel's service, by the directory; empty for most channels.
        others: The people who are asked besides the recipient.
        rule: How many of them must agree.
        level: The recipient's place among people who are asked one after the other, and their number; (1, 1) otherwise.
        left: How much time was left when the message was made.
        by: The people who decided, or who sent the request back, in a message to the requester. For `approval.moot`,
            who is asked instead.
        people: What the directory said about the recipient and others, by address.
        comment: The last comment of these people, or the reason of the withdrawal or reassignment; empty without one.
        moot: For `approval.moot`, why: `withdrawn`, `taken_back` or `reassigned`; empty for the other kinds.
        trail: What has happened to the task so far.
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
    others: tuple[str, ...] = ()
    rule: Rule = Rule()
    level: tuple[int, int] = (1, 1)
    left: timedelta = timedelta()
    by: tuple[str, ...] = ()
    people: Mapping[str, Person] = field(default_factory=dict)
    comment: str = ""
    trail: tuple[Step, ...] = ()
    moot: str = ""

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
        return Texts(_subject(self), parts.text_of(parts_of(self)))


def html(message: Message) -> str:
    """Return a message as HTML; see `Message.texts`."""
    return parts.html_of(_preheader(message), parts_of(message))


def _left(view: Message) -> str:
    return display.time_left(view.deadline, view.deadline - view.left)


def _subject(view: Message) -> str:
    named = any(amount in view.question.title for amount in (view.amount, _amount(view)))
    known = (_title(view),) if named else (_amount(view), _title(view))
    title = reduce(lambda first, last: words.say("mail.subject.both", first=first, last=last), known)
    subject = words.say(f"mail.subject.{_occasion(view)}", title=title, left=_left(view))
    if view.stage:
        subject = words.say("mail.subject.stage", stage=view.stage, subject=subject)
    return display.single_line(subject, SUBJECT_LIMIT)


def _preheader(view: Message) -> str:
    """Return what lists of mails show after the subject."""
    if view.kind == INBOX:
        return words.say("mail.inbox.intro")
    if view.kind in TOLD:
        return words.say(f"mail.intro.{_occasion(view)}")
    if view.kind == MOOT:
        return words.say(f"mail.moot.{view.moot}", person=_others(view))
    requester, moment = _asker(view), display.moment(view.deadline)
    return words.say("mail.preheader", requester=requester, moment=moment)


def parts_of(view: Message) -> tuple[Part, ...]:
    """Return the parts of a message in words, in order; raises as `Message.texts` does."""
    stage = (parts.boxed("mail.stage", stage=view.stage),) if view.stage else ()
    content = {INBOX: _inbox, MOOT: _moot, **dict.fromkeys(TOLD, _told)}.get(view.kind, _request)
    return (*stage, *content(view))


def _inbox(view: Message) -> Iterator[Part]:
    yield parts.headline("", words.say("mail.subject.inbox"))
    yield parts.paragraph("mail.inbox.intro")
    yield parts.action(words.say("mail.inbox.action"), view.link)
    yield parts.small("mail.inbox.until", moment=display.moment(view.deadline))
    yield parts.small("mail.inbox.personal", recipient=_person(view.recipient))


def _moot(view: Message) -> Iterator[Part]:
    yield parts.paragraph(f"mail.moot.{view.moot}", person=_others(view))
    yield from _asked(view)
    reason = ((words.say("closed.because"), _unlinked(_clipped(view.comment))),) if view.comment else ()
    yield parts.table((*reason, *_details(view)))
    yield parts.small("mail.moot.next")


def _others(view: Message) -> str:
    """Return the people who decided, asked a question, or are asked instead."""
    return words.listed(tuple(map(_person, view.by)))


def _request(view: Message) -> Iterator[Part]:
    requester, left = _asker(view), _left(view)
    yield parts.paragraph(f"mail.intro.{_occasion(view)}", requester=requester, left=left)
    if view.instead_of:
        yield parts.paragraph("mail.instead_of", person=_person(view.instead_of))
    yield from _asked(view)
    yield parts.table(_rows(view))
    yield parts.action(words.say("mail.action"), view.link, words.say("mail.action.text"))
    yield parts.small("mail.personal", recipient=_person(view.recipient))
    yield parts.small("mail.safe")


def _told(view: Message) -> Iterator[Part]:
    about = "mail.returned" if view.kind == RETURNED else "mail.outcome"
    yield parts.paragraph(f"mail.intro.{_occasion(view)}")
    yield parts.headline(_amount(view), _title(view))
    yield parts.table(
        (*_said(view, about), *_details(view), (words.say(f"{about}.until"), display.moment(view.deadline)))
    )
    yield parts.action(words.say(f"{about}.action"), view.link, words.say(f"{about}.action.text"))
    yield parts.small(f"{about}.personal", recipient=_person(view.recipient))
    yield parts.small(f"{about}.safe")


def _said(view: Message, about: str) -> Iterator[Row]:
    """Return the rows with the people who decided or asked, and what they said."""
    if view.by:
        yield words.say(f"{about}.by"), _people(view.by)
    if view.comment.strip():
        yield words.say(f"{about}.comment"), _unlinked(_clipped(view.comment))


def _occasion(view: Message) -> str:
    return view.kind.removeprefix("approval.")


def _asked(view: Message) -> Iterator[Part]:
    """Return what is asked: the amount and the title, and all other words of an agent as a quotation."""
    if not view.question.agent:
        yield parts.headline(_amount(view), _title(view))
        return
    if view.amount:
        yield parts.headline(_amount(view), "")
    title = _unlinked(display.single_line(view.question.title, _TITLE_LIMIT))
    yield parts.quotation(words.say("agent.written", name=display.agent(view.question)), title, _content(view))


def _title(view: Message) -> str:
    return _unlinked(display.title(view.question, _TITLE_LIMIT))


def _asker(view: Message) -> str:
    return _unlinked(display.asker(view.question))


def _amount(view: Message) -> str:
    return _unlinked(display.single_line(display.money(view.amount), _AMOUNT_LIMIT))


def _rows(view: Message) -> Iterator[Row]:
    yield from _details(view)
    if view.others:
        yield words.say("mail.others"), _people(view.others)
    if view.others or view.level[1] > 1:
        yield words.say("mail.rule"), _rule(view)
    if view.trail:
        yield words.say("trail"), parts.lines(map(_step, view.trail[-_MOST_STEPS:]))
    yield words.say("mail.until"), display.moment(view.deadline)


def _details(view: Message) -> Iterator[Row]:
    """Return the rows of the question, unless they are an agent's, with the people for whom it is asked."""
    if not view.question.agent:
        yield from _content(view)
    yield words.say("mail.requester"), _asker(view)
    if other := view.question.on_behalf_of:
        yield words.say("on_behalf_of.stated" if view.question.agent else "on_behalf_of"), _person(other)


def _content(view: Message) -> Iterator[Row]:
    """Return the rows of the question in its requester's words."""
    for label, value in view.rows:
        if value != view.amount:
            shown = _unlinked(_clipped(value)) if display.money(value) == value else parts.money(value)
            yield _unlinked(words.label(display.single_line(label, _LABEL_LIMIT))), shown
    yield from _attachments(view)


def _rule(view: Message) -> str:
    """Return how many of the people who are asked must agree."""
    level, levels = view.level
    if levels > 1:
        return words.say("mail.rule.in_order", level=level, levels=levels)
    voters = len(view.others) + 1
    return words.say(f"mail.rule.{view.rule.kind}", needed=view.rule.needed(voters), voters=voters)


def _step(step: Step) -> Piece:
    """Return a step of the trail on one line, with what the person wrote."""
    said = parts.said(f"trail.{step.what}", by=_people((step.by,)), to=_people(step.to))
    comment = _unlinked(display.single_line(step.comment, _COMMENT_LIMIT))
    return parts.said("mail.trail.commented", said=said, comment=parts.value(comment)) if comment else said


def _attachments(view: Message) -> Iterator[tuple[str, str]]:
    """Return the row that names the attachments, without links; none if there are none."""
    if names := [attachment.name for attachment in view.question.attachments]:
        listed = reduce(lambda first, last: words.say("mail.attachments.more", first=first, last=last), names)
        label = "attachments" if view.question.agent else "mail.attachments"
        yield words.say(label), _unlinked(_clipped(listed))


def _people(addresses: tuple[str, ...]) -> Piece:
    return parts.listed(_person(address) for address in addresses)


def _person(address: str) -> str:
    return _unlinked(display.person(address))


def _clipped(value: str) -> str:
    """Return a value with its line breaks, but without empty lines; a long one is cut."""
    lines = [line for line in map(display.single_line, display.visible(value).split("\n")) if line]
    text = "\n".join(lines[:_MOST_LINES])
    if len(text) <= _VALUE_LIMIT and len(lines) <= _MOST_LINES:
        return text or words.say("value.empty")
    return words.say("mail.clipped", text=text[:_VALUE_LIMIT].rstrip())


def _unlinked(text: str) -> str:
    """Return the text with an invisible character wherever a mail program would recognise a link."""
    return _LINK_JOINTS.sub("\N{ZERO WIDTH NON-JOINER}", text)
