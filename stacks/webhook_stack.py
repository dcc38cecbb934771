"""What the outside touches: the API's public routes, the mail to approvers, and the queue of external workers."""

from __future__ import annotations

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_sqs as sqs
from aws_cdk.aws_apigatewayv2 import HttpMethod
from constructs import Construct

from stacks.components.actors.approver import Approver
from stacks.components.actors.bus_events import Results
from stacks.components.edge.webhook_api import Route, WebhookApi
from stacks.components.flow.hand_off import ENVELOPE, SOURCE, Channel
from stacks.components.house.function_options import FunctionDefaults, FunctionOptions
from stacks.components.house.layers import Layers
from stacks.components.house.python_function import PythonFunction
from stacks.components.house.sources import Sources
from stacks.components.state.limits import Limits
from stacks.ledger_stack import LedgerStack
from stacks.stage.settings import Settings, ThrottleSettings

_REVIEW_IS_PUBLIC = (
    "approvers have no AWS identity: the 256-bit token of the review link is the credential, checked by the function"
)

_WEBHOOKS_ARE_PUBLIC = (
    "providers have no AWS identity: they sign what they post with a secret of their own, checked by the function"
)
_CALLBACKS_ARE_PUBLIC = (
    "workers may be anywhere: the 256-bit token of their hand-off is the credential, checked by the function"
)


class WebhookStack(Stack):
    """The public side. None of its roles may invoke a function or complete a callback.

    Attributes:
        api: The API, to which later stacks add routes.
        webhook: The function behind the public routes.
        approver: The approver, and the queue of hand-offs to people.
        external_tasks: The queue of hand-offs to machines.
        results: What takes answers that come as events.
        dead_letters: Every dead-letter queue of the stack, by name.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        sources: Sources,
        state: LedgerStack,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=f"countersign-{settings.stage}-webhook",
            description="Countersign: the HTTP API, the review page and the hand-offs to people and workers",
        )
        defaults = FunctionDefaults.of(settings, sources=sources, layers=Layers(self, "Layers", sources=sources))
        self.api = WebhookApi(self, "Api")
        base_url = self.api.base_url(settings.base_url)
        self.webhook = self._webhook(settings, state, base_url, defaults)
        self.approver = Approver(
            self,
            "Approver",
            settings=settings,
            base_url=base_url,
            ledger=state.ledger,
            hand_offs=state.hand_offs,
            defaults=defaults,
        )
        self.external_tasks = Channel(
            self,
            "ExternalTasks",
            name="external-tasks",
            description="Hand-offs to machines that no consumer of their own takes",
            bus=state.hand_offs.bus,
            pattern=events.EventPattern(
                source=[SOURCE],
                detail_type=events.Match.suffix(".requested"),
                # `kind` is the detail type over again; a field takes one condition only.
                detail={"kind": events.Match.anything_but_prefix("approval.")},
            ),
            message=ENVELOPE,
        )
        self.results = Results(
            self,
            "Results",
            ledger=state.ledger,
            hand_offs=state.hand_offs,
            partners=settings.partners,
            defaults=defaults,
        )
        self.dead_letters: dict[str, sqs.IQueue] = {
            **self.approver.dead_letters,
            **self.external_tasks.dead_letters,
            **self.results.dead_letters,
        }
        queues = {**self.approver.queues, **self.external_tasks.queues, **self.results.queues}
        for name, value in self.approver.outputs.items():
            CfnOutput(self, name, value=value)
        CfnOutput(self, "ApiUrl", value=base_url)
        CfnOutput(self, "Providers", value=state.providers.document)
        CfnOutput(self, "ApiId", value=self.api.api.api_id)
        CfnOutput(self, "Queues", value=self.to_json_string({name: queue.queue_url for name, queue in queues.items()}))

    def _webhook(
        self, settings: Settings, state: LedgerStack, base_url: str, defaults: FunctionDefaults
    ) -> PythonFunction:
        limits = Limits(self, "Limits", settings=settings.limits)
        webhook = PythonFunction(
            self,
            "Webhook",
            folder="webhook",
            description="The review page, what providers post, and what machines answer",
            defaults=defaults,
            options=FunctionOptions(reserved_concurrency=settings.limits.public_concurrency or None),
            environment={
                "LEDGER_TABLE": state.ledger.table.table_name,
                "BASE_URL": base_url,
                **limits.environment,
                **state.directory.environment,
                **state.providers.environment,
                **(state.answers.environment if state.answers else {}),
            },
        )
        state.ledger.grant_answers(webhook)
        state.ledger.grant_inboxes(webhook)
        state.directory.grant_read(webhook)
        state.providers.grant_read(webhook)
        if state.answers:
            state.answers.grant_encrypt(webhook)
        limits.grant_count(webhook)
        self.api.add_routes(webhook, webhook, *_routes(settings.throttles))
        return webhook


def _routes(throttles: ThrottleSettings) -> list[Route]:
    return [
        *(
            Route(method, path, throttles.review, public_because=_REVIEW_IS_PUBLIC)
            for method, path in (
                (HttpMethod.GET, "/review"),
                (HttpMethod.HEAD, "/review"),
                (HttpMethod.POST, "/review"),
                (HttpMethod.POST, "/delegate"),
                (HttpMethod.GET, "/inbox"),
                (HttpMethod.HEAD, "/inbox"),
                (HttpMethod.POST, "/inbox"),
            )
        ),
        Route(HttpMethod.POST, "/webhooks/{provider}", throttles.webhooks, public_because=_WEBHOOKS_ARE_PUBLIC),
        *(
            Route(HttpMethod.POST, f"/callbacks/{said}", throttles.callbacks, public_because=_CALLBACKS_ARE_PUBLIC)
            for said in ("succeed", "fail", "heartbeat")
        ),
    ]
