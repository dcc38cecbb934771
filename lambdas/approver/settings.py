"""Settings of the `approver` function."""

from collections.abc import Mapping
from dataclasses import dataclass

from countersign.functions.environment import required

DEFAULT_CHANNEL = "email"


@dataclass(frozen=True)
class Settings:
    """What the function is deployed with.

    Attributes:
        ledger_table: Name of the ledger's table.
        base_url: Where review links lead, without a slash at the end.
        channel: Name of the channel that messages go out on; `email` unless the stack says otherwise.
        stage: Name of the deployment; mails of others than `prod` say it.
    """

    ledger_table: str
    base_url: str
    channel: str
    stage: str

    @classmethod
    def load(cls, environment: Mapping[str, str]) -> "Settings":
        """Read LEDGER_TABLE, BASE_URL and STAGE, and CHANNEL if it is set; the channel reads what it needs by itself.

        Raises:
            MissingSettingError: One of the first three is not set.
        """
        return cls(
            ledger_table=required(environment, "LEDGER_TABLE"),
            base_url=required(environment, "BASE_URL").rstrip("/"),
            channel=environment.get("CHANNEL", DEFAULT_CHANNEL),
            stage=required(environment, "STAGE"),
        )
