"""Settings of the `webhook` function."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from countersign.functions.environment import required


@dataclass(frozen=True)
class Settings:
    """What the function is deployed with.

    Attributes:
        ledger_table: Name of the ledger's table.
        webhooks_url: Where providers post to, without their name.
        providers: What makes a `Source` of each provider, by its name.
        answers_key: ARN of the key that encrypts answers; empty where no workflow wants that.
        secrets: ARN of each provider's secret, by its name.
    """

    ledger_table: str
    webhooks_url: str
    providers: Mapping[str, Mapping[str, Any]]
    secrets: Mapping[str, str]
    answers_key: str = ""

    @classmethod
    def load(cls, environment: Mapping[str, str]) -> "Settings":
        """Read LEDGER_TABLE and BASE_URL; PROVIDERS and ANSWERS_KEY if they are set.

        PROVIDERS holds, by name, `secret` and a `Source`.

        Raises:
            MissingSettingError: LEDGER_TABLE or BASE_URL is not set.
        """
        providers = json.loads(environment.get("PROVIDERS") or "{}")
        return cls(
            ledger_table=required(environment, "LEDGER_TABLE"),
            webhooks_url=f"{required(environment, 'BASE_URL').rstrip('/')}/webhooks",
            providers=providers,
            secrets={name: provider["secret"] for name, provider in providers.items()},
            answers_key=environment.get("ANSWERS_KEY", ""),
        )
