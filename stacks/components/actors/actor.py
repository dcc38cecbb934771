"""The base of all actors: one function on the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from constructs import Construct

from stacks.components.house.function_options import FunctionOptions
from stacks.components.house.python_function import PythonFunction
from stacks.components.state.ledger import Ledger


class Actor(Construct):
    """One function on the ledger. Each kind of actor adds its environment, its grants, its source and its alarms.

    Args:
        folder: The function's folder under `lambdas/`.
        description: One line for the console.
        ledger: The ledger; each kind of actor grants itself the rights it needs.
        environment: Variables beside the ledger's.
        tables: Tables that its code reads; None for none.
        options: Deviations from the defaults of all functions.

    Attributes:
        function: The function; its construct has the actor's own id.
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
        tables: Mapping[str, Any] | None = None,
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
            tables=tables,
        )
