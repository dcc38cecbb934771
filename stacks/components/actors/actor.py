"""What actors have in common: one function on the ledger."""

from __future__ import annotations

from collections.abc import Mapping

from constructs import Construct

from stacks.components.house.function_options import FunctionOptions
from stacks.components.house.python_function import PythonFunction
from stacks.components.state.ledger import Ledger


class Actor(Construct):
    """One function on the ledger. Each kind of actor adds its environment, its grants, its source and its alarms.

    Args:
        folder: The function's folder under `lambdas/`.
        description: One line for whoever finds it in the console.
        ledger: The ledger; rights in it are for the kind of actor to grant.
        environment: Variables beside the ledger's.
        options: Where it differs from other functions.

    Attributes:
        function: The function, whose construct has the actor's own id.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        folder: str,
        description: str,
        ledger: Ledger,
        environment: Mapping[str, str] | None = None,
        options: FunctionOptions | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = PythonFunction(
            self,
            construct_id,
            folder=folder,
            description=description,
            options=options,
            environment={**ledger.environment, **(environment or {})},
        )
