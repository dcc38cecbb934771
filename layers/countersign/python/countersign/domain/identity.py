"""Identity: e-mail addresses, and which of them belong to one person."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ADDRESS = rf"[a-z0-9.!$%'*+^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})*"
_LONGEST_ADDRESS = 254


def is_address(normalised: str) -> bool:
    """Tell whether a normalised text is an e-mail address by the contracts of inputs.

    It is ASCII and follows RFC 5321, but its local part has no `/`, `?`, `=`, `&` or `#`, which RFC 5321 allows: mail
    programs would make a link of `www.example.com/?x=@example.com`.
    """
    return len(normalised) <= _LONGEST_ADDRESS and re.fullmatch(_ADDRESS, normalised, re.ASCII) is not None


def normalise(address: str) -> str:
    """Return the normal form of an address: NFKC, trimmed, case-folded.

    By RFC 5321 §2.4 the case of the local part is significant, but every mail provider in use ignores it. Two spellings
    must be one person, so that nobody approves their own request.
    """
    return unicodedata.normalize("NFKC", address).strip().casefold()


def session_name(caller: str) -> str:
    """Return the name of a caller's role session; empty for any other caller.

    Args:
        caller: The caller's ARN: `arn:aws:sts::<account>:assumed-role/<role>/<session>`
            (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html).
    """
    kind, _, role_and_session = caller_name(caller).partition("/")
    return role_and_session.partition("/")[2] if kind == "assumed-role" else ""


def role_of(caller: str) -> str:
    """Return the ARN of the role of a caller's session, without the role's path, which that of a session lacks.

    Any other ARN stays as it is.
    """
    account, _, principal = caller.rpartition(":")
    kind, _, role_and_session = principal.partition("/")
    if kind != "assumed-role":
        return caller
    return f"{account.replace(':sts:', ':iam:')}:role/{role_and_session.partition('/')[0]}"


def is_session_of(caller: str, role: str) -> bool:
    """Tell whether a caller's ARN is that of a role's session.

    Args:
        caller: The caller's ARN. That of a session has the role's name without its path.
        role: The role's ARN, `arn:aws:iam::<account>:role/<path>/<name>`; the ARN of any other principal matches only
            itself, and an empty text nobody.
    """
    account, kind, path = role.rpartition(":")
    resource, _, name = path.rpartition("/")
    if resource.partition("/")[0] != "role":
        return bool(role) and caller == role
    session = f"{account.replace(':iam:', ':sts:')}{kind}assumed-role/{name}/"
    return caller.startswith(session)


def role_name(arn: str) -> str:
    """Return the name of a role by its ARN, without its path."""
    return arn.rpartition(":")[2].rpartition("/")[2]


def caller_name(caller: str) -> str:
    """Return a caller's name for people: the ARN without partition, service and account."""
    return caller.rpartition(":")[2]


def untagged(address: str) -> str:
    """Return a normalised address without its subaddress (RFC 5233): `rita+shop@…` reaches the mailbox of `rita@…`."""
    local, at, domain = address.rpartition("@")
    name = local.partition("+")[0]
    return f"{name}{at}{domain}" if name else address


def same_domain(one: str, other: str) -> bool:
    """Tell whether two normalised addresses belong to one organisation; nobody delegates to another one."""
    return one.rpartition("@")[2] == other.rpartition("@")[2]


@dataclass(frozen=True)
class Aliases:
    """The aliases of people.

    Attributes:
        known: Maps each alias to the person's primary address; both normalised. No address is both: join mappings from
            elsewhere to `NO_ALIASES` first.
    """

    known: Mapping[str, str] = field(default_factory=dict)

    def person(self, address: str) -> str:
        """Return the primary address of an address's owner."""
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
        """Merge both: two addresses that belong to one person in either belong to one person in the result."""
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
