"""Settings of the `results` function."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from countersign.functions.environment import required
from countersign.services.bus_events import Partner
from countersign.services.webhooks import Source


@dataclass(frozen=True)
class Settings:
    """What the function is deployed with.

    Attributes:
        ledger_table: Name of the ledger's table.
        dead_letters_url: Where events go that trying again would not mend.
        partners: The partners of the stage, by the source of their events.
    """

    ledger_table: str
    dead_letters_url: str
    partners: Mapping[str, Partner]

    @classmethod
    def load(cls, environment: Mapping[str, str]) -> "Settings":
        """Read LEDGER_TABLE, DEAD_LETTERS_URL, and PARTNERS if it is set: by event source, `name` and a `Source`.

        Raises:
            MissingSettingError: One of the first two is not set.
        """
        partners = json.loads(environment.get("PARTNERS") or "{}")
        return cls(
            ledger_table=required(environment, "LEDGER_TABLE"),
            dead_letters_url=required(environment, "DEAD_LETTERS_URL"),
            partners={source: Partner(each["name"], Source.of(each)) for source, each in partners.items()},
        )
