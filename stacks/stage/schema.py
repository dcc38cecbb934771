"""Write the JSON Schema of a settings file, for editors: `python -m stacks.stage.schema`."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from pydantic import AliasPath
from pydantic.json_schema import GenerateJsonSchema

from stacks.stage.settings import DEFAULTS, StageFile

FILE = Path(__file__).with_name("settings.schema.json")


class _Untitled(GenerateJsonSchema):
    """Leaves out titles, which repeat the keys."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  overrides pydantic's method
        return False


def schema() -> str:
    """Return the content of the schema's file."""
    document = StageFile.model_json_schema(schema_generator=_Untitled)
    for name, field in StageFile.model_fields.items():
        if isinstance(field.validation_alias, AliasPath):
            table, key = field.validation_alias.path
            document["properties"][table]["properties"] = {key: document["properties"].pop(name)}
    filled = tomllib.loads(DEFAULTS.read_text(encoding="utf-8"))
    document["required"] = [name for name in document["required"] if name not in filled]
    for table in (document, *document["$defs"].values()):
        del table["title"]
    return json.dumps(_plain(document), indent=1, ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    """Return a part of the schema without null, which TOML does not have."""
    if isinstance(value, list):
        return [_plain(member) for member in value]
    if not isinstance(value, dict):
        return value
    choices = [choice for choice in value.get("anyOf", []) if choice != {"type": "null"}]
    kept = {name: _plain(member) for name, member in value.items() if name != "anyOf"}
    if choices and kept.get("default", choices) is None:
        del kept["default"]
    return kept | (_plain(choices[0]) if choices else {})


if __name__ == "__main__":
    FILE.write_text(schema(), encoding="utf-8")
