"""Settings of the `requests` function."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from countersign.environment import required


@dataclass(frozen=True)
class Settings:
    """What the function is deployed with.

    Attributes:
        ledger_table: Name of the ledger's table.
        functions: Alias ARN of each workflow, by name.
        deadlines: Default `deadline_seconds` of each workflow, by name.
    """

    ledger_table: str
    functions: Mapping[str, str]
    deadlines: Mapping[str, int]

    @classmethod
    def load(cls, environment: Mapping[str, str]) -> "Settings":
        """Read LEDGER_TABLE, and WORKFLOWS: a JSON object of `{"arn", "deadline_seconds"}` by name.

        Raises:
            MissingSettingError: One of them is not set.
        """
        workflows = json.loads(required(environment, "WORKFLOWS"))
        return cls(
            ledger_table=required(environment, "LEDGER_TABLE"),
            functions={name: workflow["arn"] for name, workflow in workflows.items()},
            deadlines={name: int(workflow["deadline_seconds"]) for name, workflow in workflows.items()},
        )
