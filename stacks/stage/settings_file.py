"""A settings file, read into frozen dataclasses: a key's type and rule follow from the field that it is for.

A key that no field is for, a value of another type and a value out of range are refused, with all that is needed to
mend the file. Fields are texts, whole numbers, booleans, other dataclasses (tables), tuples of these (lists, arrays of
tables) and mappings (tables by name). A field with a default may be left out.
"""

from __future__ import annotations

import dataclasses
import re
import tomllib
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

_TYPE_NAMES = {str: "text in quotes", int: "a whole number", bool: "true or false"}
_TYPE_NAMES_OF_MANY = {str: "texts in quotes", int: "whole numbers"}


class SettingsError(ValueError):
    """A stage's settings cannot be used.

    Attributes:
        file: The settings file.
        key: The key in it, dotted; empty when it is the file itself.
        value: What stands there; None when nothing does.
        allowed: What may stand there.
        fix: What to do.
    """

    def __init__(self, file: Path, key: str, value: Any, allowed: str, fix: str) -> None:
        self.file, self.key, self.value, self.allowed, self.fix = file, key, value, allowed, fix
        found = "is missing" if value is None else f"is {value!r}"
        super().__init__(f"{file}: {key + ' ' if key else ''}{found}; allowed: {allowed}; fix: {fix}")


@dataclass(frozen=True)
class Rule:
    """What a value of the right type must also be."""

    allowed: str
    holds: Callable[[Any], bool]


def between(low: int, high: int, unit: str) -> Rule:
    """Return a rule that a number keeps within bounds, both included."""
    return Rule(f"{low} to {high} {unit}", lambda value: low <= value <= high)


def one_of(values: tuple[Any, ...]) -> Rule:
    """Return a rule that allows these values only."""
    return Rule(f"one of {', '.join(map(str, values))}", lambda value: value in values)


def matching(pattern: str, meaning: str) -> Rule:
    """Return a rule that a text matches a pattern, whole."""
    return Rule(meaning, lambda value: re.fullmatch(pattern, value) is not None)


NAMES = matching(r"[a-z][a-z0-9-]{0,39}", "a name of at most 40 lower-case letters, digits and hyphens, a letter first")
"""What tables by name are called, unless their field says otherwise."""


def setting(rule: Rule, **options: Any) -> Any:
    """Return a dataclass field whose value keeps a rule."""
    return field(metadata={"rule": rule}, **options)


def named(names: Rule, **options: Any) -> Any:
    """Return a dataclass field for tables by name, whose names keep a rule."""
    return field(metadata={"names": names}, **options)


def read(path: Path) -> dict[str, Any]:
    """Return what a stage's file holds.

    Raises:
        SettingsError: It is missing, named otherwise than a stage may be, or no TOML.
    """
    stages = sorted(file.stem for file in path.parent.glob("*.toml"))
    if path.stem not in stages:
        allowed = f"a stage that has a settings file: {', '.join(stages) or 'none yet'}"
        raise SettingsError(path, "", None, allowed, f"choose one of these, or write {path.name}")
    if re.fullmatch(r"[a-z][a-z0-9-]{0,19}", path.stem) is None:
        allowed = "a stage name of at most 20 lower-case letters, digits and hyphens, a letter first"
        raise SettingsError(path, "stage", path.stem, allowed, "rename the file")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(path, "", "not TOML", "TOML 1.0", f"correct this: {error}") from error


def table(kind: type[Any], document: Any, key: str, file: Path, **given: Any) -> Any:
    """Return a table of the file as a dataclass.

    Args:
        kind: The dataclass.
        document: What stands in the file.
        key: Its key there, dotted.
        file: The settings file.
        given: Fields that do not come from the file.

    Raises:
        SettingsError: A key is unknown, missing, of another type or out of range.
    """
    if not isinstance(document, dict):
        raise SettingsError(file, key, document, f"a table [{key}]", f"write [{key}] and its keys below it")
    fields = {item.name: item for item in dataclasses.fields(kind) if item.name not in given}
    for name in sorted(document.keys() - fields.keys()):
        allowed = f"one of {', '.join(fields)}"
        raise SettingsError(file, dotted(key, name), document[name], allowed, "correct the name, or remove it")
    hints = get_type_hints(kind)
    values = {
        name: _value(hints[name], item, document.get(name), dotted(key, name), file)
        for name, item in fields.items()
        if name in document or _is_required(item)
    }
    return kind(**values, **given)


def _is_required(item: dataclasses.Field[Any]) -> bool:
    return item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING


def _value(kind: Any, item: dataclasses.Field[Any], value: Any, key: str, file: Path) -> Any:
    kind = _without_none(kind)
    rule = item.metadata.get("rule")
    if dataclasses.is_dataclass(kind):
        return table(kind, value, key, file)  # type: ignore[arg-type]
    if get_origin(kind) is not None:
        read_several = _named if issubclass(get_origin(kind), Mapping) else _several
        return read_several(kind, item, value, key, file)
    if type(value) is not kind or (rule is not None and not rule.holds(value)):
        raise SettingsError(file, key, value, _expected(kind, rule), "add it" if value is None else "correct the value")
    return value


def _without_none(kind: Any) -> Any:
    """Return the type of an optional field's value."""
    if get_origin(kind) is not types.UnionType:
        return kind
    (given,) = (choice for choice in get_args(kind) if choice is not types.NoneType)
    return given


def _named(kind: Any, item: dataclasses.Field[Any], value: Any, key: str, file: Path) -> Mapping[str, Any]:
    if not isinstance(value, dict) or not value:
        raise SettingsError(file, key, value, f"at least one table [{key}.<name>]", f"add [{key}.<name>]")
    names = item.metadata.get("names", NAMES)
    for name in value:
        if not names.holds(name):
            raise SettingsError(file, key, name, names.allowed, "rename it")
    member = get_args(kind)[1]
    return {name: _value(member, item, content, dotted(key, name), file) for name, content in value.items()}


def _several(kind: Any, item: dataclasses.Field[Any], value: Any, key: str, file: Path) -> tuple[Any, ...]:
    member = get_args(kind)[0]
    if dataclasses.is_dataclass(member):
        return _tables(member, value, key, file)
    rule = item.metadata.get("rule")
    holds = rule.holds if rule else bool
    if not isinstance(value, list) or not all(type(each) is member and holds(each) for each in value):
        allowed = f"a list of {_TYPE_NAMES_OF_MANY[member]}" + (f", each {rule.allowed}" if rule else "")
        raise SettingsError(file, key, value, allowed, "correct the value")
    return tuple(value)


def _tables(kind: Any, value: Any, key: str, file: Path) -> tuple[Any, ...]:
    if not isinstance(value, list) or not value:
        raise SettingsError(file, key, value, f"tables [[{key}]]", f"write [[{key}]] and its keys below it")
    return tuple(table(kind, each, f"{key}[{number}]", file) for number, each in enumerate(value, start=1))


def _expected(kind: Any, rule: Rule | None) -> str:
    kind_name = _TYPE_NAMES.get(kind, "a table")
    return f"{kind_name}, {rule.allowed}" if rule else kind_name


def dotted(key: str, name: str) -> str:
    """Return the key of a member of a table."""
    return f"{key}.{name}" if key else name
