"""How a workflow's tasks leave it: what its function is told of the channel, and what it may do for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs

from stacks.components.flow.hand_off import HandOffBus
from stacks.components.house.python_function import PythonFunction
from stacks.components.house.queues import grant_send


class HandOffChannel(Protocol):
    """What carries envelopes from a workflow to those who act on them."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What the workflow's function reads."""
        ...

    def grant_hand_off(self, grantee: iam.IGrantable) -> None:
        """Let it hand off tasks."""
        ...


@dataclass(frozen=True)
class ByBus:
    """The bus, whose rules pass envelopes on: anyone may add a consumer."""

    hand_offs: HandOffBus

    @property
    def environment(self) -> Mapping[str, str]:
        """What the workflow's function reads."""
        return {"BUS_NAME": self.hand_offs.bus.event_bus_name}

    def grant_hand_off(self, grantee: iam.IGrantable) -> None:
        """Let it put events on the bus."""
        self.hand_offs.grant_put(grantee)


@dataclass(frozen=True)
class ByQueue:
    """The queues of the approver and of external workers, past the bus: one consumer each, least latency."""

    approvals: sqs.IQueue
    external_tasks: sqs.IQueue

    @property
    def environment(self) -> Mapping[str, str]:
        """What the workflow's function reads."""
        return {
            "HAND_OFF": "queue",
            "APPROVALS_URL": self.approvals.queue_url,
            "EXTERNAL_TASKS_URL": self.external_tasks.queue_url,
        }

    def grant_hand_off(self, grantee: iam.IGrantable) -> None:
        """Let it send messages to both queues."""
        for queue in (self.approvals, self.external_tasks):
            grant_send(queue, grantee)


@dataclass(frozen=True)
class ByInvoke:
    """Asynchronous invocations of the approver and, where the workflow has one, of its worker."""

    approver: PythonFunction
    worker: PythonFunction | None

    @property
    def environment(self) -> Mapping[str, str]:
        """What the workflow's function reads."""
        worker = {"WORKER_ARN": self.worker.function.function_arn} if self.worker else {}
        return {"HAND_OFF": "invoke", "APPROVER_ARN": self.approver.function.function_arn, **worker}

    def grant_hand_off(self, grantee: iam.IGrantable) -> None:
        """Let it invoke both, as they are now: hand-offs need no version."""
        functions = (self.approver, self.worker) if self.worker else (self.approver,)
        grantee.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["lambda:InvokeFunction"], resources=[each.function.function_arn for each in functions]
            )
        )
