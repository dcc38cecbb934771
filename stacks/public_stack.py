"""The public side: the API with its public functions, the approver, the queue of machines."""

from __future__ import annotations

from aws_cdk import CfnOutput
from aws_cdk import aws_events as events
from constructs import Construct

from countersign.adapters.event_bus import SOURCE
from countersign.channels.base import load
from stacks.components.actors.approver import Approver
from stacks.components.actors.bus_events import BusEvents
from stacks.components.edge.api import PublicApi
from stacks.components.edge.review import Review
from stacks.components.edge.webhook import Webhook
from stacks.components.flow.channels import EmailChannel, ExtensionChannel, MessageChannel, TopicChannel
from stacks.components.flow.hand_off import ENVELOPE, Channel
from stacks.components.house.function_options import FunctionDefaults
from stacks.components.house.queues import queues_in
from stacks.components.house.stack import FunctionStack
from stacks.components.state.limits import Limits
from stacks.ledger_stack import LedgerStack
from stacks.options import removal_policy, throttle
from stacks.stage.settings import Settings


class PublicStack(FunctionStack):
    """The public side. None of its roles may invoke a function or complete a callback.

    Attributes:
        api: The API, to which later stacks add routes.
        review: The function that serves people.
        webhook: The function that serves machines.
        approver: The approver.
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
            description="the HTTP API, the review page and the hand-offs to people and workers",
            functions=functions,
        )
        self.api = PublicApi(self, "Api", own_domain=bool(settings.api.domain))
        base_url = self.api.base_url(settings.base_url)
        limits = Limits(
            self,
            "Limits",
            review=settings.limits.review.model_dump(),
            callbacks=settings.limits.callbacks.model_dump(),
            concurrency=settings.limits.public_concurrency or None,
        )
        throttles = settings.throttles
        self.review = Review(self, "Review", ledger=state.ledger, directory=state.directory, limits=limits)
        self.review.add_routes(self.api, pages=throttle(throttles.review), unknown=throttle(throttles.default))
        self.webhook = Webhook(
            self,
            "Webhook",
            base_url=base_url,
            ledger=state.ledger,
            providers=state.providers,
            answers=state.answers,
            limits=limits,
        )
        self.webhook.add_routes(
            self.api, webhooks=throttle(throttles.webhooks), callbacks=throttle(throttles.callbacks)
        )
        self.approver = Approver(
            self, "Approver", stage=settings.stage, base_url=base_url, ledger=state.ledger, hand_offs=state.hand_offs
        )
        channel = _channel(self.approver, settings)
        self.approver.send_on(channel)
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
        for name, value in channel.outputs.items():
            CfnOutput(self, name, value=value)
        CfnOutput(self, "ApiUrl", value=base_url)
        CfnOutput(self, "Providers", value=state.providers.document)
        CfnOutput(self, "ApiId", value=self.api.api.api_id)
        CfnOutput(self, "Queues", value=self.to_json_string(queues_in(self)))


def _channel(scope: Construct, settings: Settings) -> MessageChannel:
    """Build the stage's channel."""
    match name := settings.mail.channel:
        case "email":
            mail = settings.mail
            return EmailChannel(
                scope,
                "Email",
                sender=mail.sender,
                name=mail.name,
                reply_to=mail.reply_to,
                identities=mail.identities,
            )
        case "sns":
            return TopicChannel(scope, "Sns", title=settings.title)
    return ExtensionChannel(
        scope,
        "Channel",
        name=name,
        settings=settings.channels.get(name, {}),
        has_secret=load(name).has_secret,
        removal_policy=removal_policy(settings),
    )
