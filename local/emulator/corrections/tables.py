"""Tables in CloudFormation."""
# mypy: disable-error-code="import-not-found"
# ruff: noqa: SLF001

from __future__ import annotations

from typing import Any

from ministack.services import dynamodb
from ministack.services.cloudformation import provisioners


def keep_recovery_and_ttl() -> None:
    """Give tables the point-in-time recovery and the TTL of their templates.

    Upstream drops both, though its API has them
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html).
    """
    tables = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]
    create = tables["create"]

    def create_table(logical_id: str, properties: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        created = create(logical_id, properties, *args, **kwargs)
        name, _ = created
        for key, keep in (
            ("PointInTimeRecoverySpecification", dynamodb._update_continuous_backups),
            ("TimeToLiveSpecification", dynamodb._update_ttl),
        ):
            if key in properties:
                keep({"TableName": name, key: properties[key]})
        return created

    tables["create"] = create_table
