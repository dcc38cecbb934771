"""The list prices of `prices.toml`."""

import tomllib
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("prices.toml")
LONGEST_AGE = timedelta(days=365)
_SIZES = {"million": 1e6, "GB": 1e9, "GB-month": 1e9, "month": 1}


@dataclass(frozen=True)
class Price:
    """A price: dollars for a `million`, a `GB`, a `GB-month` or a `month`."""

    dollars: float
    per: str
    source: str

    def of(self, quantity: float) -> float:
        """Return the dollars for a quantity, in pieces, bytes or byte-months."""
        return self.dollars * quantity / _SIZES[self.per]

    def amount(self, quantity: float) -> str:
        """Return a quantity in words, such as `4.0 GB x 0.50`."""
        unit = {"million": "M", "month": ""}.get(self.per, self.per)
        return (
            f"{quantity / _SIZES[self.per]:,.2f}".rstrip("0").rstrip(".") + f" {unit}".rstrip() + f" x {self.dollars:g}"
        )


@dataclass(frozen=True)
class Prices:
    """The list of prices, its region, and the day on which somebody compared it with AWS's pages."""

    checked: date
    region: str
    prices: dict[str, Price]

    @classmethod
    def load(cls, file: Path = FILE) -> "Prices":
        """Read the list."""
        document: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
        prices = {name: Price(**price) for name, price in document["prices"].items()}
        return cls(document["checked"], document["region"], prices)

    def warning(self, today: date) -> str:
        """Return a warning about a list that is older than a year; empty for none."""
        if today - self.checked <= LONGEST_AGE:
            return ""
        return (
            f"warning: the prices in {FILE} were checked on {self.checked}, more than a year ago. Open the page in each"
            " `source`, correct `dollars`, and set `checked` to the day."
        )
