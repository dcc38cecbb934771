"""The base classes of the kit's stacks: their names, and the defaults of their functions."""

from __future__ import annotations

from functools import cached_property
from typing import Self

from aws_cdk import ArnFormat, Environment, Stack
from constructs import Construct, IConstruct

from stacks.components.house.function_options import FunctionDefaults
from stacks.components.house.layers import Layers


class HouseStack(Stack):
    """A stack named `<app>-<stage>-<name>`.

    Args:
        prefix: The beginning of the stage's names, `<app>-<stage>-`.
        name: Its own part of the name.
        env: Its account and region; None for those of the credentials.
        description: Its content, for the console.
        protected: Whether CloudFormation refuses to delete it until the protection is turned off.

    Attributes:
        name: Its own part of the name.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        prefix: str,
        name: str,
        env: Environment | None,
        description: str,
        protected: bool | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            env=env,
            stack_name=f"{prefix}{name}",
            description=f"Countersign: {description}",
            termination_protection=protected,
        )
        self.name = name

    @cached_property
    def functions_arn(self) -> str:
        """The ARN of a function in its account and region, up to the function's name."""
        return self.format_arn(
            service="lambda", resource="function", resource_name="", arn_format=ArnFormat.COLON_RESOURCE_NAME
        )

    @classmethod
    def around(cls, construct: IConstruct) -> Self:
        """Return the stack that contains a construct of the kit."""
        stack = Stack.of(construct)
        assert isinstance(stack, cls), f"{construct.node.path} belongs into a {cls.__name__}"
        return stack


class FunctionStack(HouseStack):
    """A stack that has functions.

    Attributes:
        functions: The defaults of its functions.
        layers: The layers of its functions.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        prefix: str,
        name: str,
        env: Environment | None,
        description: str,
        functions: FunctionDefaults,
    ) -> None:
        super().__init__(scope, construct_id, prefix=prefix, name=name, env=env, description=description)
        self.functions = functions
        self.layers = Layers(self, "Layers", sources=functions.sources)
