"""The public schemas: the fields that callers, workers and providers use, with their types.

Adding an optional field is compatible. Every other change of a line breaks somebody who uses the kit.
"""

import json
from pathlib import Path
from typing import Any

from countersign.contracts import schemas

RELEASED = Path(__file__).with_suffix(".txt")
"""One line a schema: `name!` is required, `[]` is an array, `{}` an object."""


def outline(schema: Any) -> str:
    """Return a schema's type, with the fields of an object and the items of an array."""
    if "properties" in schema:
        required = schema.get("required", [])
        fields = (f"{name}{'!' * (name in required)}: {outline(of)}" for name, of in schema["properties"].items())
        return f"{{{', '.join(fields)}}}"
    if "items" in schema:
        return f"[{outline(schema['items'])}]"
    if "enum" in schema:
        return "|".join(map(str, schema["enum"]))
    return str(schema.get("const", schema.get("type", schema.get("$ref", "any").rpartition("/")[2])))


def test_public_schemas_keep_their_fields() -> None:
    files = sorted(Path(str(schemas.__file__)).parent.glob("*.json"))
    found = [f"{file.stem}: {outline(json.loads(file.read_text('utf-8')))}" for file in files]
    assert found == RELEASED.read_text("utf-8").splitlines()
