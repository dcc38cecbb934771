"""The ledger: one table that holds every task, answer, link and audit entry."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from countersign.adapters.keys import AUDIT, EVENT, EXTERNAL, INDEX, INDEX_PK, INDEX_SK, LINK, REQUEST, TASK, TOKEN
from stacks.components.house.findings import accept
from stacks.components.house.rights import allow

_READ = ("dynamodb:GetItem", "dynamodb:Query")
_READ_MANY = "dynamodb:BatchGetItem"
_CHECK = "dynamodb:ConditionCheckItem"
_WRITE = ("dynamodb:PutItem", "dynamodb:UpdateItem")
_KEY = "dynamodb:LeadingKeys"
_DELETE = ("dynamodb:DeleteItem",)

_TASKS = (f"{AUDIT}*", f"{TASK}*")
"""A task's partition and its audit. Every write to the one has an entry in the other."""

_EVENTS = (f"{EVENT}*", f"{EXTERNAL}*")
"""Events of providers, the claims of external ids, and the events that wait for their task."""

_LINKS = (f"{LINK}*",)
"""Links of people: whoever writes one has the vote of the person it names."""

_REQUESTS = (f"{REQUEST}*",)
_TOKENS = (f"{TOKEN}*",)

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

    Roles may read every item: of tokens the table has only hashes. The role that serves people may not read the hashes
    of machines' tokens, nor the roles that serve machines those of people's links. Roles may write items by the prefix
    of the partition key. AWS evaluates the keys of all items of a request, and each part of a transaction by itself.
    `ForAllValues` is true also for a request without keys, which `Null` refuses
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html).

    Every grant also denies updating and deleting audit entries, whatever else the role is allowed later. No policy can
    tell a put that replaces from one that adds: the functions put an entry only where none stands, and the chain of
    hashes tells of one that was replaced.

    Args:
        protected: Refuse deletion, by whomever, until this is turned off.

    Attributes:
        table: The table.
        environment: What functions read that use it.
    """

    def __init__(self, scope: Construct, construct_id: str, *, protected: bool, removal_policy: RemovalPolicy) -> None:
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
        self.environment: Mapping[str, str] = {"LEDGER_TABLE": self.table.table_name}
        # Sparse: open and decided tasks by when they are due, and links by recipient.
        self.table.add_global_secondary_index(
            index_name=INDEX,
            partition_key=_text(INDEX_PK),
            sort_key=_text(INDEX_SK),
            projection_type=dynamodb.ProjectionType.ALL,
        )

    def grant_reviews(self, grantee: iam.IGrantable) -> None:
        """Let it list what waits for a person, and record what people decide; it reads no token of a machine."""
        self._allow(grantee, *_READ, _READ_MANY)
        self._allow(grantee, *_WRITE, items=_TASKS)
        self._allow_index(grantee)
        self._deny(grantee, *_READ, _READ_MANY, items=_TOKENS)

    def grant_answers(self, grantee: iam.IGrantable) -> None:
        """Let it record what providers and machines answer; it reads no link of a person."""
        self._allow(grantee, *_READ, _READ_MANY)
        self._allow(grantee, _CHECK, *_WRITE, items=(*_TASKS, *_EVENTS))
        self._deny(grantee, *_READ, _READ_MANY, items=_LINKS)

    def grant_links(self, grantee: iam.IGrantable) -> None:
        """Let it do what the approver does: make links of people, and record in the audit that it did."""
        self._allow(grantee, *_READ)
        self._allow(grantee, *_WRITE, items=(*_TASKS, *_LINKS))

    def grant_waits(self, grantee: iam.IGrantable) -> None:
        """Let it do what a workflow does: open tasks and close them, make tokens of machines, record its result."""
        self._allow(grantee, *_READ)
        self._allow(grantee, *_WRITE, items=(*_TASKS, *_EVENTS, *_REQUESTS, *_TOKENS))
        self._allow_parked(grantee)

    def grant_result(self, grantee: iam.IGrantable) -> None:
        """Let it record the result of its request, as a workflow without tasks does."""
        self._allow(grantee, "dynamodb:UpdateItem", items=_REQUESTS)

    def grant_requests(self, grantee: iam.IGrantable) -> None:
        """Let it record requests, and read what became of them."""
        self._allow(grantee, *_READ)
        self._allow(grantee, *_WRITE, items=_REQUESTS)

    def grant_submit(self, grantee: iam.IGrantable) -> None:
        """Let it record requests, and that they were started."""
        self._allow(grantee, "dynamodb:GetItem")
        self._allow(grantee, *_WRITE, items=_REQUESTS)

    def grant_ends(self, grantee: iam.IGrantable) -> None:
        """Let it record how executions ended, and close the tasks that they left open."""
        self._allow(grantee, *_READ)
        self._allow(grantee, *_WRITE, items=(*_TASKS, *_REQUESTS))

    def grant_ring(self, grantee: iam.IGrantable) -> None:
        """Let it do what the relay does: read a task and record how the ring went."""
        self._allow(grantee, "dynamodb:GetItem")
        self._allow(grantee, *_WRITE, items=_TASKS)

    def grant_sweep(self, grantee: iam.IGrantable) -> None:
        """Let it do what the sweeper does: list what is overdue, ring, start again, apply events that waited."""
        self._allow_index(grantee)
        self._allow(grantee, *_READ)
        self._allow(grantee, *_WRITE, items=(*_TASKS, *_EVENTS, *_REQUESTS))
        self._allow_parked(grantee)

    def grant_outbox(self, grantee: iam.IGrantable) -> None:
        """Let it do what the publisher does: delete from the outbox, which is in the task's partition."""
        self._allow(grantee, *_DELETE, items=(f"{TASK}*",))

    def grant_stream(self, grantee: iam.IGrantable) -> None:
        """Let an event source mapping read the stream on its behalf.

        `Table.grant_stream_read` would allow ListStreams on every table of the account.
        """
        actions = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
        allow(grantee, *(f"dynamodb:{action}" for action in actions), on=[self.stream_arn])

    @property
    def stream_arn(self) -> str:
        """ARN of the stream."""
        arn = self.table.table_stream_arn
        assert arn is not None, "the table has a stream"
        return arn

    def _allow_parked(self, grantee: iam.IGrantable) -> None:
        self._allow(grantee, *_DELETE, items=(f"{EXTERNAL}*",))

    def _allow_index(self, grantee: iam.IGrantable) -> None:
        allow(grantee, "dynamodb:Query", on=[f"{self.table.table_arn}/index/{INDEX}"])

    def _allow(self, grantee: iam.IGrantable, *actions: str, items: tuple[str, ...] = ()) -> None:
        """Allow actions on items whose partition keys match; on all items without a pattern."""
        only = {"ForAllValues:StringLike": {_KEY: sorted(items)}, "Null": {_KEY: "false"}}
        allow(grantee, *actions, on=[self.table.table_arn], conditions=only if items else None)
        self._deny(grantee, *_CHANGES_OF_EXISTING_ITEMS, items=(f"{AUDIT}*",))

    def _deny(self, grantee: iam.IGrantable, *actions: str, items: tuple[str, ...]) -> None:
        """Deny actions on items whose partition keys match, whatever else is allowed."""
        grantee.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                actions=list(actions),
                resources=[self.table.table_arn],
                conditions={"ForAnyValue:StringLike": {_KEY: list(items)}},
            )
        )


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
