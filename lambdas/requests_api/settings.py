"""Settings of the `requests` function."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from countersign.domain.policy import Policy
from countersign.environment import required


@dataclass(frozen=True)
class Settings:
    """What the function is deployed with.

    Attributes:
        ledger_table: Name of the ledger's table.
        functions: Alias ARN of each workflow, by name.
        deadlines: Default `deadline_seconds` of each workflow, by name.
        policies: The policy of each workflow that has one, by name.
    """

    ledger_table: str
    functions: Mapping[str, str]
    deadlines: Mapping[str, int]
    policies: Mapping[str, Policy]

    @classmethod
    def load(cls, environment: Mapping[str, str]) -> "Settings":
        """Read LEDGER_TABLE; WORKFLOWS, a JSON object of `{"arn", "deadline_seconds"}` by name; POLICY, rows by name.

        Raises:
            MissingSettingError: One of them is not set; POLICY may be.
        """
        workflows = json.loads(required(environment, "WORKFLOWS"))
        policies = json.loads(environment.get("POLICY") or "{}")
        return cls(
            ledger_table=required(environment, "LEDGER_TABLE"),
            functions={name: workflow["arn"] for name, workflow in workflows.items()},
            deadlines={name: int(workflow["deadline_seconds"]) for name, workflow in workflows.items()},
            policies={name: Policy.from_document(rows) for name, rows in policies.items()},
        )
