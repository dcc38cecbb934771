"""Rights to single items of a table, when IAM is enforced (`AUTH=true`)."""
# mypy: disable-error-code="import-not-found"
# ruff: noqa: SLF001

from __future__ import annotations

import json
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.services import dynamodb

_CONDITION_KEY = "dynamodb:LeadingKeys"


class _ItemOfTable(str):
    """A table's ARN, with the partition key of the item that a part of a transaction names."""

    __slots__ = ("leading_key",)
    leading_key: str


def tell_leading_keys() -> None:
    """Support the condition key `dynamodb:LeadingKeys`, by which policies distinguish items.

    Upstream does not know it, so that statements with it never apply. On AWS it is the partition key of each item that
    a request names, in a transaction separately for each part
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html). Here only requests
    that name items by their key have it, not queries.
    """
    context_of, checks_of = iam_actions.dynamodb_service_context, iam_actions.dynamodb_transaction_checks
    enforce = iam_evaluator.enforce

    def dynamodb_service_context(body: bytes) -> dict[str, Any]:
        context: dict[str, Any] = context_of(body)
        key = _leading_key(_document(body))
        return context | ({_CONDITION_KEY: [key]} if key else {})

    def dynamodb_transaction_checks(action: str, body: bytes, region: str, account_id: str) -> list[tuple[str, str]]:
        checks = checks_of(action, body, region, account_id)
        parts = [part for item in _document(body).get("TransactItems", []) for part in item.values()]
        if len(parts) != len(checks):  # a request that DynamoDB will refuse
            return list(checks)
        return [(name, _item(arn, part)) for (name, arn), part in zip(checks, parts, strict=True)]

    def enforce_policies(*args: Any, resource_arn: str = "*", service_context: Any = None) -> Any:
        if isinstance(resource_arn, _ItemOfTable):
            service_context = {**(service_context or {}), _CONDITION_KEY: [resource_arn.leading_key]}
        return enforce(*args, resource_arn=resource_arn, service_context=service_context)

    iam_actions.dynamodb_service_context = dynamodb_service_context
    iam_actions.dynamodb_transaction_checks = dynamodb_transaction_checks
    iam_evaluator.enforce = enforce_policies


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        document = None
    return document if isinstance(document, dict) else {}


def _item(arn: str, part: dict[str, Any]) -> str:
    key = _leading_key(part)
    if key is None:
        return arn
    item = _ItemOfTable(arn)
    item.leading_key = key
    return item


def _leading_key(request: dict[str, Any]) -> str | None:
    """Return the partition key of the one item that a request, or a part of a transaction, names."""
    named = request.get("Key") or request.get("Item")
    table = dynamodb._tables.get(str(request.get("TableName", "")).rpartition("/")[2])
    if not isinstance(named, dict) or table is None:
        return None
    value = named.get(table["pk_name"])
    return str(next(iter(value.values()))) if isinstance(value, dict) and value else None
