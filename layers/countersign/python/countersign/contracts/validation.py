"""JSON Schemas of everything that crosses the kit's border, compiled when first used."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any

from countersign.domain import money
from countersign.domain.clock import SystemClock
from countersign.domain.errors import ContractError, SeveralProblemsError
from countersign.domain.identity import NO_ALIASES
from countersign.domain.people import check_approvers
from countersign.domain.questions import Attachment
from countersign.domain.strict_json import canonical

OF_AGE = 18
"""Years."""

MAX_INPUT_BYTES = 64_000
"""The largest input that holds values of any form: it stands on the task and in the result beside an answer."""

MOST_PROBLEMS = 100
"""How many problems of one document are told: a sender can put as many into it as it has bytes."""

Validator = Callable[[Any], Any]


@dataclass(frozen=True)
class Rule:
    """What a schema cannot say by itself.

    Attributes:
        members: The members of the document that it reads; it is left out where one of them breaks the schema.
        problems: Returns what is wrong, given the document and the JSON pointer of it.
    """

    members: tuple[str, ...]
    problems: Callable[[Mapping[str, Any], str], Iterable[ContractError]]


def check(name: str, document: Any, prefix: str = "") -> Any:
    """Return the document once it is known to keep a contract.

    Args:
        name: The schema, such as `envelope` or `order-approval.input`; a file of the package `schemas`, or of a
            fork's workflow.
        document: The plain JSON values.
        prefix: JSON pointer of the document within what was sent, such as `/input`.

    Raises:
        ContractError: The document breaks the contract; has all problems, each with its JSON pointer and the rule, not
            the value.
        LookupError: There is no such schema.
    """
    refuse(problems(name, document, prefix))
    return document


def refuse(found: Sequence[ContractError]) -> None:
    """Raise what was found, as one error; do nothing where nothing was.

    Raises:
        ContractError: There is at least one problem.
    """
    if len(found) > 1:
        raise SeveralProblemsError(tuple(found))
    for error in found:
        raise error


def problems(name: str, document: Any, prefix: str = "") -> list[ContractError]:
    """Return everything that is wrong with a document: for a sender who can mend it all at once.

    The arguments are those of `check`.

    Raises:
        LookupError: There is no such schema.
    """
    from fastjsonschema import JsonSchemaValuesException

    found: list[ContractError] = []
    try:
        _validator(name)(_pointed(document))
    except JsonSchemaValuesException as error:
        told = (problem for each in error.errors for problem in _problems_of(each, prefix))
        found = list(islice(told, MOST_PROBLEMS))
    return found + broken_rules(map(_rule, _schema(name).get("x-rules", ())), document, prefix, found)


def broken_rules(
    rules: Iterable[Rule], document: Any, prefix: str, found: Sequence[ContractError]
) -> list[ContractError]:
    """Return what rules have against a document, beside what is known to be wrong with it."""
    if not isinstance(document, dict):
        return []
    inside = (error.pointer.removeprefix(f"{prefix}/") for error in found if error.pointer.startswith(f"{prefix}/"))
    broken = {place.partition("/")[0] for place in inside}
    return [error for rule in rules if broken.isdisjoint(rule.members) for error in rule.problems(document, prefix)]


class _Pointed(float):
    """A number that was written with a point or an exponent: no integer, though JSON Schema takes `2.0` for one."""

    def is_integer(self) -> bool:
        return False


def _pointed(value: Any) -> Any:
    """Return a document in which no float is taken for an integer: `range` and `timedelta` of a workflow would not."""
    if isinstance(value, dict):
        return {name: _pointed(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_pointed(item) for item in value]
    return _Pointed(value) if isinstance(value, float) else value


def _problems_of(error: Any, prefix: str) -> Iterator[ContractError]:
    """Yield what a violation of a schema tells the sender; each member that is missing by itself."""
    place = prefix + "".join(f"/{_escaped(step)}" for step in error.path[1:])
    if error.rule != "required":
        yield ContractError(_reason(error), place)
        return
    for member in error.rule_definition:
        if member not in error.value:
            yield ContractError("is missing", f"{place}/{_escaped(member)}")


def exists(name: str) -> bool:
    """Tell whether there is a schema of this name."""
    return _text(name) is not None


def has_member(name: str, member: str) -> bool:
    """Tell whether a schema of an object names a member.

    Raises:
        LookupError: There is no such schema.
    """
    return member in _schema(name).get("properties", ())


@cache
def _schema(name: str) -> dict[str, Any]:
    text = _text(name)
    if text is None:
        raise LookupError(f"no schema named {name}; add schemas/{name}.json to the layer")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _text(name: str) -> str | None:
    """Return the text of a schema: the kit's, or a fork's `extensions/workflows/<workflow>/<part>.json`."""
    file = files("countersign.contracts.schemas").joinpath(f"{name}.json")
    if file.is_file():
        return file.read_text("utf-8")
    workflow, _, part = name.partition(".")
    try:
        file = files(f"extensions.workflows.{workflow.replace('-', '_')}").joinpath(f"{part}.json")
    except ModuleNotFoundError:
        return None
    return file.read_text("utf-8") if file.is_file() else None


@cache
def _validator(name: str) -> Validator:
    import fastjsonschema

    validator: Validator = fastjsonschema.compile(
        _schema(name),
        handlers={"": _schema_of_file},
        formats=_FORMATS,
        use_default=False,
        detailed_exceptions=True,
        fast_fail=False,
    )
    return validator


def _schema_of_file(reference: str) -> dict[str, Any]:
    """Return the schema that another one refers to by the name of its file."""
    return _schema(reference.removesuffix(".json"))


def _reason(error: Any) -> str:
    if error.rule == "additionalProperties":
        return f"has a property that is not allowed; allowed are {', '.join(sorted(error.definition['properties']))}"
    if error.rule == "type" and error.rule_definition == "integer":
        return "must be an integer, without a point or an exponent"
    if error.rule == "format" and error.rule_definition == "link":
        return _NO_LINK
    if error.rule == "pattern" and "description" in error.definition:
        return f"must be this: {error.definition['description']}"
    return str(error.message).replace(str(error.name), "the value", 1)


def _approvers(document: Mapping[str, Any], prefix: str) -> Iterator[ContractError]:
    """Yield what is wrong with approvers whatever the directory knows of them."""
    try:
        check_approvers(document["approvers"], document["requester"], document.get("rule", {}), NO_ALIASES, prefix)
    except ContractError as error:
        yield error


def _money(document: Mapping[str, Any], prefix: str) -> Iterator[ContractError]:
    """Yield why nobody could ever pay an amount: the payment would wait for nothing."""
    if document["currency"] not in money.ISO_4217:
        yield ContractError("must be the code of a current currency of ISO 4217", f"{prefix}/currency")
    elif reason := money.unpayable(document["amount"], document["currency"]):
        yield ContractError(reason, f"{prefix}/amount")


def _small(document: Mapping[str, Any], prefix: str) -> Iterator[ContractError]:
    """Yield what would leave no room for an answer, in an item of the ledger."""
    try:
        size = len(canonical(document))
    except ValueError:  # strict JSON holds no infinity, and no document that was read has one
        yield ContractError("holds what is no JSON", prefix)
        return
    if size > MAX_INPUT_BYTES:
        yield ContractError(f"must be at most {MAX_INPUT_BYTES} bytes of JSON", prefix)


def _adult(document: Mapping[str, Any], prefix: str) -> Iterator[ContractError]:
    """Yield why a date of birth is none, or is that of somebody who is not of age today."""
    place = f"{prefix}/date_of_birth"
    try:
        born = date.fromisoformat(document["date_of_birth"])
    except ValueError:
        yield ContractError("is no date", place)
        return
    today = SystemClock().now().date()
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    if age < OF_AGE:
        yield ContractError(f"must be the date of birth of somebody of at least {OF_AGE} years", place)


_NO_LINK = "is no https URL of a host by its name, without user info or a backslash"
_FORMATS: dict[str, Callable[[str], bool]] = {"link": lambda text: bool(Attachment("", text).host)}
"""The kit's own values of `format`: `link` is a URL of which a reader, and a browser, can tell where it leads."""

_RULES: dict[str, Rule] = {
    "adult": Rule(("date_of_birth",), _adult),
    "approvers": Rule(("approvers", "requester", "rule"), _approvers),
    "money": Rule(("amount", "currency"), _money),
    "small": Rule((), _small),
}
"""The rules, by the names that schemas list under `x-rules`."""


def _rule(name: str) -> Rule:
    """Return a rule by its name.

    Raises:
        LookupError: There is none.
    """
    if name not in _RULES:
        raise LookupError(f"`x-rules` names {name!r}; allowed: {', '.join(_RULES)}")
    return _RULES[name]


def _escaped(step: object) -> str:
    return str(step).replace("~", "~0").replace("/", "~1")
