"""Amounts on the wire: decimal texts in one canonical form, and how many decimals a currency has.

ISO 4217, list one, published 2026-01-01, gives each currency an exponent:
https://www.six-group.com/dam/download/financial-information/data-center/iso-currrency/lists/list-one.xml
Providers that count in minor units differ in a few currencies, which each provider's module lists.
"""

from collections.abc import Mapping
from decimal import Decimal

_MAX_DIGITS = 15
_MAX_DECIMALS = 8
_USUAL_EXPONENT = 2

_TWO_DECIMALS = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU
CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES
KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR
NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP
TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
"""

ISO_4217: Mapping[str, int] = {
    **dict.fromkeys(_TWO_DECIMALS.split(), _USUAL_EXPONENT),
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"), 0),
    **dict.fromkeys(("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
"""The exponent of every current currency. Codes without one (metals, test codes, `XXX`) cannot be paid."""


def canonical(text: str, currency: str) -> str | None:
    """Return an amount in canonical form, the same for equal amounts of a currency; None if it is not a decimal text.

    It has the decimals of the currency by ISO 4217, and more only if they are not zero: nothing is rounded.

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
    return _padded(units, decimals, currency)


def parsed(text: str) -> tuple[Decimal, str] | None:
    """Return the amount and the currency of a text such as `250.00 EUR`; None for any other text.

    The amount has the decimals of the currency by ISO 4217, and more only if they are not zero: nothing is rounded.
    """
    amount, _, currency = text.partition(" ")
    units, point, decimals = amount.partition(".")
    digits = units.isdigit() and decimals.isdigit() if point else units.isdigit()
    if not digits or not text.isascii() or currency not in ISO_4217:
        return None
    return Decimal(_padded(units, decimals, currency)), currency


def unpayable(text: str, currency: str) -> str:
    """Return why an amount cannot be paid, without quoting it; empty if it can be paid.

    Args:
        text: A decimal text without sign, leading zeros or exponent.
        currency: Its currency, in `ISO_4217`.
    """
    units, _, decimals = text.partition(".")
    if len(decimals) > ISO_4217[currency]:
        return f"must have at most {ISO_4217[currency]} decimals, the number of ISO 4217 for this currency"
    if len(units) > _MAX_DIGITS:
        return f"must have at most {_MAX_DIGITS} digits before the point"
    return "" if text.strip("0.") else "must be more than zero"


def from_minor_units(count: int, currency: str, exponents: Mapping[str, int]) -> str | None:
    """Return a number of minor units as a canonical amount; None if it is too large.

    Args:
        count: The number of minor units, not negative.
        currency: ISO 4217 code, upper case.
        exponents: The number of decimals by currency: `ISO_4217`, or the provider's own.
    """
    exponent = exponents.get(currency, _USUAL_EXPONENT)
    units, decimals = divmod(count, 10**exponent)
    return canonical(f"{units}.{decimals:0{exponent}d}" if exponent else str(units), currency)


def _padded(units: str, decimals: str, currency: str) -> str:
    decimals = decimals.rstrip("0").ljust(ISO_4217.get(currency, _USUAL_EXPONENT), "0")
    return f"{units}.{decimals}" if decimals else units
