"""Validation by the kit's JSON Schemas, which are compiled on first use."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any, NamedTuple

from countersign.domain import money
from countersign.domain.clock import SystemClock
from countersign.domain.errors import ContractError, SeveralProblemsError
from countersign.domain.identity import NO_ALIASES
from countersign.domain.people import check_approvers, requesters_in
from countersign.domain.questions import Attachment
from countersign.domain.strict_json import canonical

OF_AGE = 18
"""Years."""

MAX_INPUT_BYTES = 64_000
"""The largest input with values of any form: the task and the result hold it together with an answer."""

MOST_PROBLEMS = 100
"""How many problems of one document are reported: a document can have as many as bytes."""

Validator = Callable[[Any], Any]


class Rule(NamedTuple):
    """A rule that a schema cannot express.

    Attributes:
        members: The members of the document that it reads; it is skipped if one of them breaks the schema.
        problems: Returns the problems of a document, given the document and its JSON pointer.
    """

    members: tuple[str, ...]
    problems: Callable[[Mapping[str, Any], str], Iterable[ContractError]]


def check(name: str, document: Any, prefix: str = "") -> Any:
    """Return the document after checking its contract.

    Args:
        name: The schema, such as `envelope` or `order-approval.input`; a file of the package `schemas`, or of a
            fork's workflow.
        document: The plain JSON values.
        prefix: JSON pointer of the document within the body, such as `/input`.

    Raises:
        ContractError: The document breaks the contract; the error has all problems, each with its JSON pointer and the
            rule, not the value.
        LookupError: No schema has this name.
    """
    refuse(problems(name, document, prefix))
    return document


def refuse(found: Sequence[ContractError]) -> None:
    """Raise all problems as one error, if there are any.

    Raises:
        ContractError: There is at least one problem.
    """
    if len(found) > 1:
        raise SeveralProblemsError(tuple(found))
    for error in found:
        raise error


def problems(name: str, document: Any, prefix: str = "") -> list[ContractError]:
    """Return all problems of a document, so that its sender can correct them at once.

    The arguments are those of `check`.

    Raises:
        LookupError: No schema has this name.
    """
    from fastjsonschema import JsonSchemaValuesException

    found: list[ContractError] = []
    try:
        _validator(name)(_pointed(document))
    except JsonSchemaValuesException as error:
        violations = (problem for each in error.errors for problem in _problems_of(each, prefix))
        found = list(islice(violations, MOST_PROBLEMS))
    return found + broken_rules(map(_rule, _schema(name).get("x-rules", ())), document, prefix, found)


def broken_rules(
    rules: Iterable[Rule], document: Any, prefix: str, found: Sequence[ContractError]
) -> list[ContractError]:
    """Return the problems of a document by rules; skip the rules that read a member with a known problem."""
    if not isinstance(document, dict):
        return []
    inside = (error.pointer.removeprefix(f"{prefix}/") for error in found if error.pointer.startswith(f"{prefix}/"))
    broken = {place.partition("/")[0] for place in inside}
    return [error for rule in rules if broken.isdisjoint(rule.members) for error in rule.problems(document, prefix)]


class _Pointed(float):
    """A number written with a point or an exponent: not an integer here, although JSON Schema accepts `2.0`."""

    def is_integer(self) -> bool:
        return False


def _pointed(value: Any) -> Any:
    """Return a document in which no float counts as an integer, since a workflow may pass it to `range`."""
    if isinstance(value, dict):
        return {name: _pointed(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_pointed(item) for item in value]
    return _Pointed(value) if isinstance(value, float) else value


def _problems_of(error: Any, prefix: str) -> Iterator[ContractError]:
    """Yield the problems of a schema violation for the sender, one for each missing member."""
    place = prefix + "".join(f"/{_escaped(step)}" for step in error.path[1:])
    if error.rule not in ("required", "dependencies", "anyOf"):
        yield ContractError(_reason(error), place)
        return
    for member in _needed(error):
        if member not in error.value:
            yield ContractError("is missing", f"{place}/{_escaped(member)}")


def _needed(error: Any) -> Iterable[str]:
    """Return the members that an object needs: always, in the first of several forms, or beside a member it has."""
    if error.rule == "required":
        return tuple(error.rule_definition)
    if error.rule == "anyOf":
        return tuple(error.rule_definition[0]["required"])
    return (name for given, names in error.rule_definition.items() if given in error.value for name in names)


def exists(name: str) -> bool:
    """Tell whether a schema of this name exists."""
    return _text(name) is not None


def has_member(name: str, member: str) -> bool:
    """Tell whether a schema of an object names a member.

    Raises:
        LookupError: No schema has this name.
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
    """Return a schema by its file name, to which another schema refers."""
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
    """Check the approvers without consulting the directory; an agent names none."""
    if "approvers" not in document:
        return
    if "approvers" not in document:  # where they are required, the schema reports it
        return
    try:
        check_approvers(document["approvers"], requesters_in(document), document.get("rule", {}), NO_ALIASES, prefix)
    except ContractError as error:
        yield error


def _money(document: Mapping[str, Any], prefix: str) -> Iterator[ContractError]:
    """Yield a problem if no payment can have this amount in this currency."""
    if "amount" not in document:  # where it is required, the schema reports it
        return
    if document["currency"] not in money.ISO_4217:
        yield ContractError("must be the code of a current currency of ISO 4217", f"{prefix}/currency")
    elif reason := money.unpayable(document["amount"], document["currency"]):
        yield ContractError(reason, f"{prefix}/amount")


def _small(document: Mapping[str, Any], prefix: str) -> Iterator[ContractError]:
    """Yield a problem if the input leaves no room for an answer in its item of the ledger."""
    try:
        size = len(canonical(document))
    except ValueError:  # an infinite number, which strict JSON cannot hold and no document that was read has
        yield ContractError("has a value that JSON does not allow", prefix)
        return
    if size > MAX_INPUT_BYTES:
        yield ContractError(f"must be at most {MAX_INPUT_BYTES} bytes of JSON", prefix)


def _adult(document: Mapping[str, Any], prefix: str) -> Iterator[ContractError]:
    """Yield a problem if a date of birth is not a date, or the person is not of age today."""
    place = f"{prefix}/date_of_birth"
    try:
        born = date.fromisoformat(document["date_of_birth"])
    except ValueError:
        yield ContractError("is not a date", place)
        return
    today = SystemClock().now().date()
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    if age < OF_AGE:
        yield ContractError(f"must be the date of birth of a person of at least {OF_AGE} years", place)


_NO_LINK = "must be an https URL with a host name, without user info or a backslash"
_FORMATS: dict[str, Callable[[str], bool]] = {"link": lambda text: bool(Attachment("", text).host)}
"""The kit's own values of `format`: `link` is a URL that leads to the host that a reader sees in it."""

_RULES: dict[str, Rule] = {
    "adult": Rule(("date_of_birth",), _adult),
    "approvers": Rule(("approvers", "requester", "on_behalf_of", "rule"), _approvers),
    "money": Rule(("amount", "currency"), _money),
    "small": Rule((), _small),
}
"""The rules, by the names that schemas list under `x-rules`."""


def _rule(name: str) -> Rule:
    """Return a rule by its name.

    Raises:
        LookupError: No rule has this name.
    """
    if name not in _RULES:
        raise LookupError(f"`x-rules` names {name!r}; allowed: {', '.join(_RULES)}")
    return _RULES[name]


def _escaped(step: object) -> str:
    return str(step).replace("~", "~0").replace("/", "~1")
