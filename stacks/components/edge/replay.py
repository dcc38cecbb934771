"""The replay function: handles kept events again, for operators with IAM rights only."""

from __future__ import annotations

from aws_cdk import CfnOutput
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.components.actors.actor import Actor
from stacks.components.house.function_options import FunctionOptions
from stacks.components.house.rights import allow
from stacks.components.state.kept_events import KeptEvents
from stacks.components.state.ledger import Ledger
from stacks.components.state.providers import Providers


class Replay(Actor):
    """Handles kept events again, as the webhook function handles posts. It has no route.

    Operators may write no events to the ledger: they invoke this function, which takes the key of an event and no body.
    The managed policy in the output `EventsPolicy` lets their roles list, show and replay events, and denies them
    writing events to the ledger.

    Args:
        base_url: The API's public address, without a slash at the end.
        ledger: The ledger.
        providers: The providers and their secrets.
        events: The kept events.
        keep_days: How many days they are kept.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        base_url: str,
        ledger: Ledger,
        providers: Providers,
        events: KeptEvents,
        keep_days: int,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            folder="webhook",
            description="Handles kept events again",
            ledger=ledger,
            options=FunctionOptions(module="replay", memory_mb=256),
            environment={
                "BASE_URL": base_url,
                "KEEP_EVENTS_DAYS": str(keep_days),
                **providers.environment,
                **events.environment,
            },
        )
        ledger.grant_answers(self.function)
        providers.grant_read(self.function)
        events.grant_read(self.function)
        policy = iam.ManagedPolicy(
            self, "Policy", description="Allows listing and replaying kept events: attach it to operators' roles"
        )
        events.grant_read(policy)
        ledger.grant_look_up(policy)
        allow(policy, "lambda:InvokeFunction", on=[self.function.function.function_arn])
        CfnOutput(self, "PolicyArn", value=policy.managed_policy_arn).override_logical_id("EventsPolicy")
        CfnOutput(self, "Name", value=self.function.function.function_name).override_logical_id("ReplayFunction")
