"""The ledger: one table that holds every task, answer, link and audit entry."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.components.findings import accept

_READ = ("dynamodb:GetItem", "dynamodb:Query")
_WRITE = ("dynamodb:ConditionCheckItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
_INDEX = "gsi1"
_DELETE = ("dynamodb:DeleteItem",)

_RESTORED_FROM_ITS_OWN_LOG = (
    "point-in-time recovery restores any second of 35 days; a backup plan is for what an account must keep longer"
)

_CHANGES_OF_EXISTING_ITEMS = (
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:PartiQLDelete",
    "dynamodb:PartiQLUpdate",
    "dynamodb:UpdateItem",
)


class Ledger(Construct):
    """The table, and who may do what with it.

    Every grant also denies updating and deleting audit entries, whatever else the role is allowed later. No policy can
    tell a put that replaces from one that adds: the functions put an entry only where none stands, and the chain of
    hashes tells of one that was replaced.

    Attributes:
        table: The table.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        protected: bool,
        removal_policy: RemovalPolicy,
    ) -> None:
        """Build the table.

        Args:
            scope: The parent.
            construct_id: The id.
            protected: Refuse deletion, by whomever, until this is turned off.
            removal_policy: What becomes of it when its stack is deleted.
        """
        super().__init__(scope, construct_id)
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=_text("pk"),
            sort_key=_text("sk"),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
            time_to_live_attribute="ttl",
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=protected,
            removal_policy=removal_policy,
        )
        accept(self.table, _RESTORED_FROM_ITS_OWN_LOG, nist="DynamoDBInBackupPlan")
        # Sparse: open and decided tasks by when they are due, and links by recipient.
        self.table.add_global_secondary_index(
            index_name=_INDEX,
            partition_key=_text("gsi1pk"),
            sort_key=_text("gsi1sk"),
            projection_type=dynamodb.ProjectionType.ALL,
        )

    def grant_read_write(self, grantee: iam.IGrantable) -> None:
        """Let it read and write items, but delete none."""
        self._allow(grantee, *_READ, *_WRITE)

    def grant_parked(self, grantee: iam.IGrantable) -> None:
        """Let it clear away the events that waited for the task that it opens, and nothing else."""
        grantee.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(
                actions=list(_DELETE),
                resources=[self.table.table_arn],
                conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["EXTERNAL#*"]}},
            )
        )

    def grant_inboxes(self, grantee: iam.IGrantable) -> None:
        """Let it list what waits for somebody: their links by the index, then the tasks."""
        self._allow_index(grantee)
        grantee.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(actions=["dynamodb:BatchGetItem"], resources=[self.table.table_arn])
        )

    def grant_events(self, grantee: iam.IGrantable) -> None:
        """Let it look up events of providers, and the tasks that they are about, at once."""
        grantee.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(actions=["dynamodb:BatchGetItem"], resources=[self.table.table_arn])
        )

    def grant_submit(self, grantee: iam.IGrantable) -> None:
        """Let it put requests on record, and that they were started."""
        self._allow(grantee, "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")

    def grant_ring(self, grantee: iam.IGrantable) -> None:
        """Let it do what the relay does: read a task and record how the ring went."""
        self._allow(grantee, "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")

    def grant_sweep(self, grantee: iam.IGrantable) -> None:
        """Let it do what the sweeper does: list what is overdue, ring, start again, apply events that waited."""
        self._allow_index(grantee)
        self._allow(grantee, *_READ, "dynamodb:PutItem", "dynamodb:UpdateItem")
        self.grant_parked(grantee)

    def grant_outbox(self, grantee: iam.IGrantable) -> None:
        """Let it do what the publisher does: clear away what it has sent from the outbox."""
        self._allow(grantee, *_DELETE)

    def grant_stream(self, grantee: iam.IGrantable) -> None:
        """Let an event source mapping read the stream on its behalf.

        `Table.grant_stream_read` would allow ListStreams on every table of the account.
        """
        grantee.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(
                actions=[
                    "dynamodb:DescribeStream",
                    "dynamodb:GetRecords",
                    "dynamodb:GetShardIterator",
                    "dynamodb:ListStreams",
                ],
                resources=[self.stream_arn],
            )
        )

    @property
    def stream_arn(self) -> str:
        """ARN of the stream."""
        arn = self.table.table_stream_arn
        assert arn is not None, "the table has a stream"
        return arn

    def _allow_index(self, grantee: iam.IGrantable) -> None:
        grantee.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(actions=["dynamodb:Query"], resources=[f"{self.table.table_arn}/index/{_INDEX}"])
        )

    def _allow(self, grantee: iam.IGrantable, *actions: str) -> None:
        resources = [self.table.table_arn]
        principal = grantee.grant_principal
        principal.add_to_principal_policy(iam.PolicyStatement(actions=list(actions), resources=resources))
        principal.add_to_principal_policy(
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                actions=list(_CHANGES_OF_EXISTING_ITEMS),
                resources=resources,
                conditions={"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": ["AUDIT#*"]}},
            )
        )


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
