"""Every word that people read, on pages and in mails: one module a language."""

from collections.abc import Mapping
from types import MappingProxyType

from countersign.presentation.words import english

TEXTS: Mapping[str, str] = MappingProxyType(english.TEXTS)
"""The texts, by key."""


def say(key: str, /, **values: object) -> str:
    """Return a text with its values filled in.

    Args:
        key: The text's key, such as `review.approve`.
        **values: The values for the names in braces; must be safe to show, they are inserted unchanged.

    Raises:
        LookupError: No text has this key, or a value is missing.
    """
    return TEXTS[key].format_map(values)


def say_count(key: str, count: int) -> str:
    """Return the text for a count, with `{count}` filled in; `key` is without `.one` or `.other`."""
    return say(f"{key}.{'one' if count == 1 else 'other'}", count=count)
