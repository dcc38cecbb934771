"""Settings of the `requests` function."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from countersign.domain.policy import Policy
from countersign.functions.environment import required
from countersign.services.door import Door
from countersign.services.submissions import Startable


@dataclass(frozen=True)
class Settings:
    """What the function is deployed with.

    Attributes:
        ledger_table: Name of the ledger's table.
        functions: Function and alias of each workflow, `<function>:<alias>`, by name.
        workflows: Every workflow, by name.
        door: What the stage asks of requests.
    """

    ledger_table: str
    functions: Mapping[str, str]
    workflows: Mapping[str, Startable]
    door: Door

    @classmethod
    def load(cls, environment: Mapping[str, str]) -> "Settings":
        """Read LEDGER_TABLE; POLICY, rows by name; REQUESTS, the fields of a `Door`; WORKFLOWS by name.

        Of a workflow: `function`, `deadline_seconds`, and `contract` where it is not the workflow's own name.

        Raises:
            MissingSettingError: One of them is not set; POLICY may be.
        """
        workflows = json.loads(required(environment, "WORKFLOWS"))
        rows = json.loads(environment.get("POLICY") or "{}")
        door = json.loads(required(environment, "REQUESTS"))
        policies = {name: Policy.from_document(document) for name, document in rows.items()}
        return cls(
            ledger_table=required(environment, "LEDGER_TABLE"),
            functions={name: workflow["function"] for name, workflow in workflows.items()},
            workflows={
                name: Startable(int(workflow["deadline_seconds"]), workflow.get("contract", name), policies.get(name))
                for name, workflow in workflows.items()
            },
            door=Door(tuple(door["providers"]), door["requester"], tuple(door["approver_domains"])),
        )
