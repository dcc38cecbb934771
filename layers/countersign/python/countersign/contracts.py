"""JSON Schemas of everything that crosses the kit's border, compiled when first used."""

import json
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from countersign.domain.attachments import Attachment
from countersign.domain.clock import SystemClock
from countersign.domain.errors import ContractError
from countersign.domain.identity import NO_ALIASES
from countersign.domain.people import check_approvers
from countersign.domain.strict_json import canonical

OF_AGE = 18
"""Years."""

MAX_INPUT_BYTES = 64_000
"""The largest input that holds values of any form: it stands on the task and in the result beside an answer."""

Validator = Callable[[Any], Any]


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


def problems(name: str, document: Mapping[str, Any]) -> list[ContractError]:
    """Return everything that is wrong with the members of a document: for a sender who can mend it all at once.

    Args:
        name: The schema, of an object.
        document: The plain JSON values.

    Raises:
        LookupError: There is no such schema.
    """
    schema = _schema(name)
    missing = (member for member in schema.get("required", ()) if member not in document)
    found = [ContractError("is missing", f"/{_escaped(member)}") for member in missing]
    known = [member for member in schema.get("properties", ()) if member in document]
    found += [error for member in known if (error := _problem(name, document[member], member))]
    return found or _problems_together(name, document)


def _problems_together(name: str, document: Mapping[str, Any]) -> list[ContractError]:
    """Return what is wrong with members that are right each by itself, or that no contract names."""
    try:
        check(name, document)
    except ContractError as error:
        return [error]
    return []


def _problem(name: str, value: Any, member: str) -> ContractError | None:
    from fastjsonschema import JsonSchemaValueException

    try:
        _member_validator(name, member)(value)
    except JsonSchemaValueException as error:
        path = "".join(f"/{_escaped(step)}" for step in (member, *error.path[1:]))
        return ContractError(_reason(error), path)
    return None


@cache
def _member_validator(name: str, member: str) -> Validator:
    """Return what checks one member of an object that its schema names."""
    schema = _schema(name)
    return _compiled({"definitions": schema.get("definitions", {}), **schema["properties"][member]})


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
def _validator(name: str) -> Validator:
    return _compiled(_schema(name))


def _compiled(schema: dict[str, Any]) -> Validator:
    import fastjsonschema

    validator: Validator = fastjsonschema.compile(
        schema, handlers={"": _schema_of_file}, use_default=False, detailed_exceptions=True
    )
    return validator


def _schema_of_file(reference: str) -> dict[str, Any]:
    """Return the schema that another one refers to by the name of its file."""
    return _schema(reference.removesuffix(".json"))


def _reason(error: Any) -> str:
    if error.rule == "additionalProperties":
        return f"has a property that is not allowed; allowed are {', '.join(sorted(error.definition['properties']))}"
    return str(error.message).replace(str(error.name), "the value", 1)


def _approvers(document: Mapping[str, Any], prefix: str) -> None:
    """Refuse what is wrong with approvers whatever the directory knows of them."""
    check_approvers(document["approvers"], document["requester"], document.get("rule", {}), NO_ALIASES, prefix)


def _attachments(document: Mapping[str, Any], prefix: str) -> None:
    """Refuse links of which a reader, or a browser, could not tell where they lead."""
    for place, attachment in enumerate(document.get("attachments", ())):
        if not Attachment(**attachment).host:
            reason = "is no https URL of a host by its name, without user info or a backslash"
            raise ContractError(reason, f"{prefix}/attachments/{place}/url")


def _small(document: Mapping[str, Any], prefix: str) -> None:
    """Refuse what would leave no room for an answer, in an item of the ledger."""
    try:
        size = len(canonical(document))
    except ValueError as error:  # strict JSON holds no infinity, and no document that was read has one
        raise ContractError("holds what is no JSON", prefix) from error
    if size > MAX_INPUT_BYTES:
        raise ContractError(f"must be at most {MAX_INPUT_BYTES} bytes of JSON", prefix)


def _adult(document: Mapping[str, Any], prefix: str) -> None:
    """Refuse a date of birth that is no date, or of somebody who is not of age today."""
    try:
        born = date.fromisoformat(document["date_of_birth"])
    except ValueError as error:
        raise ContractError("is no date", f"{prefix}/date_of_birth") from error
    today = SystemClock().now().date()
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    if age < OF_AGE:
        raise ContractError(
            f"must be the date of birth of somebody of at least {OF_AGE} years", f"{prefix}/date_of_birth"
        )


_RULES: dict[str, Callable[[Mapping[str, Any], str], None]] = {
    "adult": _adult,
    "approvers": _approvers,
    "attachments": _attachments,
    "small": _small,
}
"""What a schema cannot say by itself, by the names that it lists under `x-rules`."""


def _escaped(step: object) -> str:
    return str(step).replace("~", "~0").replace("/", "~1")
