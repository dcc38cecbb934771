"""Parts that several pages have."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from countersign.domain.questions import Attachment, Shown
from countersign.domain.tasks import Task
from countersign.presentation import display, markup, words
from countersign.presentation.display import single_line, time_left
from countersign.presentation.markup import NOTHING, Html, html, joined, say

_LONG_CHARACTERS, _LONG_LINES = 600, 12
_WORDY_CHARACTERS = 90
_SMALL_AMOUNT, _TINY_AMOUNT = 14, 20
# The longest id or amount that is kept on one line, and the length of a currency's code.
_WHOLE, _CODE = 24, 3
_SOON = timedelta(hours=24)


@dataclass(frozen=True)
class Key:
    """The key of a review, which every form sends back.

    Attributes:
        token: The link's token.
        task_id: The task, for the token of an inbox; otherwise empty.
    """

    token: str
    task_id: str = ""

    @property
    def query(self) -> str:
        """The query of the review's address."""
        return urlencode({"t": self.token} | ({"task": self.task_id} if self.task_id else {}))


def value(text: str, label: str) -> Html:
    """Return a value of any length: a long one scrolls in its own box, which the keyboard reaches."""
    if isinstance(text, Html):
        return text or say("value.empty")
    if _is_long(text):
        return html(
            '<span class="long" dir="auto" role="group" tabindex="0" aria-label="{label}">{text}</span>',
            label=single_line(label, 80),
            text=text,
        )
    return html("<bdi>{text}</bdi>", text=text) if text.strip() else say("value.empty")


def _is_long(text: str) -> bool:
    return len(text) > _LONG_CHARACTERS or text.count("\n") > _LONG_LINES


def row(label: str, text: str) -> Html:
    """Return a row of a description list."""
    source = '<div class="row"><dt>{label}</dt><dd>{value}</dd></div>\n'
    return html(source, label=value(label, label), value=value(text, label))


def optional_row(label: str, text: str) -> Html:
    """Return a row with a label from the catalogue; nothing if its text is empty."""
    return row(words.say(label), text) if text.strip() else NOTHING


def on_behalf_of(question: Shown) -> Html:
    """Return the row with the person for whom the requester asks; nothing without one."""
    label = "on_behalf_of.stated" if question.agent else "on_behalf_of"
    return optional_row(label, address(question.on_behalf_of))


def asked(question: Shown, *, first: bool = False) -> Html:
    """Return what is asked: the amount, large and alone, and the title, as the page's first heading or a second one."""
    return joined((_amount(question.amount) if question.amount else NOTHING, _title(question, first=first)))


def _title(question: Shown, *, first: bool) -> Html:
    if not question.agent:
        return title(question.title, first=first)
    # Imported here, as below: few requests are agents'.
    from review import quotation

    return quotation.title(question, first=first)


def _amount(text: str) -> Html:
    """Return an amount on one line: the longer it is, the smaller its type."""
    length = len(display.money(text))
    size = "tiny" if length > _TINY_AMOUNT else "small" if length > _SMALL_AMOUNT else "large"
    return html('<p class="amount {size}">{amount}</p>\n', size=size, amount=markup.money(single_line(text)))


def _unbroken(text: str) -> Html:
    """Return a text in which no line ends within an amount, a date or an id."""
    # Without a regular expression: compiling one takes a millisecond of each cold start.
    groups: list[str] = []
    for word in text.split(" "):
        if groups and _is_currency(word) and _has_digit(groups[-1]):
            groups[-1] += f" {word}"
        else:
            groups.append(word)
    return html("<bdi>{text}</bdi>", text=Html(" ".join(map(_whole, groups))))


def _whole(group: str) -> Html:
    breaks = " " in group or ("-" in group and _has_digit(group))
    return html('<span class="whole">{group}</span>' if breaks and len(group) <= _WHOLE else "{group}", group=group)


def _is_currency(word: str) -> bool:
    code, rest = word[:3], word[3:]
    return len(code) == _CODE and code.isascii() and code.isupper() and code.isalpha() and not rest[:1].isalnum()


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def title(text: str, *, first: bool = False) -> Html:
    """Return the title of a question, as the page's first heading or a second one."""
    return html(
        '<{level} class="title{wordy}">{text}</{level}>\n',
        level="h1" if first else "h2",
        wordy=" wordy" if len(text) > _WORDY_CHARACTERS else "",
        text=_unbroken(text) if text.strip() and not _is_long(text) else value(text, words.say("title.label")),
    )


def owner(key: str, **people: str) -> Html:
    """Return a sentence that names people, whose addresses are cut to the longest that mail can carry."""
    return html('<p class="owner">{said}</p>\n', said=say(key, **{name: address(one) for name, one in people.items()}))


def address(person: str) -> Html:
    """Return a person's name and address on one line."""
    return markup.person(person)


def problem(heading: str, said: str) -> Html:
    """Return the notice of a problem with a form. It has the focus when the page opens."""
    return html(
        """\
<div class="notice" role="alert" tabindex="-1" autofocus>
<h2>{heading}</h2>
<p id="problem">{said}</p>
</div>
""",
        heading=heading,
        said=said,
    )


def key_fields(key: Key) -> Html:
    """Return the key of the review, for each form of its page."""
    fields = {"t": key.token} | ({"task": key.task_id} if key.task_id else {})
    return joined(hidden(name, text) for name, text in fields.items())


def inbox_form(key: Key, offer: str) -> Html:
    """Return the form that mails the list of all waiting requests to the link's owner."""
    return html(
        """\
<form class="list" method="post" action="inbox">
<p>{offer}</p>
{key}<button type="submit">{action}</button>
</form>
""",
        offer=offer,
        key=key_fields(key),
        action=words.say("inbox.offer.action"),
    )


def review_link(task: Task, token: str) -> Html:
    """Return the link to a task of an inbox: its amount and its title."""
    amount = single_line(task.question.amount)
    return html(
        '<a href="review?{query}">{amount}{title}</a>',
        query=Key(token, task.task_id).query,
        amount=html("<strong>{amount}</strong> ", amount=markup.money(amount)) if amount else NOTHING,
        title=value(display.title(task.question, 200), words.say("title.label")),
    )


def hidden(name: str, text: str) -> Html:
    """Return a hidden field of a form."""
    return html('<input type="hidden" name="{name}" value="{text}" autocomplete="off">\n', name=name, text=text)


def next_step(text: str) -> Html:
    """Return the sentence that says what follows."""
    return html('<p class="next">{text}</p>\n', text=text)


def left(until: datetime, now: datetime) -> Html:
    """Return the time left until a deadline, marked if it is short."""
    soon = " soon" if until - now < _SOON else ""
    return html('<strong class="left{soon}">{left}</strong>', soon=soon, left=time_left(until, now))


def described(hint: str, *, invalid: bool) -> Html:
    """Return the attributes of a field: its hint, and whether the problem is in it."""
    if invalid:
        return html(' aria-invalid="true" aria-describedby="problem {hint}"', hint=hint)
    return html(' aria-describedby="{hint}"', hint=hint)


def rows(question: Shown) -> Html:
    """Return the rows of a question's content."""
    if question.agent:
        from review import quotation

        return quotation.rows(question)
    details = joined(row(words.label(label), markup.money(text)) for label, text in question.rows)
    if not question.attachments:
        return details
    return html(
        '{details}<div class="row"><dt>{label}</dt><dd class="links"><ul>\n{items}</ul></dd></div>\n',
        details=details,
        label=words.say("attachments"),
        items=joined(map(_attachment, question.attachments)),
    )


def _attachment(item: Attachment) -> Html:
    """Return an attachment; its link is followed by its host, since its name is untrusted. Only https is linked."""
    name = single_line(item.name, 200)
    if not item.host:
        return html(
            '<li><bdi>{name}</bdi> <span class="where">{unlinked}</span></li>\n',
            name=name or words.say("value.empty"),
            unlinked=words.say("attachments.unlinked"),
        )
    return html(
        '<li><a href="{url}" target="_blank" rel="noopener noreferrer external"><bdi>{name}</bdi> '
        '<span class="where">{outside}</span></a></li>\n',
        url=item.url,
        name=name or item.host,
        outside=say("attachments.outside", host=item.host),
    )
