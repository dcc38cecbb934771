"""The relay: rings an execution when its task is decided or withdrawn, and when a message about it bounces."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration
from constructs import Construct

from countersign.domain.tasks import WITHDRAWN_BY_CALLER, WITHDRAWN_BY_REQUESTER
from stacks.components.actors.actor import Actor
from stacks.components.actors.stream_consumer import Batches, StreamConsumer
from stacks.components.flow.workflow_function import COMPLETE, WorkflowFunction
from stacks.components.flow.workflow_rights import WorkflowRights
from stacks.components.house.alarm import PERIOD, Watch
from stacks.components.house.function_options import FunctionOptions
from stacks.components.state.ledger import Ledger

DECIDED = {
    "eventName": ["MODIFY"],
    "dynamodb": {
        "Keys": {"sk": {"S": ["TASK"]}},
        "OldImage": {"status": {"S": ["OPEN"]}},
        "NewImage": {"status": {"S": ["DECIDED"]}},
    },
}
"""The transition, not the state: the relay's own writes to a decided task do not invoke it again."""

WITHDRAWN = {
    "eventName": ["MODIFY"],
    "dynamodb": {
        "Keys": {"sk": {"S": ["TASK"]}},
        "OldImage": {"status": {"S": ["OPEN"]}},
        "NewImage": {
            "status": {"S": ["CANCELLED"]},
            "closed_because": {"S": [WITHDRAWN_BY_REQUESTER, WITHDRAWN_BY_CALLER]},
        },
    },
}
"""A withdrawal by the requester or the caller. The functions that took it may complete no callback; operators ring for
their own."""

BOUNCED = {
    "eventName": ["MODIFY"],
    "dynamodb": {
        "Keys": {"sk": {"S": ["TASK"]}},
        "OldImage": {"bounced": {"N": [{"exists": False}]}},
        "NewImage": {"status": {"S": ["OPEN"]}, "bounced": {"N": ["1"]}},
    },
}
"""The first bounce of an open task: its workflow then sends the next escalation at once."""


class Relay(Actor):
    """Rings the kit's workflows. Only the relay and the sweeper may complete callbacks.

    Args:
        workflows: The workflows whose callbacks it completes.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, ledger: Ledger, workflows: Sequence[WorkflowFunction]
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            folder="relay",
            description="Rings the durable execution whose task was decided, or whose message bounced",
            ledger=ledger,
            # Enough for a whole batch of rings that get no answer, each tried four times.
            options=FunctionOptions(timeout=Duration.minutes(5), memory_mb=256),
        )
        ledger.grant_ring(self.function)
        WorkflowRights(self, "Workflows", function=self.function, workflows=workflows, on_versions=COMPLETE)
        errors = self.function.function.metric_errors(period=PERIOD)
        # Without alarms: a relay that fails falls behind, and a decision whose ring fails becomes overdue.
        self.function.watch_counts("Relay", "Rings", shown=("RingsClosed", "RingsFailed"))
        Watch(self, "Relay", graphs={"Failed invocations": [errors]})
        StreamConsumer(
            self,
            "Decided",
            name="relay",
            waiting="Decisions for workflows",
            function=self.function,
            ledger=ledger,
            patterns=[DECIDED, WITHDRAWN, BOUNCED],
            # Without a window: somebody waits for what the woken workflow does.
            batches=Batches(parallel=10),
        )
