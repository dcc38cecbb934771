"""Looks: asks payment providers how a payment stands. No other function has their API keys."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.components.house.function_options import FunctionOptions
from stacks.components.house.python_function import PythonFunction
from stacks.components.house.queues import DeadLetterQueue, retry_invocations
from stacks.components.house.rights import allow
from stacks.components.state.ledger import Ledger
from stacks.components.state.providers import Providers


@dataclass(frozen=True)
class LooksFunction:
    """The function by its literal name, so that workflows can refer to it without an export.

    An export in use would keep the function from being removed.

    Attributes:
        name: The function's name.
        providers: The names of the providers that it asks.
    """

    name: str
    providers: tuple[str, ...]

    @property
    def environment(self) -> dict[str, str]:
        """Variables of a function that calls it."""
        return {"LOOKS_FUNCTION": self.name, "LOOKS_PROVIDERS": ",".join(self.providers)}

    def grant_call(self, grantee: iam.Role) -> None:
        """Allow calling it."""
        arn = Stack.of(grantee).format_arn(
            service="lambda", resource="function", resource_name=self.name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        allow(grantee, "lambda:InvokeFunction", on=[arn])


class Looks(Construct):
    """Called by workflows, by the webhook function for providers that sign nothing, and by operators.

    Args:
        names: Its name, and the providers that it asks.
        ledger: The ledger, where it records answers like providers' events.
        keys: The providers' API keys.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, names: LooksFunction, ledger: Ledger, keys: Providers
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = PythonFunction(
            self,
            "Looks",
            folder="looks",
            description="Asks payment providers how a payment stands",
            options=FunctionOptions(
                name=names.name, dead_letter_queue=DeadLetterQueue(self, "DeadLetters", name="looks")
            ),
            environment={**ledger.environment, **keys.environment},
        )
        retry_invocations(self.function)
        ledger.grant_answers(self.function)
        keys.grant_read(self.function)
        self.function.watch_counts(
            "Payments",
            "Looks",
            shown=("EventsRecorded", "EventsHeld"),
            alarms={
                "LooksFailing": "A provider did not say how a payment stands, so the payment may expire although it was"
                " paid. First read the reason in the log of looks"
            },
        )
