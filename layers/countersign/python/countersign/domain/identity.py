"""When two e-mail addresses are one person."""

import unicodedata


def normalise(address: str) -> str:
    """Return the form under which a person is known: NFKC, trimmed, case-folded.

    Case of the local part is significant by RFC 5321 §2.4 and ignored by every mail provider in use; for the
    question whether somebody approves their own request, two spellings are one person.
    """
    return unicodedata.normalize("NFKC", address).strip().casefold()


def same_person(one: str, other: str) -> bool:
    """Tell whether both addresses belong to one person."""
    return normalise(one) == normalise(other)
