"""Conversion of plain values to DynamoDB's attribute values and back.

boto3 has a serializer, but its import takes a tenth of the public function's cold start.
"""

from collections.abc import Callable
from typing import Any

Attribute = dict[str, Any]


def to_attribute(value: Any) -> Attribute:
    """Return the attribute value of a text, whole number, boolean, None, list or map.

    Raises:
        TypeError: The value has another type; floats are refused too, since money is never a float.
    """
    if value is None:
        return {"NULL": True}
    for kind, name, encode in _KINDS:
        if isinstance(value, kind):
            return {name: encode(value)}
    raise TypeError(f"cannot keep a {type(value).__name__} in the ledger")


def from_attribute(attribute: Attribute) -> Any:
    """Return the plain value of an attribute value made by `to_attribute`."""
    (kind, value), *_ = attribute.items()
    match kind:
        case "N":
            return int(value)
        case "L":
            return [from_attribute(member) for member in value]
        case "M":
            return from_item(value)
        case "NULL":
            return None
    return value


def to_item(document: dict[str, Any]) -> dict[str, Attribute]:
    """Return a document as an item, without the keys whose value is None."""
    return {key: to_attribute(value) for key, value in document.items() if value is not None}


def from_item(item: dict[str, Attribute]) -> dict[str, Any]:
    """Return an item as a plain document."""
    return {key: from_attribute(attribute) for key, attribute in item.items()}


def _to_list(members: list[Any]) -> list[Attribute]:
    return [to_attribute(member) for member in members]


def _to_map(members: dict[str, Any]) -> dict[str, Attribute]:
    return {key: to_attribute(member) for key, member in members.items()}


# `bool` comes before `int`, because a bool is an int.
_KINDS: tuple[tuple[type | tuple[type, ...], str, Callable[[Any], Any]], ...] = (
    (bool, "BOOL", bool),
    (str, "S", str),
    (int, "N", str),
    ((list, tuple), "L", _to_list),
    (dict, "M", _to_map),
)
