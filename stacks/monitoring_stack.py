"""Who is told, and of what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aws_cdk import Duration, Stack
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.components.alarms import Alarms
from stacks.components.durable_workflow import DurableWorkflow
from stacks.components.publisher import Publisher
from stacks.components.relay import Relay
from stacks.components.results import Results
from stacks.components.retention import removal_policy
from stacks.components.sweeper import Sweeper
from stacks.settings import Settings
from stacks.webhook_stack import WebhookStack
from stacks.workflow_stack import WorkflowStack

_FIVE_MINUTES = Duration.minutes(5)
_LONGEST_WAIT_MS = 60_000
_STRAY_SIGNATURES = 10
"""Refused in five minutes. The address is public, and now and then somebody tries it; a provider whose secret is wrong
posts everything, over and over."""

_OVERDUE = {
    "Decisions": "a decision was rung again, and no workflow has applied it: the sweeper's log names the task",
    "Deadlines": "a deadline has passed, and no workflow has closed its task: the sweeper's log names it",
    "Starts": "a request was started again in vain: the sweeper's log names it; mend the cause, send it once more",
    "Events": "nobody has asked for a payment that a provider told of a day ago: the sweeper's log names it",
}
"""What the sweeper could not mend, and what that means."""


class MonitoringStack(Stack):
    """Alarms on everything that would lose or delay an answer.

    Attributes:
        alarms: The topic and its alarms, to which forks add their own.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        webhook: WebhookStack,
        workflow: WorkflowStack,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=f"countersign-{settings.stage}-monitoring",
            description="Countersign: alarms",
        )
        self.alarms = Alarms(self, "Alarms", email=settings.alarms.email, removal_policy=removal_policy(settings))
        self._watch_dead_letters({**webhook.dead_letters, **workflow.dead_letters})
        self._watch_relay(workflow.relay)
        self._watch_webhooks(webhook)
        self._watch_payments(webhook.results, workflow.publisher)
        self._watch_sweeper(workflow.sweeper)
        self._watch_workflows(workflow.workflows.values())
        self.alarms.above(
            "PublisherBehind",
            workflow.publisher.metric_iterator_age(),
            threshold=_LONGEST_WAIT_MS,
            periods=3,
            description="events, delegated hand-offs, audit copies wait over a minute: is the publisher failing?",
        )
        if settings.audit.object_lock_days:
            self.alarms.above(
                "AuditDiffers",
                workflow.publisher.metric_audit_differs(),
                threshold=0,
                description="an audit entry was changed or removed: the publisher's log names it; verify its chain",
            )
        self.alarms.above(
            "DecisionsNotApplied",
            workflow.executions.metric_decisions_not_applied(),
            threshold=0,
            description="a decision was recorded and its execution is over: the log of executions names the task",
        )
        self.alarms.above(
            "ApiServerErrors",
            webhook.api.api.metric_server_error(statistic="Sum", period=_FIVE_MINUTES),
            threshold=0,
            description="the API answered 5xx: see the logs of the function behind the route in the access log",
        )

    def _watch_dead_letters(self, dead_letters: Mapping[str, sqs.IQueue]) -> None:
        for name, queue in dead_letters.items():
            self.alarms.above(
                f"DeadLetters-{name}",
                queue.metric_approximate_number_of_messages_visible(statistic="Maximum", period=_FIVE_MINUTES),
                threshold=0,
                description=f"{name} holds what could not be processed: read it, mend the cause, send it back",
            )

    def _watch_relay(self, relay: Relay) -> None:
        self.alarms.above(
            "RelayBehind",
            relay.metric_iterator_age(),
            threshold=_LONGEST_WAIT_MS,
            periods=3,
            description="decisions wait over a minute for their workflow to hear: is the relay throttled, or failing?",
        )
        self.alarms.above(
            "RelayErrors",
            relay.metric_errors(),
            threshold=0,
            description="the relay failed: decisions are tried again for six hours, then go to relay-dlq",
        )
        self.alarms.above(
            "RingsFailed",
            relay.metric_rings_failed(),
            threshold=0,
            description="Lambda refused a ring for good: a decision stands in the ledger, its workflow does not know",
        )

    def _watch_webhooks(self, webhook: WebhookStack) -> None:
        self.alarms.above(
            "EventsHeld",
            webhook.webhook.metric_count("EventsHeld"),
            threshold=0,
            description="a provider's event needs a person: another amount, an unknown status, a contradiction",
        )
        self.alarms.above(
            "EventsConflict",
            webhook.webhook.metric_count("EventsConflict"),
            threshold=0,
            description="a provider sent two events under one id: the second was not applied; ask the provider",
        )
        self.alarms.above(
            "EventsMalformed",
            webhook.webhook.metric_count("EventsMalformed"),
            threshold=0,
            description="a provider's signed event cannot be read: mend its scheme before the provider gives up",
        )
        self.alarms.above(
            "SignaturesRefused",
            webhook.webhook.metric_count("SignaturesRefused"),
            threshold=_STRAY_SIGNATURES,
            description="webhooks are not signed with an active secret: was it rotated at the provider and not here?",
        )

        self.alarms.above(
            "LimiterUnavailable",
            webhook.webhook.metric_count("LimiterUnavailable"),
            threshold=0,
            description="requests could not be counted, so that nothing limits a flood: see the webhook function's log",
        )

    def _watch_payments(self, results: Results, publisher: Publisher) -> None:
        self.alarms.above(
            "PaymentsHeld",
            publisher.metric_payments_held(),
            threshold=0,
            description="a payment needs a person, whoever said what of it: its audit says more",
        )
        self.alarms.above(
            "EventsForgotten",
            publisher.metric_events_forgotten(),
            threshold=0,
            description="nobody asked for a payment that a provider told of 7 days ago: the publisher's log names it",
        )
        self.alarms.above(
            "ResultsConflict",
            results.function.metric_count("ResultsConflict"),
            threshold=0,
            description="a partner sent two events under one id: the second was not applied; ask the partner",
        )

    def _watch_sweeper(self, sweeper: Sweeper) -> None:
        for what, description in _OVERDUE.items():
            self.alarms.above(
                f"{what}Overdue",
                sweeper.metric_overdue(what),
                threshold=0,
                description=description,
            )

    def _watch_workflows(self, workflows: Iterable[DurableWorkflow]) -> None:
        for workflow in workflows:
            self.alarms.above(
                f"Failed-{workflow.name}",
                workflow.metric_failed(),
                threshold=0,
                description=f"executions of {workflow.name} failed: see the workflow's log",
            )
            self.alarms.above(
                f"Stopped-{workflow.name}",
                workflow.metric_stopped(),
                threshold=0,
                description=f"somebody stopped executions of {workflow.name}: their open tasks are cancelled",
            )
            self.alarms.above(
                f"TimedOut-{workflow.name}",
                workflow.metric_timed_out(),
                threshold=0,
                description=f"executions of {workflow.name} outlived their timeout: no deadline should let them",
            )
