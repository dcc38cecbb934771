"""Settings of the `approver` function."""

from collections.abc import Mapping
from dataclasses import dataclass

from countersign.environment import required


@dataclass(frozen=True)
class Settings:
    """What the function is deployed with.

    Attributes:
        ledger_table: Name of the ledger's table.
        base_url: Where review links lead, without a slash at the end.
        mail_sender: Address that mail comes from; verified with SES.
        stage: Name of the deployment; mails of others than `prod` say it.
    """

    ledger_table: str
    base_url: str
    mail_sender: str
    stage: str

    @classmethod
    def load(cls, environment: Mapping[str, str]) -> "Settings":
        """Read LEDGER_TABLE, BASE_URL, MAIL_SENDER and STAGE.

        Raises:
            MissingSettingError: One of them is not set.
        """
        return cls(
            ledger_table=required(environment, "LEDGER_TABLE"),
            base_url=required(environment, "BASE_URL").rstrip("/"),
            mail_sender=required(environment, "MAIL_SENDER"),
            stage=required(environment, "STAGE"),
        )
