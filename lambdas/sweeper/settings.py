"""Settings of the `sweeper` function."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from countersign.functions.environment import required


@dataclass(frozen=True)
class Settings:
    """What the function is deployed with.

    Attributes:
        ledger_table: Name of the ledger's table.
        functions: Alias ARN of each workflow, by name.
        grace: How long after its time something is overdue.
        at_most: How long one sweep goes on.
    """

    ledger_table: str
    functions: Mapping[str, str]
    grace: timedelta
    at_most: timedelta

    @classmethod
    def load(cls, environment: Mapping[str, str]) -> "Settings":
        """Read LEDGER_TABLE; WORKFLOW_ARNS, by name; GRACE_SECONDS; AT_MOST_SECONDS.

        Raises:
            MissingSettingError: One of them is not set.
        """
        return cls(
            ledger_table=required(environment, "LEDGER_TABLE"),
            functions=json.loads(required(environment, "WORKFLOW_ARNS")),
            grace=timedelta(seconds=int(required(environment, "GRACE_SECONDS"))),
            at_most=timedelta(seconds=int(required(environment, "AT_MOST_SECONDS"))),
        )
