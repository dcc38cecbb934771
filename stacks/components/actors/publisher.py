"""The publisher: publishes lifecycle events, sends the outbox's hand-offs, copies the audit."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from countersign.adapters.keys import AUDIT, OUTBOX, PARKED
from stacks.components.actors.actor import Actor
from stacks.components.actors.stream_consumer import Batches, StreamConsumer
from stacks.components.flow.hand_off import HandOffBus
from stacks.components.house.alarm import SUM, Alarm, Watch
from stacks.components.house.function_options import FunctionOptions
from stacks.components.state.audit_archive import AuditArchive
from stacks.components.state.ledger import Ledger

TASK_WRITTEN = {"eventName": ["INSERT", "MODIFY"], "dynamodb": {"Keys": {"sk": {"S": ["TASK"]}}}}
REQUEST_ENDED = {
    "eventName": ["MODIFY"],
    "dynamodb": {
        "Keys": {"sk": {"S": ["REQUEST"]}},
        "OldImage": {"status": {"S": ["submitted", "running"]}},
        "NewImage": {"status": {"S": ["succeeded", "failed"]}},
    },
}
HAND_OFF_DUE = {"eventName": ["INSERT"], "dynamodb": {"Keys": {"sk": {"S": [{"prefix": OUTBOX}]}}}}
EVENT_FORGOTTEN = {
    "eventName": ["REMOVE"],
    "userIdentity": {"type": ["Service"], "principalId": ["dynamodb.amazonaws.com"]},
    "dynamodb": {"Keys": {"sk": {"S": [{"prefix": PARKED}]}}},
}
"""Parked events that TTL removed; a workflow that applies one removes it too
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html)."""
AUDIT_TOUCHED = {"dynamodb": {"Keys": {"pk": {"S": [{"prefix": AUDIT}]}}}}
"""Every write to the audit: a changed or removed entry raises an alarm."""

_PATTERNS = (TASK_WRITTEN, REQUEST_ENDED, HAND_OFF_DUE, EVENT_FORGOTTEN)

_BATCHES = Batches(most_records=100, window=Duration.seconds(1))
"""The window makes fewer invocations, and fewer objects in the archive, for a delay that nobody notices: somebody may
wait for a mail of the outbox, and its way takes longer. The name of an object has room for the tasks of 100 records."""


class Publisher(Actor):
    """The function between the ledger's stream, the bus and the archive of the audit.

    It writes to the archive itself, because a second function would be a third reader of the stream.

    Args:
        hand_offs: The bus that it publishes on.
        archive: The archive of the audit; None without one.
        held_by_webhook: The metric of events that the webhook holds.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        ledger: Ledger,
        hand_offs: HandOffBus,
        archive: AuditArchive | None,
        held_by_webhook: cloudwatch.Metric,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            folder="publisher",
            description="Publishes lifecycle events, sends the outbox, and copies the audit",
            ledger=ledger,
            # Enough for a batch of calls that get no answer.
            options=FunctionOptions(timeout=Duration.minutes(2), memory_mb=256),
            environment={**hand_offs.environment, **({"AUDIT_BUCKET": archive.bucket.bucket_name} if archive else {})},
        )
        ledger.grant_outbox(self.function)
        hand_offs.grant_put(self.function)
        if archive:
            archive.grant_append(self.function)
        StreamConsumer(
            self,
            "Tasks",
            name="publisher",
            waiting="Events, delegated hand-offs and copies of the audit",
            function=self.function,
            ledger=ledger,
            patterns=[
                TASK_WRITTEN,
                REQUEST_ENDED,
                HAND_OFF_DUE,
                EVENT_FORGOTTEN,
                *([AUDIT_TOUCHED] if archive else []),
            ],
            batches=_BATCHES,
        )
        self._held_by_webhook = held_by_webhook
        self._watch_tasks()
        self._watch_payments()
        self._watch_audit(archived=archive is not None)

    def _watch_tasks(self) -> None:
        kinds = ("TaskOpened", "TaskDecided", "TaskApplied", "TaskExpired", "TaskCancelled")
        self.function.watch_counts("Tasks", "Tasks", shown=kinds)
        took = [self.function.metric("TimeToDecision", statistic) for statistic in ("p50", "p95")]
        Watch(self, "Tasks", graphs={"Seconds to a decision": took})

    def _watch_payments(self) -> None:
        self.function.watch_counts(
            "Payments",
            "For a person to look at",
            alarms={
                "EventsForgotten": "A provider reported a payment seven days ago, and no request asked for it. Its"
                " event has expired, and the sweeper had not reported it. First read the log of publisher",
                "EventsIgnoredForTasks": "The kit ignored an event about a waiting payment, because the settings of"
                " its provider do not expect the event. First read the task's audit: `countersign show TASK`",
            },
        )
        held = self.function.metric("PaymentsHeld")
        Watch(
            self,
            "Payments",
            graphs={"Held": [held]},
            alarms=[
                Alarm(
                    "PaymentsHeld",
                    held,
                    "A payment needs manual review. Until then the kit does not apply its event. First read the task's"
                    " audit: `countersign show TASK`",
                    # The webhook holds some events that reach no outbox, and counts all that it holds.
                    also=(self._held_by_webhook,),
                    math=SUM,
                )
            ],
        )
        refunded, disputed = map(self.function.metric, ("PaymentRefunded", "PaymentDisputed"))
        Watch(
            self,
            "Payments",
            graphs={"Taken back": [refunded, disputed]},
            alarms=[
                Alarm(
                    "PaymentsDisputed",
                    disputed,
                    "A payer disputes a payment, and the provider sets a deadline to answer. First look up this"
                    " deadline at the provider",
                )
            ],
        )

    def _watch_audit(self, *, archived: bool) -> None:
        alarm = (
            "An audit entry was changed or removed. First verify the chain that the log of publisher names:"
            " `countersign audit verify TASK`"
        )
        self.function.watch_counts(
            "Publisher",
            "Audit entries that differ from their copy",
            shown=() if archived else ("AuditDiffers",),
            alarms={"AuditDiffers": alarm} if archived else {},
        )
