"""Amounts on the wire: decimal texts in one canonical form, and how many decimals a currency has for whom.

ISO 4217, list one (https://www.six-group.com/en/products-services/financial-information/data-standards.html), gives
each currency an exponent; two unless it stands below. Providers that count in minor units differ in a few of them.
"""

from collections.abc import Mapping

_MAX_DIGITS = 15
_MAX_DECIMALS = 8
_USUAL_EXPONENT = 2

ISO_4217: Mapping[str, int] = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"), 0),
    **dict.fromkeys(("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
"""The currencies whose exponent is not two."""

STRIPE: Mapping[str, int] = {**ISO_4217, "ISK": 2, "UGX": 2, "MGA": 0}
"""https://docs.stripe.com/currencies: MGA is a zero-decimal currency there; ISK and UGX are counted with two decimals,
always 00, for compatibility. HUF and TWD are special at payouts only: charges have two decimals, as in ISO 4217."""

ADYEN: Mapping[str, int] = {**ISO_4217, "CLP": 2, "CVE": 0, "IDR": 0, "ISK": 2}
"""https://docs.adyen.com/development-resources/currency-codes: four currencies differ from the standard."""


def canonical(text: str, currency: str) -> str | None:
    """Return an amount in the one form that equal amounts of a currency share; None when it is no decimal text.

    It has as many decimals as ISO 4217 gives the currency, and more only where they are not zero: nothing is rounded.

    Args:
        text: Digits with at most one point, without sign, leading zeros or exponent.
        currency: ISO 4217 code, upper case.
    """
    units, point, decimals = text.partition(".")
    digits = units.isdigit() and decimals.isdigit() if point else units.isdigit()
    if not digits or not text.isascii() or (units.startswith("0") and units != "0"):
        return None
    if len(units) > _MAX_DIGITS or len(decimals) > _MAX_DECIMALS:
        return None
    decimals = decimals.rstrip("0").ljust(ISO_4217.get(currency, _USUAL_EXPONENT), "0")
    return f"{units}.{decimals}" if decimals else units


def from_minor_units(count: int, currency: str, exponents: Mapping[str, int]) -> str | None:
    """Return so many minor units as a canonical amount; None when there are too many to be one.

    Args:
        count: How many, not negative.
        currency: ISO 4217 code, upper case.
        exponents: Whose minor units they are: `ISO_4217`, `STRIPE` or `ADYEN`.
    """
    exponent = exponents.get(currency, _USUAL_EXPONENT)
    units, decimals = divmod(count, 10**exponent)
    return canonical(f"{units}.{decimals:0{exponent}d}" if exponent else str(units), currency)
