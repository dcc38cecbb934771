"""When two e-mail addresses are one person."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ADDRESS = re.compile(rf"[a-z0-9.!$%'*+^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})*", re.ASCII)
_LONGEST_ADDRESS = 254


def is_address(normalised: str) -> bool:
    """Tell whether a normalised text is an e-mail address as the contracts of inputs have it.

    It is ASCII and keeps RFC 5321, but its local part has none of `/`, `?`, `=`, `&` and `#`, which RFC 5321 allows:
    mail programs would make a link of `www.example.com/?x=@example.com`.
    """
    return len(normalised) <= _LONGEST_ADDRESS and _ADDRESS.fullmatch(normalised) is not None


def normalise(address: str) -> str:
    """Return the form under which an address is known: NFKC, trimmed, case-folded.

    Case of the local part is significant by RFC 5321 §2.4 and ignored by every mail provider in use; for the
    question whether somebody approves their own request, two spellings are one person.
    """
    return unicodedata.normalize("NFKC", address).strip().casefold()


def session_name(caller: str) -> str:
    """Return the name of the session in which a caller uses a role; empty for any other caller.

    Args:
        caller: Their ARN: `arn:aws:sts::<account>:assumed-role/<role>/<session>`
            (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html).
    """
    kind, _, role_and_session = caller_name(caller).partition("/")
    return role_and_session.partition("/")[2] if kind == "assumed-role" else ""


def caller_name(caller: str) -> str:
    """Return what tells a caller to a person: an ARN without its partition, service and account."""
    return caller.rpartition(":")[2]


def untagged(address: str) -> str:
    """Return a normalised address without its subaddress (RFC 5233): `rita+shop@…` reaches the mailbox of `rita@…`."""
    local, at, domain = address.rpartition("@")
    name = local.partition("+")[0]
    return f"{name}{at}{domain}" if name else address


def same_domain(one: str, other: str) -> bool:
    """Tell whether two normalised addresses are of one organisation: a decision is handed to nobody outside it."""
    return one.rpartition("@")[2] == other.rpartition("@")[2]


@dataclass(frozen=True)
class Aliases:
    """Which addresses are another name of somebody.

    Attributes:
        known: The address under which the person counts, by each other address of theirs; both normalised. No address
            is under both: what comes from elsewhere is joined to `NO_ALIASES` first.
    """

    known: Mapping[str, str] = field(default_factory=dict)

    def person(self, address: str) -> str:
        """Return the address under which the owner of an address counts."""
        own = normalise(address)
        return self.known.get(own, own)

    def same(self, one: str, other: str) -> bool:
        """Tell whether both addresses belong to one person."""
        return self.person(one) == self.person(other)

    def distinct(self, addresses: Iterable[str]) -> tuple[str, ...]:
        """Return the first address of each person, in order."""
        firsts: dict[str, str] = {}
        for address in addresses:
            firsts.setdefault(self.person(address), address)
        return tuple(firsts.values())

    def __or__(self, other: "Aliases") -> "Aliases":
        """Return what both know: addresses that are one person to either are one to both, whoever else they are."""
        known = dict(self.known)
        for address, owner in other.known.items():
            joined = Aliases(known)
            one, another = joined.person(address), joined.person(owner)
            if one != another:
                known = {alias: another if person == one else person for alias, person in known.items()}
                known[one] = another
        return Aliases(known)


NO_ALIASES = Aliases()
"""Everybody has one address."""
