"""JSON Schemas of everything that crosses the kit's border, compiled when first used."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from countersign.domain.errors import ContractError
from countersign.domain.identity import normalise


def check(name: str, document: Any, prefix: str = "") -> Any:
    """Return the document once it is known to keep a contract.

    Args:
        name: The schema, such as `envelope` or `order-approval.input`; a file of the package `schemas`.
        document: The plain JSON values.
        prefix: JSON pointer of the document within what was sent, such as `/input`.

    Raises:
        ContractError: The document breaks the contract; has the JSON pointer and the rule, not the value.
        LookupError: There is no such schema.
    """
    from fastjsonschema import JsonSchemaValueException

    try:
        checked = _validator(name)(document)
    except JsonSchemaValueException as error:
        path = "".join(f"/{_escaped(step)}" for step in error.path[1:])
        raise ContractError(_reason(error), prefix + path) from error
    for rule in _schema(name).get("x-rules", ()):
        _RULES[rule](document, prefix)
    return checked


def exists(name: str) -> bool:
    """Tell whether there is a schema of this name."""
    return files("countersign.schemas").joinpath(f"{name}.json").is_file()


@cache
def _schema(name: str) -> dict[str, Any]:
    if not exists(name):
        raise LookupError(f"no schema named {name}; add schemas/{name}.json to the layer")
    schema: dict[str, Any] = json.loads(files("countersign.schemas").joinpath(f"{name}.json").read_text("utf-8"))
    return schema


@cache
def _validator(name: str) -> Callable[[Any], Any]:
    import fastjsonschema

    validator: Callable[[Any], Any] = fastjsonschema.compile(_schema(name), use_default=False, detailed_exceptions=True)
    return validator


def _reason(error: Any) -> str:
    if error.rule == "additionalProperties":
        return f"has a property that is not allowed; allowed are {', '.join(sorted(error.definition['properties']))}"
    return str(error.message).replace(str(error.name), "the value", 1)


def _approvers(document: Mapping[str, Any], prefix: str) -> None:
    """Refuse approvers of whom two are one person, and a quorum that they cannot reach."""
    people = [normalise(person) for person in document["approvers"]]
    if len(set(people)) < len(people):
        raise ContractError("names one person twice", f"{prefix}/approvers")
    voters = len(set(people) - {normalise(document["requester"])})
    rule = document.get("rule", {})
    if rule.get("kind") == "quorum" and rule.get("k", 1) > voters:
        raise ContractError(f"needs more approvals than the {voters} who may approve", f"{prefix}/rule/k")


_RULES: dict[str, Callable[[Mapping[str, Any], str], None]] = {"approvers": _approvers}
"""What a schema cannot say by itself, by the names that it lists under `x-rules`."""


def _escaped(step: object) -> str:
    return str(step).replace("~", "~0").replace("/", "~1")
