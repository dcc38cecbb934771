"""The ledger: one table that holds every task, answer, link and audit entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from countersign.adapters.keys import (
    ASK,
    AUDIT,
    ENVELOPE,
    EVENT,
    EXTERNAL,
    INDEX,
    INDEX_PK,
    INDEX_SK,
    LINK,
    PROJECTED,
    QUESTION,
    REQUEST,
    STATUS_LINK,
    TASK,
    TOKEN,
)
from countersign.domain.proofs import PREFIX
from stacks.components.house.findings import Accepted, accept
from stacks.components.house.rights import allow

_READ_TASKS = "dynamodb:BatchGetItem"
"""A task has two items."""

_READ = (_READ_TASKS, "dynamodb:GetItem", "dynamodb:Query")
_CHECK = "dynamodb:ConditionCheckItem"
_WRITE = ("dynamodb:PutItem", "dynamodb:UpdateItem")
_KEY = "dynamodb:LeadingKeys"
_DELETE = ("dynamodb:DeleteItem",)

_TASKS = (f"{AUDIT}*", f"{TASK}*")
"""A task's partition and its audit. Every write to a task adds an audit entry."""

_EVENTS = (f"{EVENT}*", f"{EXTERNAL}*")
"""Events of providers, the claims of external ids, and parked events."""

_PROOFS = tuple(f"{kind}{PREFIX}*" for kind in (AUDIT, LINK, TASK))
"""The tasks of `countersign prove`, and the links that it writes for them."""

_LINKS = (f"{LINK}*", f"{STATUS_LINK}*")
"""Links of people: the right to write one is the right to act as any person."""

_REQUESTS = (f"{REQUEST}*",)

_ASKS = (f"{ASK}*",)
"""What AI agents have asked last, so that they do not ask it again too soon."""

_QUESTIONS = (f"{QUESTION}*",)
"""What tasks ask, and whom they do not let answer."""
_TOKENS = (f"{TOKEN}*",)

_RESTORED_FROM_ITS_OWN_LOG = (
    "point-in-time recovery restores any second of 35 days; a backup plan serves data that must be kept longer"
)

_CHANGES_OF_EXISTING_ITEMS = (
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:PartiQLDelete",
    "dynamodb:PartiQLUpdate",
    "dynamodb:UpdateItem",
)


class Ledger(Construct):
    """The table, and the grants of its actors.

    Roles may read every item: the table has only hashes of tokens. The role that serves people may not read the hashes
    of machines' tokens, and the roles that serve machines may not read those of people's links. Roles may write items
    by the prefix of the partition key. AWS evaluates the keys of all items of a request, and each part of a transaction
    by itself. `ForAllValues` is also true for a request without keys; `Null` refuses such a request
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html).

    Every grant also denies updating and deleting audit entries, even if the role is granted more later. A policy cannot
    distinguish a put that adds from one that replaces: the functions put entries under a condition, and the chain of
    hashes shows a replaced one.

    Args:
        protected: Whether DynamoDB refuses to delete the table until this is turned off.
        audit_keep_days: How long audit entries are kept after their task's latest deadline; 0 for good.
        restored_table: The name of a table to use in place of its own, without a stream; empty for its own.

    Attributes:
        table: The table.
        stream_arn: ARN of its stream; None for a restored table.
        environment: Variables of functions that use it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        protected: bool,
        audit_keep_days: int,
        restored_table: str,
        removal_policy: RemovalPolicy,
    ) -> None:
        super().__init__(scope, construct_id)
        self.table: dynamodb.ITable = (
            dynamodb.Table.from_table_name(self, "Restored", restored_table)
            if restored_table
            else self._made(protected=protected, removal_policy=removal_policy)
        )
        self._table_arn = self.table.table_arn
        self.stream_arn = self.table.table_stream_arn
        self.environment: Mapping[str, str] = {
            "LEDGER_TABLE": self.table.table_name,
            **({"AUDIT_KEEP_DAYS": str(audit_keep_days)} if audit_keep_days else {}),
        }
        self._kept_from_audit: set[iam.IGrantable] = set()

    def _made(self, *, protected: bool, removal_policy: RemovalPolicy) -> dynamodb.Table:
        table = dynamodb.Table(
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
        accept(table, Accepted(_RESTORED_FROM_ITS_OWN_LOG, nist="DynamoDBInBackupPlan"))
        # Sparse: open and decided tasks by due time, and links by recipient.
        table.add_global_secondary_index(
            index_name=INDEX,
            partition_key=_text(INDEX_PK),
            sort_key=_text(INDEX_SK),
            projection_type=dynamodb.ProjectionType.INCLUDE,
            non_key_attributes=list(PROJECTED),
        )
        return table

    def grant_reviews(self, grantee: iam.IGrantable) -> None:
        """Allow listing a person's open tasks and recording votes; machines' tokens stay unreadable."""
        self._allow(grantee, *_READ)
        self._allow(grantee, *_WRITE, items=_TASKS)
        self._allow_index(grantee)
        self._deny(grantee, *_READ, when=_has_key(*_TOKENS))

    def grant_answers(self, grantee: iam.IGrantable) -> None:
        """Allow recording providers' events and machines' answers; people's links stay unreadable."""
        self._allow(grantee, *_READ)
        self._allow(grantee, _CHECK, *_WRITE, items=(*_TASKS, *_EVENTS))
        self._deny(grantee, *_READ, when=_has_key(*_LINKS))

    def grant_look_up(self, grantee: iam.IGrantable) -> None:
        """Allow an operator to look up how events were handled, and deny recording any, whatever else is allowed."""
        self._allow(grantee, _READ_TASKS, items=_EVENTS)
        new = ("dynamodb:PartiQLInsert", "dynamodb:PutItem")
        self._deny(grantee, *new, *_CHANGES_OF_EXISTING_ITEMS, when=_has_key(f"{EVENT}*"))

    def grant_links(self, grantee: iam.IGrantable) -> None:
        """Allow the approver's work: create people's links, with an audit entry for each."""
        self._allow(grantee, *_READ)
        self._allow(grantee, *_WRITE, items=(*_TASKS, *_LINKS))

    def grant_proofs(self, grantee: iam.IGrantable) -> None:
        """Allow the work of `countersign prove`: create links for proofs, with an audit entry for each.

        Deny envelopes: the publisher would send them to people and machines.
        """
        self._allow(grantee, *_READ, items=(*_PROOFS, *(f"{kind}{PREFIX}*" for kind in (QUESTION, REQUEST))))
        self._allow(grantee, *_WRITE, items=_PROOFS)
        self._allow_index(grantee)
        self._deny(grantee, *_WRITE, when={"ForAnyValue:StringEquals": {"dynamodb:Attributes": [ENVELOPE]}})

    def grant_waits(self, grantee: iam.IGrantable) -> None:
        """Allow a workflow's work: open and close tasks, create machines' tokens, record its result."""
        self._allow(grantee, *_READ)
        self._allow(grantee, _CHECK, *_WRITE, items=(*_TASKS, *_EVENTS, *_QUESTIONS, *_REQUESTS, *_TOKENS))
        self._allow_parked(grantee)

    def grant_result(self, grantee: iam.IGrantable) -> None:
        """Allow a workflow without tasks to record the result of its request."""
        self._allow(grantee, "dynamodb:UpdateItem", items=_REQUESTS)

    def grant_requests(self, grantee: iam.IGrantable) -> None:
        """Allow recording requests, reading and listing them with their tasks, and withdrawing open tasks."""
        self._allow(grantee, *_READ)
        self._allow(grantee, *_WRITE, items=(*_ASKS, *_TASKS, *_REQUESTS))
        self._allow_index(grantee)

    def grant_submit(self, grantee: iam.IGrantable) -> None:
        """Allow recording requests and their starts."""
        self._allow(grantee, "dynamodb:GetItem")
        self._allow(grantee, *_WRITE, items=_REQUESTS)

    def grant_ends(self, grantee: iam.IGrantable) -> None:
        """Allow recording how executions ended, and closing the tasks that they left open."""
        self._allow(grantee, *_READ)
        self._allow(grantee, *_WRITE, items=(*_TASKS, *_REQUESTS))

    def grant_ring(self, grantee: iam.IGrantable) -> None:
        """Allow the relay's work: read a task and record its ring."""
        self._allow(grantee, _READ_TASKS)
        self._allow(grantee, *_WRITE, items=_TASKS)

    def grant_sweep(self, grantee: iam.IGrantable) -> None:
        """Allow the sweeper's work: list overdue work, record rings and starts, apply parked events."""
        self._allow_index(grantee)
        self._allow(grantee, *_READ)
        self._allow(grantee, *_WRITE, items=(*_TASKS, *_EVENTS, *_REQUESTS))
        self._allow_parked(grantee)

    def grant_outbox(self, grantee: iam.IGrantable) -> None:
        """Allow the publisher's work: delete from the outbox, which is in the task's partition."""
        self._allow(grantee, *_DELETE, items=(f"{TASK}*",))

    def grant_stream(self, grantee: iam.IGrantable) -> None:
        """Allow an event source mapping to read the stream.

        `Table.grant_stream_read` would allow ListStreams on every table of the account.
        """
        assert self.stream_arn, "a restored table has no stream yet"
        actions = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
        allow(grantee, *(f"dynamodb:{action}" for action in actions), on=[self.stream_arn])

    def _allow_parked(self, grantee: iam.IGrantable) -> None:
        self._allow(grantee, *_DELETE, items=(f"{EXTERNAL}*",))

    def _allow_index(self, grantee: iam.IGrantable) -> None:
        allow(grantee, "dynamodb:Query", on=[f"{self._table_arn}/index/{INDEX}"])

    def _allow(self, grantee: iam.IGrantable, *actions: str, items: tuple[str, ...] = ()) -> None:
        """Allow actions on items whose partition keys match; on all items if there is no pattern."""
        only = {"ForAllValues:StringLike": {_KEY: sorted(items)}, "Null": {_KEY: "false"}}
        allow(grantee, *actions, on=[self._table_arn], conditions=only if items else None)
        if grantee not in self._kept_from_audit:
            self._kept_from_audit.add(grantee)
            self._deny(grantee, *_CHANGES_OF_EXISTING_ITEMS, when=_has_key(f"{AUDIT}*"))

    def _deny(self, grantee: iam.IGrantable, *actions: str, when: Mapping[str, Any]) -> None:
        """Deny actions under a condition."""
        grantee.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(
                effect=iam.Effect.DENY, actions=list(actions), resources=[self._table_arn], conditions=when
            )
        )


def _has_key(*patterns: str) -> Mapping[str, Any]:
    """Return the condition that a request is for items whose partition keys match."""
    return {"ForAnyValue:StringLike": {_KEY: list(patterns)}}


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
