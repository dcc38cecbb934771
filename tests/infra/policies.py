"""What IAM makes of policies: whether a role may do something, decided as AWS decides it, at its worst.

A denial wins, then an allowance, and what neither is about is refused. Conditions are not looked into: an allowance
counts as if they held, a denial as if they did not.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from tests.infra.templates import Synthesised

Statement = Mapping[str, Any]


def statements_of_roles(stage: Synthesised) -> dict[str, list[Statement]]:
    """Return what is said of each role, by its path."""
    found: dict[str, list[Statement]] = defaultdict(list)
    for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        for policy in stage.of_type(kind):
            properties = stage.properties(policy)
            for role in properties.get("Roles", ()):
                found[role] += properties["PolicyDocument"]["Statement"]
    return found


def may(statements: Iterable[Statement], action: str, resource: str) -> bool:
    """Tell whether somebody of whom this is said may do an action on a resource."""
    about = [each for each in statements if _is_about(each, action, resource)]
    if any(each["Effect"] == "Deny" and "Condition" not in each for each in about):
        return False
    return any(each["Effect"] == "Allow" for each in about)


def _is_about(statement: Statement, action: str, resource: str) -> bool:
    if "NotAction" in statement:
        is_action = not _matches(statement["NotAction"], action, lower=True)
    else:
        is_action = _matches(statement["Action"], action, lower=True)
    if "NotResource" in statement:
        return is_action and not _matches(statement["NotResource"], resource)
    return is_action and _matches(statement["Resource"], resource)


def _matches(patterns: str | list[str], value: str, *, lower: bool = False) -> bool:
    """Tell whether one of the patterns, of which `*` and `?` are special, is the value; actions have no case."""
    listed = [patterns] if isinstance(patterns, str) else patterns
    fold = str.lower if lower else str
    return any(fnmatchcase(fold(value), fold(pattern).replace("[", "[[]")) for pattern in listed)
