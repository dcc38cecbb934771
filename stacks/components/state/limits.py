"""Limits: the table in which requests of the public are counted, minute by minute."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from stacks.components.house.alarm import Alarm, Watch
from stacks.components.house.findings import accept, acknowledge
from stacks.components.house.python_function import PythonFunction
from stacks.components.house.rights import allow

_NOTHING_TO_RECOVER = "it holds counters of the running minute: there is nothing to recover"


class Limits(Construct):
    """Counters, each of use for a minute. Nothing is lost with the table: it is neither protected nor kept.

    Args:
        review: How many requests a minute the function that serves people takes from one network: `per_source` of them
            in all, and `per_token` with one token.
        callbacks: The same, of the function that machines answer.
        concurrency: How many of each public function may run at once, reserved; None for as many as the account allows.

    Attributes:
        review: What the function reads that serves people.
        callbacks: What the function reads that machines answer.
        concurrency: How many of each public function may run at once.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        review: Mapping[str, int],
        callbacks: Mapping[str, int],
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
        acknowledge(self._table, "DDB3", _NOTHING_TO_RECOVER)
        accept(self._table, _NOTHING_TO_RECOVER, nist="DynamoDBPITREnabled", checkov="CKV_AWS_28")
        accept(self._table, _NOTHING_TO_RECOVER, nist="DynamoDBInBackupPlan")
        self.review, self.callbacks = (
            {"LIMITS_TABLE": self._table.table_name, "LIMITS": json.dumps(rates)} for rates in (review, callbacks)
        )
        self.concurrency = concurrency

    def grant_count(self, function: PythonFunction) -> None:
        """Let it count, and nothing else; and raise an alarm where it cannot."""
        metrics = [function.metric(name) for name in ("RequestsLimited", "LimiterUnavailable")]
        labelled = [metric.with_(label=f"{metric.metric_name} {function.service}") for metric in metrics]
        Watch(
            function,
            "Answers",
            graphs={"Limits": labelled},
            alarms=[
                Alarm(
                    f"LimiterUnavailable-{function.service}",
                    metrics[1],
                    "Requests could not be counted, and nothing limits a flood. First read the log of"
                    f" {function.service}",
                )
            ],
        )
        allow(function, "dynamodb:UpdateItem", on=[self._table.table_arn])
