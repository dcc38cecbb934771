"""Report all mistakes in a settings file at once: for each the key, its value, the allowed values and the fix."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import AliasPath, ValidationError
from pydantic_core import ErrorDetails

from stacks.stage.fields import Rule, Table

_Model = TypeVar("_Model", bound=Table)
_UNKNOWN = "extra_forbidden"
_TYPES = {str: "text in quotes", int: "a whole number", bool: "true or false"}
_TYPES_OF_MANY = {str: "texts in quotes", int: "whole numbers"}


@dataclass(frozen=True)
class Problem:
    """One mistake in a settings file.

    Attributes:
        key: The key in the file, dotted; empty for the file itself.
        value: The value there; None for none.
        allowed: The allowed values, in words.
        fix: The correction.
    """

    key: str
    value: Any
    allowed: str
    fix: str

    def __str__(self) -> str:
        found = "is missing" if self.value is None else f"is {self.value!r}"
        return f"{self.key + ' ' if self.key else ''}{found}; allowed: {self.allowed}; fix: {self.fix}"


class SettingsError(ValueError):
    """A stage's settings cannot be used. Its text names the line of each problem that has one.

    Attributes:
        file: The settings file.
        problems: The mistakes that were found.
    """

    def __init__(self, file: Path, problems: Iterable[Problem], text: str = "") -> None:
        self.file = file
        self.problems = tuple(problems)
        places = ((line_of(text, f"{problem.key}.{problem.value}"), problem) for problem in self.problems)
        super().__init__("\n".join(f"{file}{f':{line}' if line else ''}: {problem}" for line, problem in places))


def line_of(text: str, key: str) -> int:
    """Return the line of a key in a TOML text, or of the innermost table or value around it; 0 for none.

    Args:
        text: The text. Values over several lines are found by their first line.
        key: The key as a problem names it. Parts after the last name that the text contains are ignored.
    """
    table, best, found = "", "", 0
    counts: dict[str, int] = defaultdict(int)
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*(\[\[?)\s*([^\]]+?)\s*\]", line):
            table = place = header[2]
            if header[1] == "[[":
                counts[table] += 1
                table = place = f"{table}[{counts[table]}]"
        elif name := re.match(r"\s*([\w.-]+)\s*=", line):
            place = dotted(table, name[1])
        else:
            continue
        if len(place) > len(best) and re.match(rf"{re.escape(place)}(?![\w-])", key):
            best, found = place, number
    return found


def checked(model: type[_Model], document: Mapping[str, Any], file: Path, text: str) -> _Model:
    """Return a file's content as a model.

    Args:
        model: The model.
        document: The content, over the defaults.
        file: The file.
        text: The file's text.

    Raises:
        SettingsError: A key is unknown, missing, of another type or out of range; the error lists every such key.
    """
    try:
        return model.model_validate(_as_tuples(document))
    except ValidationError as error:
        # Unknown keys first: a misspelt key also causes a missing one.
        errors = sorted(error.errors(), key=lambda each: each["type"] != _UNKNOWN)
        found = {str(problem): problem for problem in (_problem(each, model, document) for each in errors)}
        raise SettingsError(file, found.values(), text) from error


def dotted(key: str, name: str) -> str:
    """Return the key of a member of a table, in quotes where TOML needs them."""
    quoted = name if re.fullmatch(r"[\w.-]+", name) else f'"{name}"'
    return f"{key}.{quoted}" if key else quoted


def _as_tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_tuples(member) for name, member in value.items()}
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value


def _problem(error: ErrorDetails, model: type[Table], document: Mapping[str, Any]) -> Problem:
    """Translate one error of pydantic into the key, its value and the allowed values."""
    if place := _of_another_table(error, model, document):
        return Problem(place.key, place.value, place.expected()[0], "correct the value")
    is_name = error["loc"][-1] == "[key]"
    *path, last = error["loc"][:-1] if is_name else error["loc"]
    above = reduce(_Place.member, path, _Place("", model, document))
    if is_name:
        return Problem(above.key, last, above.names.allowed, "rename it")
    if error["type"] == _UNKNOWN:
        key, allowed = dotted(above.key, str(last)), f"one of {', '.join(above.kind.model_fields)}"
        return Problem(key, above.value[last], allowed, "correct the name, or remove it")
    place = above.member(last)
    allowed, fix = place.expected()
    return Problem(place.key, place.value, allowed, fix or ("add it" if place.value is None else "correct the value"))


def _of_another_table(error: ErrorDetails, model: type[Table], document: Mapping[str, Any]) -> _Place | None:
    """Return the place of a field that is read from a table of others; None if the error is in another place."""
    for field in model.model_fields.values():
        if isinstance(field.validation_alias, AliasPath) and (*field.validation_alias.path,) == error["loc"]:
            table, name = map(str, field.validation_alias.path)
            kind, rule = _plain(field.rebuild_annotation())
            return _Place(dotted(table, name), kind, document[table][name], rule)
    return None


@dataclass(frozen=True)
class _Place:
    """A place in a file.

    Attributes:
        key: Its key, dotted; members of lists by their number.
        kind: The type of its field.
        value: The value there; None for none.
        rule: The rule of its field.
    """

    key: str
    kind: Any
    value: Any
    rule: Rule | None = None

    def member(self, step: str | int) -> _Place:
        """Return the place one step further in; a member of a list of plain values has the list's place."""
        if isinstance(step, int):
            kind, _ = _plain(get_args(self.kind)[0])
            return _Place(f"{self.key}[{step + 1}]", kind, self.value[step]) if _is_table(kind) else self
        fields = self.kind.model_fields if _is_table(self.kind) else {}
        kind, rule = _plain(fields[step].rebuild_annotation() if fields else get_args(self.kind)[1])
        return _Place(dotted(self.key, step), kind, self.value.get(step), rule)

    @property
    def names(self) -> Rule:
        """The rule of the names of its tables."""
        rule = _plain(get_args(self.kind)[0])[1]
        assert rule, "named tables have a rule for their names"
        return rule

    def expected(self) -> tuple[str, str]:
        """Return the allowed values and, if it is not obvious, the correction."""
        if _is_table(self.kind):
            return f"a table [{self.key}]", f"write [{self.key}] and its keys below it"
        if get_origin(self.kind) is None:
            return _with_rule(_TYPES.get(self.kind, "a value"), self.rule, ", "), ""
        if get_origin(self.kind) is not tuple:
            return f"at least one table [{self.key}.<name>]", f"add [{self.key}.<name>]"
        member, rule = _plain(get_args(self.kind)[0])
        if _is_table(member):
            return f"tables [[{self.key}]]", f"write [[{self.key}]] and its keys below it"
        return _with_rule(f"a list of {_TYPES_OF_MANY[member]}", rule, ", each "), ""


def _is_table(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Table)


def _plain(annotation: Any) -> tuple[Any, Rule | None]:
    """Split an annotation into its type, without None, and its rule."""
    rule = None
    if get_origin(annotation) is Annotated:
        annotation, *metadata = get_args(annotation)
        rule = next((each for each in metadata if isinstance(each, Rule)), None)
    if get_origin(annotation) in (Union, UnionType):
        (annotation,) = (choice for choice in get_args(annotation) if choice is not NoneType)
        annotation, inner = _plain(annotation)
        rule = rule or inner
    return annotation, rule


def _with_rule(kind: str, rule: Rule | None, between: str) -> str:
    return f"{kind}{between}{rule.allowed}" if rule else kind
