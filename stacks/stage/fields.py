"""The building blocks of settings: tables, and rules for their values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Table(BaseModel):
    """A table of a settings file. It accepts only its fields' keys, and values of their exact types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


class DefaultedTable(Table):
    """A table that `defaults.toml` may fill: a stage's file may leave out any of its keys."""

    model_config = ConfigDict(json_schema_extra=lambda schema: schema.pop("required", None))


@dataclass(frozen=True, eq=False)
class Rule:
    """A rule for a value beyond its type, as an annotation of its field.

    Attributes:
        allowed: The allowed values, in words.
        holds: Tells whether a value keeps the rule.
        keywords: The rule in keywords of JSON Schema, as far as it has them.
    """

    allowed: str
    holds: Callable[[Any], bool]
    keywords: Mapping[str, Any] = field(default_factory=dict)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the rule after the type."""
        return core_schema.no_info_after_validator_function(self._kept, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Add the rule's keywords to those of the type."""
        return {**handler(schema), **self.keywords}

    def _kept(self, value: Any) -> Any:
        if not self.holds(value):
            raise ValueError(self.allowed)
        return value


def between(low: int, high: int, unit: str) -> Rule:
    """Return a rule for a number between bounds, both included."""
    return Rule(f"{low} to {high} {unit}", lambda value: low <= value <= high, {"minimum": low, "maximum": high})


def one_of(values: tuple[Any, ...]) -> Rule:
    """Return a rule that allows these values only."""
    return Rule(f"one of {', '.join(map(str, values))}", lambda value: value in values, {"enum": list(values)})


def matching(pattern: str, meaning: str) -> Rule:
    """Return a rule for a text that matches a pattern as a whole."""
    return Rule(meaning, lambda value: re.fullmatch(pattern, value) is not None, {"pattern": f"^(?:{pattern})$"})


_LONGEST_NAME = 64
DISPLAY_NAME = Rule(
    f'at most {_LONGEST_NAME} printable characters, without < > @ " and \\',
    lambda value: len(value) <= _LONGEST_NAME and value.isprintable() and not set(value) & set('<>@"\\'),
    {"maxLength": _LONGEST_NAME},
)
"""A name that a mail program can show beside an address."""

NOT_EMPTY = Rule("not empty", lambda value: len(value) > 0)

ADDRESS = r"[^@\s]+@[^@\s]+\.[^@\s]+"
"""A rough pattern of an e-mail address."""

Address = Annotated[str, matching(ADDRESS, "an e-mail address")]
Name = Annotated[
    str,
    matching(r"[a-z][a-z0-9-]{0,39}", "a name of at most 40 lower-case letters, digits and hyphens, a letter first"),
]
Folder = Annotated[str, matching(r"[a-z][a-z0-9_]*", "a folder name under lambdas/: lower-case letters, digits, _")]
Seconds = Annotated[int, Rule("1 second or more", lambda value: value >= 1, {"minimum": 1})]
