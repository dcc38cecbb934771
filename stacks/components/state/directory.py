"""The directory: a small table of what is known of people."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.components.house.findings import accept
from stacks.components.house.rights import allow

_KEPT_ELSEWHERE = (
    "whoever keeps it, a person or a directory, can write it again; point-in-time recovery restores 35 days of it"
)


class Directory(Construct):
    """Aliases and absences, by address. The kit reads it; who keeps it, a person or a directory sync, writes it.

    Args:
        separate_tags: Whether `rita+shop@…` is somebody else than `rita@…`.
        protected: Refuse deletion, by whomever, until this is turned off.

    Attributes:
        table: The table.
        environment: What a function reads that looks people up.
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
        accept(self.table, _KEPT_ELSEWHERE, nist="DynamoDBInBackupPlan")
        self.environment: Mapping[str, str] = {
            "DIRECTORY_TABLE": self.table.table_name,
            **({"DIRECTORY_TAGS": "separate"} if separate_tags else {}),
        }

    def grant_read(self, grantee: iam.IGrantable) -> None:
        """Let it look people up."""
        allow(grantee, "dynamodb:BatchGetItem", on=[self.table.table_arn])
