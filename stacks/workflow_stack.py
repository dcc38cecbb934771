"""The durable workflows, and the functions that start, ring and follow them."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnOutput, Duration
from constructs import Construct

from countersign.services.held_payments import WORKFLOW as HELD_PAYMENT
from stacks.components.actors.executions import Executions
from stacks.components.actors.held_payments import HeldPayments
from stacks.components.actors.publisher import Publisher
from stacks.components.actors.relay import Relay
from stacks.components.actors.sweeper import Sweeper
from stacks.components.edge.api import PublicApi, Route
from stacks.components.edge.api_stage import ApiStage
from stacks.components.edge.deny_callbacks import DenyCallbacks
from stacks.components.edge.domain import ApiDomain
from stacks.components.flow.durable_workflow import DurableWorkflow
from stacks.components.house.function_options import FunctionDefaults
from stacks.components.house.python_function import PythonFunction
from stacks.components.house.queues import queues_in
from stacks.components.house.stack import FunctionStack
from stacks.ledger_stack import LedgerStack
from stacks.options import log_retention, removal_policy, throttle
from stacks.patterns_stack import PatternsStack
from stacks.public_stack import PublicStack
from stacks.stage.policies import policy_document
from stacks.stage.settings import Settings
from stacks.stage.workflows import WorkflowSettings
from stacks.workflows import build_workflows


class WorkflowStack(FunctionStack):
    """The workflows of the settings, and the functions around them and around the patterns.

    Attributes:
        workflows: Every workflow of the stage, by name.
        api_stage: The stage of the API.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        functions: FunctionDefaults,
        state: LedgerStack,
        public: PublicStack,
        patterns: PatternsStack | None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            prefix=settings.prefix,
            description="the durable workflows, the relay and the publisher",
            functions=functions,
        )
        base_url = public.api.base_url(settings.base_url)
        self.workflows: dict[str, DurableWorkflow] = build_workflows(
            self,
            settings.workflows,
            prefix=settings.prefix,
            state=state,
            environments={name: {"BASE_URL": base_url} for name in settings.workflows},
            policies=_policies(settings),
            operators={HELD_PAYMENT: settings.payments.operators},
        )
        if patterns:
            self.workflows |= patterns.workflows
            self.add_dependency(patterns, "requests start only workflows that are deployed")
        built = [workflow.names for workflow in self.workflows.values()]
        for workflow in built:
            workflow.grant_heartbeat(public.webhook.function.role)
        self._requests(settings, state, public.api)
        Relay(self, "Relay", ledger=state.ledger, workflows=built)
        Publisher(self, "Publisher", ledger=state.ledger, hand_offs=state.hand_offs, archive=state.archive)
        Executions(self, "Executions", ledger=state.ledger, workflows=built)
        Sweeper(
            self,
            "Sweeper",
            every=Duration.minutes(settings.sweeper.every_minutes),
            grace_seconds=settings.sweeper.grace_seconds,
            ledger=state.ledger,
            workflows=built,
        )
        if settings.payments.operators:
            HeldPayments(
                self,
                "HeldPayments",
                ledger=state.ledger,
                hand_offs=state.hand_offs,
                workflow=self.workflows[HELD_PAYMENT].names,
                deadline_seconds=settings.workflows[HELD_PAYMENT].deadline_seconds,
            )
        if settings.people.deny_callbacks:
            DenyCallbacks(self, "DenyCallbacks", workflows=built)
        self.api_stage = ApiStage(
            self,
            "ApiStage",
            api=public.api,
            default=throttle(settings.throttles.default),
            log_retention=log_retention(settings),
            removal_policy=removal_policy(settings),
        )
        if settings.api.domain:
            ApiDomain(
                self,
                "ApiDomain",
                api=public.api,
                stage=self.api_stage,
                domain=settings.api.domain,
                zone=settings.api.zone,
                certificate_arn=settings.api.certificate_arn,
            )
        queues = queues_in(patterns, self)
        arns = {workflow.workflow: workflow.live_arn(self) for workflow in built}
        CfnOutput(self, "Workflows", value=self.to_json_string(arns))
        CfnOutput(self, "Queues", value=self.to_json_string(queues))

    def _requests(self, settings: Settings, state: LedgerStack, api: PublicApi) -> None:
        deployed = settings.every_workflow
        startable = {name: _startable(workflow, deployed[name]) for name, workflow in self.workflows.items()}
        requests = PythonFunction(
            self,
            "Requests",
            folder="requests_api",
            description="Starts workflows, and reports their state",
            environment={**state.ledger.environment, **state.directory.environment},
            tables={"workflows": startable, "policies": _policies(settings), "requests": _door(settings)},
        )
        state.ledger.grant_requests(requests)
        state.directory.grant_read(requests)
        for workflow in self.workflows.values():
            workflow.names.grant_start(requests.role)
        limit = throttle(settings.throttles.requests)
        api.add_routes(requests, requests, Route("POST /requests", limit), Route("GET /requests/{request_id}", limit))


def _startable(workflow: DurableWorkflow, settings: WorkflowSettings) -> dict[str, Any]:
    """Return the row of one workflow in the table of `requests_api`."""
    return {
        "function": workflow.names.live_name,
        "deadline_seconds": settings.deadline_seconds,
        "contract": settings.contract or workflow.names.workflow,
        "retired": settings.retired,
    }


def _door(settings: Settings) -> dict[str, Any]:
    """Return the rules for requests that `requests_api` applies."""
    providers = sorted({*settings.providers, *settings.partners})
    return {"providers": providers, **settings.requests.model_dump(mode="json")}


def _policies(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    return {name: policy_document(rows) for name, rows in settings.policies.items()}
