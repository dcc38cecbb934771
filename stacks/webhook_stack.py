"""What the outside touches: the API's public routes, the mail to approvers, and the queue of external workers."""

from __future__ import annotations

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_sqs as sqs
from aws_cdk.aws_apigatewayv2 import HttpMethod
from constructs import Construct

from stacks.components.approver import Approver
from stacks.components.function_options import FunctionDefaults
from stacks.components.hand_off import ENVELOPE, SOURCE, Channel, HandOffBus
from stacks.components.layers import Layers
from stacks.components.ledger import Ledger
from stacks.components.python_function import PythonFunction
from stacks.components.sources import Sources
from stacks.components.webhook_api import Route, WebhookApi
from stacks.settings import Settings

_REVIEW_IS_PUBLIC = (
    "approvers have no AWS identity: the 256-bit token of the review link is the credential, checked by the function"
)


class WebhookStack(Stack):
    """The public side. None of its roles may invoke a function or complete a callback.

    Attributes:
        api: The API, to which later stacks add routes.
        webhook: The function behind the public routes.
        dead_letters: Every dead-letter queue of the stack, by name.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        sources: Sources,
        ledger: Ledger,
        hand_offs: HandOffBus,
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
        self.webhook = self._webhook(settings, ledger, defaults)
        approver = Approver(
            self,
            "Approver",
            settings=settings,
            base_url=base_url,
            ledger=ledger,
            hand_offs=hand_offs,
            defaults=defaults,
        )
        external_tasks = Channel(
            self,
            "ExternalTasks",
            name="external-tasks",
            description="Hand-offs to machines that no consumer of their own takes",
            bus=hand_offs.bus,
            pattern=events.EventPattern(
                source=[SOURCE],
                detail_type=events.Match.suffix(".requested"),
                # `kind` is the detail type over again; a field takes one condition only.
                detail={"kind": events.Match.anything_but_prefix("approval.")},
            ),
            message=ENVELOPE,
        )
        self.dead_letters: dict[str, sqs.IQueue] = {**approver.dead_letters, **external_tasks.dead_letters}
        queues = {**approver.queues, **external_tasks.queues}
        for name, value in approver.outputs.items():
            CfnOutput(self, name, value=value)
        CfnOutput(self, "ApiUrl", value=base_url)
        CfnOutput(self, "ApiId", value=self.api.api.api_id)
        CfnOutput(self, "Queues", value=self.to_json_string({name: queue.queue_url for name, queue in queues.items()}))

    def _webhook(self, settings: Settings, ledger: Ledger, defaults: FunctionDefaults) -> PythonFunction:
        webhook = PythonFunction(
            self,
            "Webhook",
            folder="webhook",
            description="The review page, and the decisions made on it",
            defaults=defaults,
            environment={"LEDGER_TABLE": ledger.table.table_name},
        )
        ledger.grant_read_write(webhook)
        throttle = settings.throttles.review
        self.api.add_routes(
            webhook,
            webhook,
            *(
                Route(method, "/review", throttle, public_because=_REVIEW_IS_PUBLIC)
                for method in (HttpMethod.GET, HttpMethod.HEAD, HttpMethod.POST)
            ),
        )
        return webhook
