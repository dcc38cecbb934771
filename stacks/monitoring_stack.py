"""Who is told, and of what; and the dashboard, which follows the picture of the README from left to right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.components.actors.bus_events import Results
from stacks.components.actors.executions import Executions
from stacks.components.actors.publisher import Publisher
from stacks.components.actors.relay import Relay
from stacks.components.actors.sweeper import Sweeper
from stacks.components.flow.durable_workflow import DurableWorkflow
from stacks.components.house.python_function import PythonFunction
from stacks.components.watch.alarms import Alarms
from stacks.components.watch.dashboard import Dashboard
from stacks.components.watch.queries import Queries
from stacks.options import removal_policy
from stacks.public_stack import PublicStack
from stacks.stage.settings import Settings
from stacks.workflow_stack import WorkflowStack

_FIVE_MINUTES = Duration.minutes(5)
_LONGEST_WAIT_MS = 60_000
_STRAY_SIGNATURES = 10
"""Refused in five minutes. The address is public, and now and then somebody tries it; a provider whose secret is wrong
posts everything, over and over."""

_STRAY_REQUESTS = 100
"""Answered 4xx in five minutes, three times in a row: expired links and strangers come one by one, a client that was
deployed with a mistake does not."""

_MOST_OPERATIONS = 2_400
_MOST_BYTES = 80_000_000
"""Four fifths of what Lambda allows an execution, 3,000 operations and 100 MB; past that it fails
(https://docs.aws.amazon.com/lambda/latest/dg/durable-monitoring.html)."""

_OVERDUE = {
    "Decisions": "a decision was rung again, and no workflow has applied it: first find its task in the sweeper's log",
    "Deadlines": "a deadline has passed, and no workflow has closed its task: first find it in the sweeper's log",
    "HandOffs": "nobody was sent a link to an open task: first find the task in the sweeper's log",
    "Withdrawals": "a withdrawn task's workflow was rung in vain: first find its task in the sweeper's log",
    "Starts": "a request was started again in vain: first find it in the sweeper's log, and why in its workflow's",
    "Events": "nobody asked for a payment that a provider told of a day ago: first find it in the sweeper's log",
}
"""What the sweeper could not mend, and what that means."""


class MonitoringStack(Stack):
    """A dashboard, alarms on everything that would lose or delay an answer, and saved queries of the logs.

    What all workflows can suffer has one alarm for each kind of it, over all of them: an alarm for each workflow would
    be five times as many as there are workflows. Its graph shows which one, and so does the log of executions. Every
    alarm has its section in docs/operations.md.

    Attributes:
        alarms: The topic and its alarms, to which forks add their own.
        dashboard: The dashboard, to which forks add sections.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        public: PublicStack,
        workflow: WorkflowStack,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=f"countersign-{settings.stage}-monitoring",
            description="Countersign: dashboard, alarms and saved queries",
        )
        self.alarms = Alarms(self, "Alarms", email=settings.alarms.email, removal_policy=removal_policy(settings))
        self.dashboard = Dashboard(self, "Dashboard", name=f"countersign-{settings.stage}")
        self._watch_api(public.api.api)
        self._watch_workflows(list(workflow.workflows.values()), workflow.executions, settings)
        self._watch_tasks(workflow.publisher)
        self._watch_answers(public.review.function, public.webhook.function)
        self._watch_payments(public.results, workflow.publisher)
        self._watch_relay(workflow.relay)
        self._watch_publisher(workflow.publisher, settings)
        self._watch_sweeper(workflow.sweeper)
        self._watch_dead_letters({**public.dead_letters, **workflow.dead_letters})
        self.dashboard.show_alarms(self.alarms.raised)
        if not settings.monitoring.emulated:
            Queries(
                self,
                "Queries",
                stage=settings.stage,
                functions=[function.log_group for function in _functions(self)],
                access_log=workflow.api_stage.access_log,
            )

    def _watch_api(self, api: apigatewayv2.HttpApi) -> None:
        refused = api.metric_client_error(statistic="Sum", period=_FIVE_MINUTES)
        failed = api.metric_server_error(statistic="Sum", period=_FIVE_MINUTES)
        self.dashboard.show(
            "API",
            {
                "Requests": [api.metric_count(statistic="Sum", period=_FIVE_MINUTES)],
                "Errors": [refused, failed],
                "Latency": [api.metric_latency(statistic=each, period=_FIVE_MINUTES) for each in ("p50", "p95")],
            },
        )
        self.alarms.above(
            "ApiServerErrors",
            failed,
            threshold=0,
            description="the API answered 5xx: first find the route in the access log, then its function's log",
        )
        self.alarms.above(
            "ApiClientErrors",
            refused,
            threshold=_STRAY_REQUESTS,
            periods=3,
            description="the API refuses a great many requests: first count the access log by routeKey and status",
        )

    def _watch_workflows(
        self, workflows: Sequence[DurableWorkflow], executions: Executions, settings: Settings
    ) -> None:
        def of_each(metric: Callable[[DurableWorkflow], cloudwatch.Metric]) -> list[cloudwatch.Metric]:
            return [metric(workflow).with_(label=workflow.name) for workflow in workflows]

        failed = of_each(DurableWorkflow.metric_failed)
        stopped = of_each(DurableWorkflow.metric_stopped)
        timed_out = of_each(DurableWorkflow.metric_timed_out)
        operations = of_each(DurableWorkflow.metric_operations)
        written = of_each(DurableWorkflow.metric_storage_written)
        unsent = of_each(lambda workflow: workflow.function.metric_count("HandOffsFailed"))
        not_applied = executions.metric_decisions_not_applied()
        self.dashboard.show(
            "Workflows",
            {
                "Executions failed": failed,
                "Executions stopped": stopped,
                "Executions timed out": timed_out,
                "Operations of an execution": operations,
                "Bytes written by an execution": written,
                "Decisions not applied": [not_applied],
                "Reminders and escalations that were not sent": unsent,
            },
        )
        self.alarms.above(
            "DecisionsNotApplied",
            not_applied,
            threshold=0,
            description="decisions stand whose execution is over: first find their tasks in the log of executions",
        )
        if settings.monitoring.emulated:
            return
        self.alarms.any_above(
            "ExecutionsFailed",
            failed,
            combined="SUM",
            threshold=0,
            description="executions failed: first see which in the log of executions, then why in their workflow's",
        )
        self.alarms.any_above(
            "ExecutionsStopped",
            stopped,
            combined="SUM",
            threshold=0,
            description="somebody stopped executions, and their open tasks are cancelled: first ask CloudTrail who",
        )
        self.alarms.any_above(
            "ExecutionsTimedOut",
            timed_out,
            combined="SUM",
            threshold=0,
            description="executions outlived their timeout, as no deadline lets them: first see what they waited for",
        )
        self.alarms.any_above(
            "HandOffsFailed",
            unsent,
            combined="SUM",
            threshold=0,
            description="reminders or escalations were not sent, and are tried again: first read the workflow's log",
        )
        self.alarms.any_above(
            "OperationsNearLimit",
            operations,
            combined="MAX",
            threshold=_MOST_OPERATIONS,
            description="an execution nears Lambda's 3,000 operations: first see on the dashboard which workflow's",
        )
        self.alarms.any_above(
            "StorageNearLimit",
            written,
            combined="MAX",
            threshold=_MOST_BYTES,
            description="an execution nears the 100 MB that it may write: first see on the dashboard which workflow's",
        )

    def _watch_tasks(self, publisher: Publisher) -> None:
        kinds = ("TaskOpened", "TaskDecided", "TaskApplied", "TaskExpired", "TaskCancelled")
        self.dashboard.show(
            "Tasks",
            {
                "Tasks": [publisher.metric_published(kind) for kind in kinds],
                "Seconds to a decision": [publisher.metric_time_to_decision(each) for each in ("p50", "p95")],
            },
        )

    def _watch_answers(self, review: PythonFunction, webhook: PythonFunction) -> None:
        names = ("EventsRecorded", "EventsHeld", "EventsConflict", "EventsMalformed", "SignaturesRefused")
        clicks = ("AnswersRecorded", "AnswersRefused")
        self.dashboard.show(
            "Answers",
            {
                "Clicks": [review.metric_count(name) for name in clicks],
                "Events of providers": [webhook.metric_count(name) for name in names],
                "Limits": [
                    function.metric_count(name).with_(label=f"{name} {function.service}")
                    for name in ("RequestsLimited", "LimiterUnavailable")
                    for function in (review, webhook)
                ],
            },
        )
        self.alarms.above(
            "EventsHeld",
            webhook.metric_count("EventsHeld"),
            threshold=0,
            description="a provider's event needs a person, such as another amount: first read the audit of its task",
        )
        self.alarms.above(
            "EventsConflict",
            webhook.metric_count("EventsConflict"),
            threshold=0,
            description="a provider sent two events under one id, the second is not applied: first ask the provider",
        )
        self.alarms.above(
            "EventsMalformed",
            webhook.metric_count("EventsMalformed"),
            threshold=0,
            description="a provider's signed event cannot be read, and it will give up: first read the webhook's log",
        )
        self.alarms.above(
            "SignaturesRefused",
            webhook.metric_count("SignaturesRefused"),
            threshold=_STRAY_SIGNATURES,
            description="webhooks are not signed with an active secret: first ask whether the provider's was rotated",
        )
        for function in (review, webhook):
            self.alarms.above(
                f"LimiterUnavailable-{function.service}",
                function.metric_count("LimiterUnavailable"),
                threshold=0,
                description="requests could not be counted, so that nothing limits a flood: first read the log of"
                f" {function.service}",
            )

    def _watch_payments(self, results: Results, publisher: Publisher) -> None:
        held, forgotten = publisher.metric_payments_held(), publisher.metric_events_forgotten()
        ignored, conflicts = publisher.metric_events_ignored(), results.function.metric_count("ResultsConflict")
        refunded, disputed = map(publisher.metric_published, ("PaymentRefunded", "PaymentDisputed"))
        looked_at = [held, forgotten, ignored, conflicts]
        self.dashboard.show("Payments", {"For a person to look at": looked_at, "Taken back": [refunded, disputed]})
        self.alarms.above(
            "PaymentsDisputed",
            disputed,
            threshold=0,
            description="a payer disputes a payment, the provider sets a time to answer: first ask the provider for it",
        )
        self.alarms.above(
            "PaymentsHeld",
            held,
            threshold=0,
            description="a payment needs a person, whoever said what of it: first read the audit of its task",
        )
        self.alarms.above(
            "EventsForgotten",
            forgotten,
            threshold=0,
            description="nobody asked for a payment that a provider told of 7 days ago: first read the publisher's log",
        )
        self.alarms.above(
            "EventsIgnoredForTasks",
            ignored,
            threshold=0,
            description="a provider's settings ignore an event of a payment that waits: first read its task's audit",
        )
        self.alarms.above(
            "ResultsConflict",
            conflicts,
            threshold=0,
            description="a partner sent two events under one id, the second is not applied: first ask the partner",
        )

    def _watch_relay(self, relay: Relay) -> None:
        states = ("Delivered", "Closed", "Failed")
        self.dashboard.show(
            "Relay",
            {
                "Rings": [relay.metric_rings(state) for state in states],
                "Failed invocations": [relay.metric_errors()],
                "Milliseconds that a decision has waited": [relay.metric_iterator_age()],
            },
        )
        self.alarms.above(
            "RelayBehind",
            relay.metric_iterator_age(),
            threshold=_LONGEST_WAIT_MS,
            periods=3,
            description="decisions wait over a minute for their workflow to hear: first read the relay's log",
        )
        self.alarms.above(
            "RelayErrors",
            relay.metric_errors(),
            threshold=0,
            description="the relay fails, tries again for six hours, then gives up to relay-dlq: first read its log",
        )
        self.alarms.above(
            "RingsFailed",
            relay.metric_rings("Failed"),
            threshold=0,
            description="Lambda refused a ring for good, its workflow knows nothing: first see the query Failed rings",
        )

    def _watch_publisher(self, publisher: Publisher, settings: Settings) -> None:
        self.dashboard.show(
            "Publisher",
            {
                "Milliseconds that a change has waited": [publisher.metric_iterator_age()],
                "Audit entries that differ from their copy": [publisher.metric_audit_differs()],
            },
        )
        self.alarms.above(
            "PublisherBehind",
            publisher.metric_iterator_age(),
            threshold=_LONGEST_WAIT_MS,
            periods=3,
            description="events, delegated hand-offs and copies of the audit wait over a minute: first read the"
            " publisher's log",
        )
        if settings.audit.object_lock_days:
            self.alarms.above(
                "AuditDiffers",
                publisher.metric_audit_differs(),
                threshold=0,
                description="an audit entry was changed or removed: first verify the chain that publisher's log names",
            )

    def _watch_sweeper(self, sweeper: Sweeper) -> None:
        overdue = {what: sweeper.metric_overdue(what) for what in _OVERDUE}
        self.dashboard.show("Sweeper", {"Overdue": list(overdue.values())})
        for what, description in _OVERDUE.items():
            self.alarms.above(f"{what}Overdue", overdue[what], threshold=0, description=description)

    def _watch_dead_letters(self, dead_letters: Mapping[str, sqs.IQueue]) -> None:
        depths = {
            name: queue.metric_approximate_number_of_messages_visible(statistic="Maximum", period=_FIVE_MINUTES)
            for name, queue in dead_letters.items()
        }
        self.dashboard.show("Dead letters", {"Messages": [depth.with_(label=name) for name, depth in depths.items()]})
        for name, depth in depths.items():
            self.alarms.above(
                f"DeadLetters-{name}",
                depth,
                threshold=0,
                description=f"{name} holds what could not be processed: first read it, mend the cause, then redrive it",
            )


def _functions(scope: Construct) -> list[PythonFunction]:
    """Return every function of the app, those that a fork adds among them."""
    return [each for each in scope.node.root.node.find_all() if isinstance(each, PythonFunction)]
