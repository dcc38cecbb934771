"""The directory on DynamoDB: a separate small table, so that its maintainers need no right on the ledger.

Each item has an `address`, and optionally `person`, the owner's primary address for an alias; `away`, a list of
`{"since", "until", "to"}`; and `name`, `language`, `time_zone` and `slack`, texts about the owner. What is said of an
alias counts before what is said of its owner.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from countersign.adapters.dynamodb import Table
from countersign.domain.clock import moment_of, to_text
from countersign.domain.identity import is_address, normalise, untagged
from countersign.domain.people import Absence, Entry, is_slack_user
from countersign.domain.questions import Person

SEPARATE_TAGS = "separate"
"""The value of DIRECTORY_TAGS that makes `rita+shop@…` another person than `rita@…`."""

_PROFILE = ("name", "language", "time_zone")

MAX_NAMES = 5
"""The longest chain of aliases that is followed."""


class DynamoDirectory:
    """Implements `countersign.ports.Directory`."""

    def __init__(self, client: Any, table_name: str, *, separate_tags: bool = False) -> None:
        """Set the table.

        Args:
            client: A DynamoDB client.
            table_name: The directory's table.
            separate_tags: Whether addresses that differ only in their subaddress are different people.
        """
        self._table = Table(client, table_name)
        self._owner = normalise if separate_tags else lambda address: untagged(normalise(address))

    def entries(self, addresses: Iterable[str], *, consistent: bool = True) -> Mapping[str, Entry]:
        """See `countersign.ports.Directory.entries`.

        Aliases of aliases are followed. A malformed absence is ignored: the person who is away is still asked.
        """
        wanted = sorted(set(addresses))
        listed: dict[str, dict[str, Any]] = {}
        for _ in range(MAX_NAMES):
            unread = {name for address in wanted for name in self._names(address, listed)} - set(listed)
            if not unread:
                break
            listed |= self._items(unread, consistent=consistent)
        return {address: self._entry(address, listed) for address in wanted}

    def set_alias(self, address: str, person: str) -> None:
        """Make an address an alias of a person."""
        self._set(address, {"person": normalise(person)})

    def set_absence(self, address: str, absence: Absence | None) -> None:
        """Replace a person's absences with this one; None removes them all."""
        away = [] if absence is None else [_document(absence)]
        self._set(address, {"away": away})

    def set_profile(self, address: str, fields: Mapping[str, str]) -> None:
        """Set texts about a person: `name`, `language`, `time_zone` or `slack`; an empty one removes it."""
        self._set(address, {name: text or None for name, text in fields.items()})

    def _items(self, addresses: set[str], *, consistent: bool) -> dict[str, dict[str, Any]]:
        keys = [{"address": address} for address in sorted(addresses) if address]
        found = {item["address"]: item for item in self._table.get_many(keys, consistent=consistent)}
        return {address: found.get(address, {}) for address in addresses}

    def _set(self, address: str, fields: dict[str, Any]) -> None:
        self._table.write([self._table.update({"address": normalise(address)}, fields)])

    def _entry(self, address: str, listed: Mapping[str, Mapping[str, Any]]) -> Entry:
        names = self._names(address, listed)
        absences = (_absence(document) for name in names for document in _list(listed.get(name, {}).get("away")))
        known = [listed.get(name, {}) for name in names]
        profile = Person(**{name: text for name in _PROFILE if (text := _text(known, name))})  # type: ignore[typeddict-item]
        slack = _text(known, "slack")
        return Entry(
            names[-1],
            tuple(absence for absence in absences if absence is not None),
            profile,
            slack if is_slack_user(slack) else "",
        )

    def _names(self, address: str, listed: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Return the chain of aliases from an address to its owner's primary address, as far as it is known."""
        names = [address]
        while (further := self._further(names[-1], listed)) not in names:
            names.append(further)
        # All addresses in a circle belong to one person; the smallest becomes the primary address.
        circle = names[names.index(further) :]
        return [*names, min(circle)] if len(circle) > 1 else names

    def _further(self, name: str, listed: Mapping[str, Mapping[str, Any]]) -> str:
        person = listed.get(name, {}).get("person")
        return normalise(person) if isinstance(person, str) and person else self._owner(name)


class EmptyDirectory:
    """Implements `countersign.ports.Directory` without a table: nobody has aliases or is away."""

    def entries(self, addresses: Iterable[str], *, consistent: bool = True) -> Mapping[str, Entry]:  # noqa: ARG002
        """See `countersign.ports.Directory.entries`."""
        return {address: Entry(address) for address in addresses}


def _document(absence: Absence) -> dict[str, str]:
    return {"since": to_text(absence.since), "until": to_text(absence.until), "to": normalise(absence.to)}


def _absence(document: Mapping[str, Any]) -> Absence | None:
    try:
        absence = Absence(moment_of(document["since"]), moment_of(document["until"]), normalise(document["to"]))
    except (KeyError, OverflowError, TypeError, ValueError):
        return None
    return absence if is_address(absence.to) else None


def _text(documents: Iterable[Mapping[str, Any]], name: str) -> str:
    """Return the first text that one of the documents has under this name; empty without one."""
    texts = (document.get(name) for document in documents)
    return next((text for text in texts if isinstance(text, str) and text), "")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
