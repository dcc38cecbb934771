"""Reading a provider's JSON: a value at a JSON pointer (RFC 6901), or a refusal that names the place."""

from collections.abc import Mapping
from datetime import UTC, datetime

from countersign.domain import money
from countersign.domain.errors import ContractError

MAX_ID_CHARACTERS = 200
"""At most 800 bytes in UTF-8, so that every key of the ledger with an id stays below DynamoDB's 1,024."""

MAX_NOTE_CHARACTERS = 500
_MAX_COUNT = 2**63
_MAX_MOMENT_CHARACTERS = 40
_END_OF_YEAR_9999 = 253_402_300_800


class Document:
    """A JSON value and its place in the body. Null counts as absent.

    Args:
        value: The parsed JSON.
        place: JSON pointer of the value; empty for the whole document.
    """

    __slots__ = ("_place", "_value")

    def __init__(self, value: object, place: str = "") -> None:
        self._value = value
        self._place = place

    @classmethod
    def read(cls, body: bytes) -> "Document":
        """Parse one strict JSON document.

        Raises:
            MalformedBodyError: The body is not strict JSON.
            BodyTooLargeError: The body is too large.
        """
        from countersign.domain import strict_json

        return cls(strict_json.read(body))

    def find(self, pointer: str) -> object:
        """Return the value at a pointer, or None. Its steps are names of members without `~` and `/`."""
        value = self._value
        for step in pointer.split("/")[1:]:
            value = value.get(step) if isinstance(value, dict) else None
        return value

    def each(self, pointer: str) -> list["Document"]:
        """Return the members of a list."""
        found = self.find(pointer)
        if not isinstance(found, list):
            raise self.refusal("must be a list", pointer)
        return [Document(member, f"{self._place}{pointer}/{index}") for index, member in enumerate(found)]

    def member(self, pointer: str) -> "Document":
        """Return the object at a pointer as a document."""
        found = self.find(pointer)
        if not isinstance(found, dict):
            raise self.refusal("must be an object", pointer)
        return Document(found, self._place + pointer)

    def text(self, pointer: str, limit: int = MAX_ID_CHARACTERS) -> str:
        """Return an identifier or a type: 1 to 200 printable characters, or another limit."""
        found = self.find(pointer)
        if not isinstance(found, str) or not 0 < len(found) <= limit or not found.isprintable():
            raise self.refusal(f"must be a text of 1 to {limit} printable characters", pointer)
        return found

    def note(self, pointer: str) -> str | None:
        """Return a text for people, cut to 500 characters; None if it is absent or empty."""
        found = self.find(pointer)
        if found is not None and not isinstance(found, str):
            raise self.refusal("must be a text", pointer)
        return found[:MAX_NOTE_CHARACTERS] if found else None

    def count(self, pointer: str) -> int:
        """Return a whole number that is not negative; `true` and `1.0` are refused."""
        found = self.find(pointer)
        if type(found) is not int or not 0 <= found < _MAX_COUNT:
            raise self.refusal("must be a whole number, not negative and of at most 64 bits", pointer)
        return found

    def currency(self, pointer: str) -> str:
        """Return an ISO 4217 code in upper case."""
        found = self.find(pointer)
        if not isinstance(found, str) or len(found) != 3 or not found.isascii() or not found.isalpha():
            raise self.refusal("must be an ISO 4217 code such as EUR", pointer)
        return found.upper()

    def amount(self, pointer: str, currency: str) -> str:
        """Return a decimal text in canonical form."""
        found = self.find(pointer)
        amount = money.canonical(found, currency) if isinstance(found, str) else None
        if amount is None:
            raise self.refusal('must be a decimal text such as "250.00"', pointer)
        return amount

    def minor_units(self, pointer: str, currency: str, exponents: Mapping[str, int]) -> str:
        """Return a count of minor units as a decimal text in canonical form."""
        amount = money.from_minor_units(self.count(pointer), currency, exponents)
        if amount is None:
            raise self.refusal("is too large for an amount", pointer)
        return amount

    def moment(self, pointer: str) -> datetime | None:
        """Return a time, ISO 8601 with a zone or whole seconds since 1970, in UTC; None if it is absent."""
        found = self.find(pointer)
        if found is None:
            return None
        try:
            return _moment_of(found)
        except (ValueError, OverflowError) as error:
            reason = "must be a time: ISO 8601 with its zone, or whole seconds since 1970"
            raise self.refusal(reason, pointer) from error

    def refusal(self, reason: str, pointer: str) -> ContractError:
        """Return the error for a problem at a pointer."""
        return ContractError(reason, self._place + pointer)


def _moment_of(value: object) -> datetime:
    if type(value) is int and 0 <= value < _END_OF_YEAR_9999:
        return datetime.fromtimestamp(value, UTC)
    if not isinstance(value, str) or len(value) > _MAX_MOMENT_CHARACTERS:
        raise ValueError("not a text, or too long")
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("without a zone")
    return moment.astimezone(UTC)
