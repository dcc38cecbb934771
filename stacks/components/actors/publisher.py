"""The publisher: tells the bus what became of a task, sends the hand-offs that a click caused, copies the audit."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from countersign.adapters.task_items import AUDIT
from stacks.components.actors.stream_consumer import StreamConsumer
from stacks.components.flow.hand_off import HandOffBus
from stacks.components.house.function_options import FunctionDefaults, FunctionOptions
from stacks.components.house.python_function import PythonFunction
from stacks.components.state.audit_archive import AuditArchive
from stacks.components.state.ledger import Ledger

TASK_WRITTEN = {"eventName": ["INSERT", "MODIFY"], "dynamodb": {"Keys": {"sk": {"S": ["TASK"]}}}}
HAND_OFF_DUE = {"eventName": ["INSERT"], "dynamodb": {"Keys": {"sk": {"S": [{"prefix": "OUTBOX#"}]}}}}
EVENT_FORGOTTEN = {
    "eventName": ["REMOVE"],
    "userIdentity": {"type": ["Service"], "principalId": ["dynamodb.amazonaws.com"]},
    "dynamodb": {"Keys": {"sk": {"S": [{"prefix": "PARKED#"}]}}},
}
"""What TTL has removed, not a workflow that applied it
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html)."""
AUDIT_TOUCHED = {"dynamodb": {"Keys": {"pk": {"S": [{"prefix": AUDIT}]}}}}
"""Not only what is added: an entry that is changed or removed must be told of."""


class Publisher(Construct):
    """The function between the ledger's stream and the bus; and the archive of the audit, where the stage has one.

    A function of its own for the archive would be a third reader of the stream.

    Attributes:
        function: The function.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        ledger: Ledger,
        hand_offs: HandOffBus,
        archive: AuditArchive | None,
        defaults: FunctionDefaults,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = PythonFunction(
            self,
            "Publisher",
            folder="publisher",
            description="Publishes what became of tasks, sends the outbox, and copies the audit",
            defaults=defaults,
            options=FunctionOptions(timeout=Duration.seconds(30)),
            environment={
                "LEDGER_TABLE": ledger.table.table_name,
                "BUS_NAME": hand_offs.bus.event_bus_name,
                **({"AUDIT_BUCKET": archive.bucket.bucket_name} if archive else {}),
            },
        )
        ledger.grant_outbox(self.function)
        hand_offs.grant_put(self.function)
        if archive:
            archive.grant_append(self.function)
        self._stream = StreamConsumer(
            self,
            "Tasks",
            name="publisher",
            function=self.function,
            ledger=ledger,
            patterns=[TASK_WRITTEN, HAND_OFF_DUE, EVENT_FORGOTTEN, *([AUDIT_TOUCHED] if archive else [])],
        )

    def metric_iterator_age(self) -> cloudwatch.Metric:
        """How long the oldest record of a batch has waited, in milliseconds."""
        return self.function.function.metric("IteratorAge", statistic="Maximum", period=Duration.minutes(1))

    def metric_published(self, kind: str) -> cloudwatch.Metric:
        """Lifecycle events of one kind, such as `TaskOpened`: each status, refund and dispute of each task once."""
        return self.function.metric_count(kind)

    def metric_time_to_decision(self, statistic: str) -> cloudwatch.Metric:
        """How long decisions took from when their task was opened, in seconds."""
        return self.function.metric_duration_of("TimeToDecision", statistic)

    def metric_audit_differs(self) -> cloudwatch.Metric:
        """Audit entries that were changed or removed, or whose place in the copy holds another one."""
        return self.function.metric_count("AuditDiffers")

    def metric_payments_held(self) -> cloudwatch.Metric:
        """Payments that a person must look at, whoever said what of them."""
        return self.function.metric_count("PaymentsHeld")

    def metric_events_ignored(self) -> cloudwatch.Metric:
        """Events about open tasks that the settings of their provider do not expect: one a task and reason."""
        return self.function.metric_count("EventsIgnoredForTasks")

    def metric_events_forgotten(self) -> cloudwatch.Metric:
        """Events that waited for a task that was never opened, and are removed."""
        return self.function.metric_count("EventsForgotten")

    @property
    def dead_letters(self) -> dict[str, sqs.IQueue]:
        """The queue of the records that could not be published, by its name."""
        return self._stream.dead_letters
