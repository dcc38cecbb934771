"""The stacks of the house: how they are called, and what their functions have in common."""

from __future__ import annotations

from aws_cdk import Stack
from constructs import Construct, IConstruct

from stacks.components.house.function_options import FunctionDefaults
from stacks.components.house.layers import Layers


class HouseStack(Stack):
    """A stack called `countersign-<stage>-<name>`, where the name is its construct id without `Stack`.

    Args:
        description: What it holds, for whoever finds it in the console.
        protected: Whether nobody can delete it without taking that protection away first.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: str, description: str, protected: bool | None = None
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=f"countersign-{stage}-{construct_id.removesuffix('Stack').lower()}",
            description=f"Countersign: {description}",
            termination_protection=protected,
        )


class FunctionStack(HouseStack):
    """A stack of the house that has functions.

    Attributes:
        functions: What its functions have in common.
        layers: What they run on.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: str, description: str, functions: FunctionDefaults
    ) -> None:
        super().__init__(scope, construct_id, stage=stage, description=description)
        self.functions = functions
        self.layers = Layers(self, "Layers", sources=functions.sources)

    @staticmethod
    def around(construct: IConstruct) -> FunctionStack:
        """Return the stack that a function, or what has one, is in."""
        stack = Stack.of(construct)
        assert isinstance(stack, FunctionStack), "functions belong into a stack that has something for them in common"
        return stack
