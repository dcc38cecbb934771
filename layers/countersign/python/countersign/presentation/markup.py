"""HTML whose values are text: each is made visible and escaped, and neither can be turned off.

Pages and mails are Python functions, not templates of a library: importing one and compiling its templates took a sixth
of the review page's cold start.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import LiteralString

from countersign.domain.questions import Shown
from countersign.presentation import display, words
from countersign.presentation.display import moment, visible


class Html(str):
    """A piece of HTML. `Html(text)` trusts the text: elsewhere use `html`."""

    __slots__ = ()


NOTHING = Html()
"""The empty piece of HTML."""


def html(source: LiteralString, /, **values: object) -> Html:
    """Return a piece of HTML with its values filled in; other HTML stays as it is, all else becomes text.

    Args:
        source: The HTML, with the names of the values in braces; never a text from outside.
        **values: The values.
    """
    return Html(source.format_map({name: _as_html(value) for name, value in values.items()}))


def joined(pieces: Iterable[Html]) -> Html:
    """Return pieces of HTML as one."""
    return Html("".join(pieces))


def say(key: str, /, **values: str | int) -> Html:
    """Return a text of the catalogue as HTML, with its values filled in, each isolated in its direction.

    Raises:
        LookupError: As `words.say`.
    """
    return Html(escape(words.catalogue()[key]).format_map({name: _isolated(value) for name, value in values.items()}))


def time(at: datetime) -> Html:
    """Return an aware time in words, as its HTML element."""
    machine = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return html('<time datetime="{machine}">{moment}</time>', machine=machine, moment=moment(at))


def money(text: str) -> str:
    """Return an amount as `display.money` does, as an element that keeps its direction and does not break.

    Any other text is returned unchanged.
    """
    amount = display.money(text)
    if amount == text:
        return text
    return html('<bdi class="money" dir="{direction}">{amount}</bdi>', direction=words.say("direction"), amount=amount)


def people(addresses: Sequence[str]) -> Html:
    """Return people as `person` does, in one list: `Ann (…), Bob (…) and Li (…)`."""
    return Html(words.listed([person(address) for address in addresses], say))


def person(address: str) -> Html:
    """Return a person as `display.person` does, with name and address each isolated; nothing without an address."""
    name, shown = display.name_of(address), display.single_line(address, display.MAX_ADDRESS_CHARACTERS)
    if not name:
        return html("<bdi>{address}</bdi>", address=shown) if shown else NOTHING
    return say("person", name=name, address=shown)


def asker(question: Shown) -> Html:
    """Return who asks, as `display.asker` does; nothing if nobody is named."""
    return say("agent", name=display.agent(question)) if question.agent else person(question.requester)


def _as_html(value: object) -> Html:
    return value if isinstance(value, Html) else Html(escape(visible(str(value))))


def _isolated(value: str | int) -> str:
    if isinstance(value, int):
        return words.number(value)
    return value if isinstance(value, Html) else html("<bdi>{value}</bdi>", value=value)
