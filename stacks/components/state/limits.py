"""Limits: the table that counts public requests per minute, and has the places of waiting callers."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from stacks.components.house.alarm import SUM, Alarm, Watch
from stacks.components.house.findings import Accepted, accept
from stacks.components.house.python_function import PythonFunction
from stacks.components.house.rights import allow

_NOTHING_TO_RECOVER = "it holds counters of the current minute: no data needs recovery"


class Limits(Construct):
    """Counters and places, each of use for a minute. The table is neither protected nor kept.

    Args:
        review: The review function's limits for one network, in requests a minute: `per_source` in all, `per_token`
            with one token.
        callbacks: The webhook function's limits for callbacks, likewise.
        waiting: How many callers may wait for the end of a request at once.
        concurrency: Reserved concurrency of each public function; None to reserve none.

    Attributes:
        review: Variables of the review function.
        callbacks: Variables of the webhook function.
        requests: Variables of the requests function.
        concurrency: Reserved concurrency of each public function.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        review: Mapping[str, int],
        callbacks: Mapping[str, int],
        waiting: int,
        concurrency: int | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="ttl",
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            removal_policy=RemovalPolicy.DESTROY,
        )
        accept(
            self._table,
            Accepted(_NOTHING_TO_RECOVER, solutions="DDB3", nist="DynamoDBPITREnabled", checkov="CKV_AWS_28"),
            Accepted(_NOTHING_TO_RECOVER, nist="DynamoDBInBackupPlan"),
        )
        self.review, self.callbacks = (
            {"LIMITS_TABLE": self._table.table_name, "LIMITS": json.dumps(rates)} for rates in (review, callbacks)
        )
        self.requests = {"LIMITS_TABLE": self._table.table_name, "WAITING": str(waiting)}
        self.concurrency = concurrency

    def grant_count(self, function: PythonFunction) -> None:
        """Allow a function to count, and add the alarm that is raised when it cannot."""
        metrics = [function.metric(name) for name in ("RequestsLimited", "LimiterUnavailable")]
        labelled = [metric.with_(label=f"{metric.metric_name} {function.service}") for metric in metrics]
        Watch(
            function,
            "Answers",
            graphs={"Limits": labelled},
            alarms=[
                Alarm(
                    "LimiterUnavailable",
                    metrics[1],
                    "Requests could not be counted, and nothing limits a flood. First read the logs of review and"
                    " webhook",
                    math=SUM,
                )
            ],
        )
        self.grant_wait(function)

    def grant_wait(self, function: PythonFunction) -> None:
        """Allow a function to take and leave the places of waiting callers."""
        allow(function, "dynamodb:UpdateItem", on=[self._table.table_arn])
