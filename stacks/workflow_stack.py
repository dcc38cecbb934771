"""The durable workflows, and what starts them, wakes them and follows them."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_sqs as sqs
from aws_cdk.aws_apigatewayv2 import HttpMethod
from constructs import Construct

from stacks.components.api_stage import ApiStage
from stacks.components.durable_workflow import DurableWorkflow
from stacks.components.executions import Executions
from stacks.components.function_options import FunctionDefaults
from stacks.components.hand_off import HandOffBus
from stacks.components.layers import Layers
from stacks.components.ledger import Ledger
from stacks.components.publisher import Publisher
from stacks.components.python_function import PythonFunction
from stacks.components.relay import Relay
from stacks.components.retention import log_retention, removal_policy
from stacks.components.sources import Sources
from stacks.components.webhook_api import Route, WebhookApi
from stacks.policies import compact, policy_document
from stacks.settings import Settings


class WorkflowStack(Stack):
    """Every workflow of the settings, and the functions around them.

    Attributes:
        workflows: The workflows, by name.
        relay: The relay.
        publisher: The publisher.
        executions: What follows executions to their end.
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
        api: WebhookApi,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=f"countersign-{settings.stage}-workflow",
            description="Countersign: the durable workflows, the relay and the publisher",
        )
        defaults = FunctionDefaults.of(settings, sources=sources, layers=Layers(self, "Layers", sources=sources))
        scope_of_workflows = Construct(self, "Durable")
        self.workflows = {
            name: _workflow(scope_of_workflows, name, settings, ledger, hand_offs, defaults)
            for name in settings.workflows
        }
        self._requests(settings, ledger, api, defaults)
        built = self.workflows.values()
        self.relay = Relay(self, "Relay", ledger=ledger, workflows=built, defaults=defaults)
        self.publisher = Publisher(self, "Publisher", ledger=ledger, hand_offs=hand_offs, defaults=defaults)
        self.executions = Executions(self, "Executions", ledger=ledger, workflows=built, defaults=defaults)
        ApiStage(
            self,
            "ApiStage",
            api=api,
            default=settings.throttles.default,
            log_retention=log_retention(settings),
            removal_policy=removal_policy(settings),
        )
        starts = {name: queue for workflow in built for name, queue in workflow.dead_letters.items()}
        self.dead_letters: dict[str, sqs.IQueue] = {
            **starts,
            **self.relay.dead_letters,
            **self.publisher.dead_letters,
            **self.executions.dead_letters,
        }
        queues = {**self.dead_letters, **self.executions.queues}
        arns = {name: workflow.alias.function_arn for name, workflow in self.workflows.items()}
        CfnOutput(self, "Workflows", value=self.to_json_string(arns))
        CfnOutput(self, "Queues", value=self.to_json_string({name: queue.queue_url for name, queue in queues.items()}))

    def _requests(self, settings: Settings, ledger: Ledger, api: WebhookApi, defaults: FunctionDefaults) -> None:
        startable = {
            name: {
                "arn": workflow.alias.function_arn,
                "deadline_seconds": settings.workflows[name].deadline_seconds,
            }
            for name, workflow in self.workflows.items()
        }
        requests = PythonFunction(
            self,
            "Requests",
            folder="requests_api",
            description="Starts workflows, and tells how they are doing",
            defaults=defaults,
            environment={
                "LEDGER_TABLE": ledger.table.table_name,
                "WORKFLOWS": self.to_json_string(startable),
                **_policy(_policy_documents(settings)),
            },
        )
        ledger.grant_read_write(requests)
        for workflow in self.workflows.values():
            workflow.grant_start(requests)
        throttle = settings.throttles.requests
        api.add_routes(
            requests,
            requests,
            Route(HttpMethod.POST, "/requests", throttle),
            Route(HttpMethod.GET, "/requests/{request_id}", throttle),
        )


def _workflow(
    scope: Construct,
    name: str,
    settings: Settings,
    ledger: Ledger,
    hand_offs: HandOffBus,
    defaults: FunctionDefaults,
) -> DurableWorkflow:
    policies = _policy_documents(settings)
    built = DurableWorkflow(
        scope,
        name.title().replace("-", ""),
        name=name,
        workflow=settings.workflows[name],
        defaults=defaults,
        environment={
            "LEDGER_TABLE": ledger.table.table_name,
            "BUS_NAME": hand_offs.bus.event_bus_name,
            **_policy(policies.get(name)),
        },
    )
    ledger.grant_read_write(built.function)
    hand_offs.grant_put(built.function)
    return built


def _policy_documents(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    return {name: policy_document(rows) for name, rows in settings.policies.items()}


def _policy(document: Any) -> dict[str, str]:
    """Return the variable that tells a function of policies; none where there are none."""
    return {"POLICY": compact(document)} if document else {}
