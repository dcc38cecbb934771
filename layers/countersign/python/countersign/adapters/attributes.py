"""Plain values to DynamoDB's attribute values and back.

boto3's serializer would do, but importing boto3 costs the public function a tenth of its cold start.
"""

from typing import Any

Attribute = dict[str, Any]


def to_attribute(value: Any) -> Attribute:
    """Return the attribute value of a text, whole number, boolean, None, list or map.

    Raises:
        TypeError: Another type; floats among them, since money is never one.
    """
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": str(value)}
        case int():
            return {"N": str(value)}
        case list() | tuple():
            return {"L": [to_attribute(member) for member in value]}
        case dict():
            return {"M": {str(key): to_attribute(member) for key, member in value.items()}}
    raise TypeError(f"cannot keep a {type(value).__name__} in the ledger")


def from_attribute(attribute: Attribute) -> Any:
    """Return the plain value of what `to_attribute` made."""
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
    """Return a document as an item; keys that hold None are left out."""
    return {key: to_attribute(value) for key, value in document.items() if value is not None}


def from_item(item: dict[str, Attribute]) -> dict[str, Any]:
    """Return an item as a plain document."""
    return {key: from_attribute(attribute) for key, attribute in item.items()}
