"""Settings of the `held_payments` function."""

from collections.abc import Mapping
from dataclasses import dataclass

from countersign.functions.environment import required
from countersign.services.held_payments import WORKFLOW
from countersign.services.submissions import Startable


@dataclass(frozen=True)
class Settings:
    """What the function is deployed with.

    Attributes:
        ledger_table: Name of the ledger's table.
        workflow_arn: Alias ARN of the workflow that asks the operators.
        deadline_seconds: How long they have.
    """

    ledger_table: str
    workflow_arn: str
    deadline_seconds: int

    @property
    def functions(self) -> Mapping[str, str]:
        """The alias ARN of each workflow that it starts, by name."""
        return {WORKFLOW: self.workflow_arn}

    @property
    def workflows(self) -> Mapping[str, Startable]:
        """Each workflow that it starts, by name."""
        return {WORKFLOW: Startable(self.deadline_seconds, WORKFLOW)}

    @classmethod
    def load(cls, environment: Mapping[str, str]) -> "Settings":
        """Read LEDGER_TABLE, WORKFLOW_ARN and DEADLINE_SECONDS.

        Raises:
            MissingSettingError: One of them is not set.
        """
        return cls(
            ledger_table=required(environment, "LEDGER_TABLE"),
            workflow_arn=required(environment, "WORKFLOW_ARN"),
            deadline_seconds=int(required(environment, "DEADLINE_SECONDS")),
        )
