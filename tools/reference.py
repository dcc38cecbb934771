"""Generate docs/settings.md and docs/workflows.md from the code: `python -m tools.reference`."""

import inspect
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

SETTINGS = """# Settings

`settings/<stage>.toml` describes a stage. The kit merges it over `stacks/stage/defaults.toml`, table by table and
key by key. `cdk synth` reports every problem of the file at once, with its key, the value, what is allowed, and the
fix. The first line of the file names its JSON Schema, by which an editor completes the keys.

This page is generated from the code: `python -m tools.reference`.
"""

WORKFLOWS = """# Reference for workflow authors

Everything that `countersign.workflows` exports. [Patterns](patterns.md) shows it at work, and
[the replay rules](../AGENTS.md#replay-rules) hold for everything that you write around it.

This page is generated from the code: `python -m tools.reference`.
"""

_SECTION = re.compile(r"^(Args|Attributes|Returns|Raises):$")
_ENTRY = re.compile(r"^ {4}(\w+): (.*)$")


def main() -> None:
    """Write both pages."""
    sys.path.extend(str(ROOT / folder) for folder in ("lambdas", "layers/countersign/python"))
    (ROOT / "docs/settings.md").write_text(settings_page(), encoding="utf-8")
    (ROOT / "docs/workflows.md").write_text(workflows_page(), encoding="utf-8")


def settings_page() -> str:
    """Return the page of a stage's settings, from their JSON Schema."""
    from stacks.stage.schema import schema

    document = json.loads(schema())
    single = {name: each for name, each in document["properties"].items() if each.get("type") == "string"}
    parts = [SETTINGS, _keys({"properties": single})]
    for name, value in document["properties"].items():
        if name not in single:
            parts += _table(name, value, document["$defs"])
    return "\n".join(parts)


def _table(name: str, value: Mapping[str, Any], tables: Mapping[str, Any]) -> Iterator[str]:
    """Yield the section of one table of the file, then those of the tables in it."""
    if "properties" in value:
        yield f"## `[{name}]`\n"
        yield _keys(value)
    heading, inner = _heading(name, value)
    definition = tables[_reference(inner)] if "$ref" in inner else {}
    yield f"## `{heading}`\n"
    yield _flat(value.get("description") or definition["description"]) + "\n"
    if not definition:
        return
    yield _keys(definition)
    nested: dict[str, list[str]] = {}
    for key, member in definition["properties"].items():
        nested.setdefault(_reference(member.get("items", member)), []).append(f"`{key}`")
    for reference in [reference for reference in nested if reference]:
        yield f"### {', '.join(nested[reference])} in `{heading}`\n"
        yield _flat(tables[reference]["description"]) + "\n"
        yield _keys(tables[reference])


def _heading(name: str, value: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return a table's heading in the file, and the schema of the table or row under it."""
    if "$ref" in value:
        return f"[{name}]", value
    (inner,) = value.get("patternProperties", {"": value.get("additionalProperties")}).values()
    rows = inner.get("type") == "array"
    return f"[[{name}.<name>]]" if rows else f"[{name}.<name>]", inner["items"] if rows else inner


def _reference(value: Mapping[str, Any]) -> str:
    return str(value.get("$ref", "")).rpartition("/")[2]


def _keys(table: Mapping[str, Any]) -> str:
    required = table.get("required", ())
    rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for key, value in table["properties"].items():
        default = "required" if key in required else f"`{json.dumps(value['default'])}`" if "default" in value else ""
        rows.append(f"| `{key}` | {_type(value)} | {default} | {_flat(value.get('description', ''))} |")
    return "\n".join(rows) + "\n"


def _type(value: Mapping[str, Any]) -> str:
    if "enum" in value:
        return ", ".join(f"`{json.dumps(choice)}`" for choice in value["enum"])
    if "minimum" in value:
        to = f" to {value['maximum']:,}" if "maximum" in value else ""
        return f"integer, from {value['minimum']:,}{to}"
    named = str(value.get("type", "object"))
    return {"array": "list", "object": "table"}.get(named, named)


def workflows_page() -> str:
    """Return the page of the door for workflow authors, from its docstrings."""
    from countersign import workflows

    exported = {name: getattr(workflows, name) for name in workflows.__all__}
    own = {name: each for name, each in exported.items() if getattr(each, "__module__", "").startswith("countersign")}
    kinds: dict[str, dict[str, Any]] = {"Functions": {}, "Questions and answers": {}, "Errors": {}}
    for name, each in own.items():
        kinds[_kind(each)][name] = each
    sections = (
        [f"## {kind}\n", *(part for each in members.items() for part in _entry(*each))]
        for kind, members in kinds.items()
    )
    return "\n".join([WORKFLOWS, *(part for section in sections for part in section)])


def _kind(thing: Any) -> str:
    if not inspect.isclass(thing):
        return "Functions"
    return "Errors" if issubclass(thing, Exception) else "Questions and answers"


def _entry(name: str, thing: Any) -> Iterator[str]:
    yield f"### `{name}`\n"
    if _kind(thing) != "Errors" and not (inspect.isclass(thing) and issubclass(thing, dict)):
        yield f"```\n{name}{_signature(thing)}\n```\n"
    ancestors = inspect.getmro(thing)[1:-1] if inspect.isclass(thing) and is_dataclass(thing) else ()
    texts = [inspect.cleandoc(each.__doc__ or "") for each in (thing, *ancestors)]
    own, *bases = (_markdown(text) for text in texts)
    first, _, attributes = own.partition("*Attributes*\n\n")
    inherited_lists = [base.partition("*Attributes*\n\n")[2] for base in bases]
    lists = [attributes, *(each for each in inherited_lists if each.partition(":")[0] not in attributes)]
    yield "\n".join([first.rstrip(), *(["", "*Attributes*", ""] if any(lists) else []), *filter(None, lists), ""])


def _signature(thing: Any) -> str:
    signature = inspect.signature(thing, follow_wrapped=False)  # `current` takes no ports from its callers
    shown = [str(parameter.replace(annotation=parameter.empty)) for parameter in signature.parameters.values()]
    return f"({', '.join(re.sub(r'<factory>|<class .*>', '...', each) for each in shown)})"


def _markdown(text: str) -> str:
    """Return a docstring of Google's style with its sections as lists."""
    lines: list[str] = []
    for line in text.splitlines():
        if section := _SECTION.match(line):
            lines += [f"*{section[1]}*", ""]
        elif entry := _ENTRY.match(line):
            lines.append(f"- `{entry[1]}`: {entry[2]}")
        else:
            lines.append(f"  {line.strip()}" if line.startswith("        ") else line.strip())
    return "\n".join(lines)


def _flat(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    main()
