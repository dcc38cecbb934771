"""Settings of the `relay` function."""

from collections.abc import Mapping
from dataclasses import dataclass

from countersign.functions.environment import required


@dataclass(frozen=True)
class Settings:
    """What the function is deployed with.

    Attributes:
        ledger_table: Name of the ledger's table.
    """

    ledger_table: str

    @classmethod
    def load(cls, environment: Mapping[str, str]) -> "Settings":
        """Read LEDGER_TABLE.

        Raises:
            MissingSettingError: It is not set.
        """
        return cls(ledger_table=required(environment, "LEDGER_TABLE"))
