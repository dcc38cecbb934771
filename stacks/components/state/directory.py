"""The directory: a small table of people's aliases and absences."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.components.house.findings import Accepted, accept
from stacks.components.house.rights import allow

_KEPT_ELSEWHERE = (
    "its owner, a person or a directory sync, can write it again; point-in-time recovery restores any second of 35 days"
)


class Directory(Construct):
    """Aliases and absences, by address. A person or a directory sync writes it; the kit reads it.

    Args:
        separate_tags: Whether `rita+shop@…` and `rita@…` are two people.
        protected: Whether DynamoDB refuses to delete the table until this is turned off.

    Attributes:
        table: The table.
        environment: Variables of functions that read it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        separate_tags: bool,
        protected: bool,
        removal_policy: RemovalPolicy,
    ) -> None:
        super().__init__(scope, construct_id)
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name="address", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=protected,
            removal_policy=removal_policy,
        )
        accept(self.table, Accepted(_KEPT_ELSEWHERE, nist="DynamoDBInBackupPlan"))
        self.environment: Mapping[str, str] = {
            "DIRECTORY_TABLE": self.table.table_name,
            **({"DIRECTORY_TAGS": "separate"} if separate_tags else {}),
        }

    def grant_read(self, grantee: iam.IGrantable) -> None:
        """Allow looking people up."""
        allow(grantee, "dynamodb:BatchGetItem", on=[self.table.table_arn])
