"""Settings of the `publisher` function."""

from collections.abc import Mapping
from dataclasses import dataclass

from countersign.functions.environment import required


@dataclass(frozen=True)
class Settings:
    """What the function is deployed with.

    Attributes:
        ledger_table: Name of the ledger's table.
        bus_name: Name of the hand-off bus.
        audit_bucket: Name of the bucket of the audit's copy; empty where the stage keeps none.
    """

    ledger_table: str
    bus_name: str
    audit_bucket: str = ""

    @classmethod
    def load(cls, environment: Mapping[str, str]) -> "Settings":
        """Read LEDGER_TABLE and BUS_NAME, and AUDIT_BUCKET if it is set.

        Raises:
            MissingSettingError: LEDGER_TABLE or BUS_NAME is not set.
        """
        return cls(
            ledger_table=required(environment, "LEDGER_TABLE"),
            bus_name=required(environment, "BUS_NAME"),
            audit_bucket=environment.get("AUDIT_BUCKET", ""),
        )
