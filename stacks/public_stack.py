"""The public side: the API with its functions, the approver, the queue of machines."""

from __future__ import annotations

from aws_cdk import CfnOutput
from aws_cdk import aws_events as events
from constructs import Construct

from countersign.adapters.event_bus import SOURCE
from countersign.channels.base import load
from stacks.components.actors.approver import Approver
from stacks.components.actors.bus_events import BusEvents
from stacks.components.actors.looks import Looks
from stacks.components.edge.api import PublicApi
from stacks.components.edge.api_stage import ApiStage
from stacks.components.edge.domain import ApiDomain
from stacks.components.edge.prover import Prover
from stacks.components.edge.replay import Replay
from stacks.components.edge.requests import Requests
from stacks.components.edge.review import Review
from stacks.components.edge.webhook import Webhook
from stacks.components.flow.channels import EmailChannel, MessageChannel, ServiceChannel, TopicChannel
from stacks.components.flow.hand_off import ENVELOPE, Channel
from stacks.components.flow.workflow_function import HEARTBEAT
from stacks.components.flow.workflow_rights import WorkflowRights
from stacks.components.house.function_options import FunctionDefaults
from stacks.components.house.queues import queues_in
from stacks.components.house.stack import FunctionStack
from stacks.components.state.limits import Limits
from stacks.components.state.providers import Providers
from stacks.ledger_stack import LedgerStack
from stacks.options import (
    brand_table,
    environment,
    log_retention,
    looks_function,
    readers,
    removal_policy,
    request_tables,
    throttle,
    workflow_functions,
)
from stacks.stage.settings import EMBEDDED, Settings


class PublicStack(FunctionStack):
    """The public side. None of its roles may complete a callback, and only that of requests may start workflows.

    All routes are in the stack of the API's stage, whose throttles name them: CloudFormation updates the stage before
    it deletes a route.

    Attributes:
        base_url: The API's public address, without a slash at the end.
        api_stage: The stage of the API.
        held_events: The metric of events that the webhook function holds.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        functions: FunctionDefaults,
        state: LedgerStack,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            prefix=settings.prefix,
            env=environment(settings),
            name="public",
            description="the HTTP API, the review page and the hand-offs to people and workers",
            functions=functions,
        )
        api = PublicApi(self, "Api", own_domain=bool(settings.api.domain))
        self.base_url = api.base_url(settings.base_url)
        self._serve(api, settings, state)
        self.api_stage = self._reachable(api, settings)
        self._carry(settings, state)
        CfnOutput(self, "ApiUrl", value=self.base_url)
        CfnOutput(self, "ApiId", value=api.api.api_id)
        CfnOutput(self, "Queues", value=self.to_json_string(queues_in(self)))

    def _serve(self, api: PublicApi, settings: Settings, state: LedgerStack) -> None:
        """Add the functions that answer the API's routes."""
        workflows, throttles = workflow_functions(settings), settings.throttles
        limits = Limits(
            self,
            "Limits",
            review=settings.limits.review.model_dump(),
            callbacks=settings.limits.callbacks.model_dump(),
            waiting=settings.limits.waiting,
            concurrency=settings.limits.public_concurrency or None,
        )
        review = Review(
            self,
            "Review",
            ledger=state.ledger,
            directory=state.directory,
            limits=limits,
            brand=brand_table(settings),
            readers=readers(settings),
        )
        review.add_routes(api, pages=throttle(throttles.review), unknown=throttle(throttles.default))
        requests = Requests(
            self,
            "Requests",
            ledger=state.ledger,
            directory=state.directory,
            limits=limits,
            workflows=workflows,
            tables=request_tables(settings),
            tells_errors=settings.stage == EMBEDDED,
        )
        requests.add_routes(api, throttle(throttles.requests))
        # Beside their reader: an export of a secret would keep its provider from being removed.
        sources = {name: {"scheme": each.scheme, **each.expects} for name, each in settings.providers.items()}
        providers = Providers(
            self,
            "Providers",
            secrets="Signing secrets",
            providers=sources,
            without=settings.unsigned_providers,
            removal_policy=removal_policy(settings),
        )
        looks = looks_function(settings)
        webhook = Webhook(
            self,
            "Webhook",
            base_url=self.base_url,
            ledger=state.ledger,
            providers=providers,
            answers=state.answers,
            limits=limits,
            looks=looks if settings.unsigned_providers else None,
        )
        if state.events:
            webhook.keep_in(state.events)
            Replay(
                self,
                "Replay",
                base_url=self.base_url,
                ledger=state.ledger,
                providers=providers,
                events=state.events,
                keep_days=settings.keep_events_days,
            )
        self.held_events = webhook.function.metric("EventsHeld")
        webhook.add_routes(api, webhooks=throttle(throttles.webhooks), callbacks=throttle(throttles.callbacks))
        WorkflowRights(self, "Heartbeats", function=webhook.function, workflows=workflows, on_versions=HEARTBEAT)
        CfnOutput(providers, "Document", value=providers.document).override_logical_id("Providers")
        if looks:
            asked = {name: source for name, source in sources.items() if name in looks.providers}
            removal = removal_policy(settings)
            keys = Providers(self, "LookKeys", secrets="API keys", providers=asked, removal_policy=removal)
            Looks(self, "Looks", names=looks, ledger=state.ledger, keys=keys)
            CfnOutput(keys, "Document", value=keys.document).override_logical_id("LookKeys")

    def _reachable(self, api: PublicApi, settings: Settings) -> ApiStage:
        """Add the API's stage, after all its routes, and its domain."""
        stage = ApiStage(
            self,
            "ApiStage",
            api=api,
            default=throttle(settings.throttles.default),
            log_retention=log_retention(settings),
            removal_policy=removal_policy(settings),
        )
        if settings.api.domain:
            ApiDomain(
                self,
                "ApiDomain",
                api=api,
                stage=stage,
                domain=settings.api.domain,
                zone=settings.api.zone,
                certificate_arn=settings.api.certificate_arn,
            )
        return stage

    def _carry(self, settings: Settings, state: LedgerStack) -> None:
        """Add what takes events from the bus to people and machines, and machines' answers from it."""
        approver = Approver(
            self,
            "Approver",
            stage=settings.stage,
            base_url=self.base_url,
            brand=brand_table(settings),
            readers=readers(settings),
            ledger=state.ledger,
            hand_offs=state.hand_offs,
        )
        channel = _channel(approver, settings)
        approver.send_on(channel, state.directory)
        Channel(
            self,
            "ExternalTasks",
            name="external-tasks",
            description="Hand-offs to machines, for workers that read the queue",
            bus=state.hand_offs.bus,
            pattern=events.EventPattern(
                source=[SOURCE],
                detail_type=events.Match.suffix(".requested"),
                # `kind` repeats the detail type; a field takes one condition only.
                detail={"kind": events.Match.anything_but_prefix("approval.")},
            ),
            message=ENVELOPE,
        )
        BusEvents(
            self,
            "Results",
            ledger=state.ledger,
            hand_offs=state.hand_offs,
            partners={
                each.event_source: {"name": name, "scheme": each.scheme, **each.expects}
                for name, each in settings.partners.items()
            },
            reports=channel.reports,
        )
        if settings.prove.role:
            Prover(self, "Prover", ledger=state.ledger)
        for name, value in channel.outputs.items():
            CfnOutput(self, name, value=value)


def _channel(scope: Construct, settings: Settings) -> MessageChannel:
    """Build the stage's channel."""
    name, mail = settings.mail.channel, _mail(scope, settings) if settings.mail.is_sent else None
    if mail and name == "email":
        return mail
    if name == "sns":
        return TopicChannel(scope, "Sns", title=settings.title)
    return ServiceChannel(
        scope,
        "Channel",
        name=name,
        settings=settings.channels.get(name, {}),
        channel=load(name),
        mail=mail,
        removal_policy=removal_policy(settings),
    )


def _mail(scope: Construct, settings: Settings) -> EmailChannel:
    mail = settings.mail
    return EmailChannel(
        scope,
        "Email",
        sender=mail.sender,
        name=mail.name or settings.brand.name,
        reply_to=mail.reply_to,
        identities=mail.identities,
    )
