"""Amounts: one form for equal amounts, no rounding, and the minor units of each provider."""

from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.money import ISO_4217, canonical, from_minor_units, parsed
from countersign.providers import adyen, stripe

currencies = st.sampled_from(["EUR", "JPY", "KWD", "CLF", "ISK", "UGX", "MGA", "CLP", "IDR", "XYZ"])


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("250", "EUR", "250.00"),
        ("250.0", "EUR", "250.00"),
        ("250.00", "EUR", "250.00"),
        ("250.000", "EUR", "250.00"),
        ("250.005", "EUR", "250.005"),
        ("250.00", "JPY", "250"),
        ("250.5", "JPY", "250.5"),
        ("250", "KWD", "250.000"),
        ("0", "EUR", "0.00"),
        ("0.0000", "CLF", "0.0000"),
        ("999999999999999.99", "EUR", "999999999999999.99"),
    ],
)
def test_an_amount_has_the_decimals_of_its_currency_and_more_if_not_zero(text: str, currency: str, amount: str) -> None:
    assert canonical(text, currency) == amount


@pytest.mark.parametrize(
    "text",
    [
        *("1" * 16, "1." + "1" * 9, "9" * 5000, "1.2.3", "٣", "\ud800"),
        *("", " 1", "1 ", "+1", "-1", "01", "00", ".5", "5.", "1,5", "1e3", "1_0", "NaN", "Infinity", "0x1", "１"),
        *("1.５", "1\n"),
    ],
)
def test_a_text_that_is_not_a_plain_decimal_is_not_an_amount(text: str) -> None:
    assert canonical(text, "EUR") is None


@given(st.text("0123456789.", max_size=12) | st.text(st.characters(), max_size=20), currencies)
def test_the_canonical_form_of_an_amount_keeps_its_value_and_is_stable(text: str, currency: str) -> None:
    amount = canonical(text, currency)
    if amount is not None:
        assert (Decimal(amount), canonical(amount, currency)) == (Decimal(text), amount)


@given(st.integers(0, 10**14), currencies, st.sampled_from([ISO_4217, stripe.MINOR_UNITS, adyen.MINOR_UNITS]))
def test_minor_units_convert_to_units_of_the_currency(count: int, currency: str, exponents: Mapping[str, int]) -> None:
    amount = from_minor_units(count, currency, exponents)
    assert amount is not None
    assert Decimal(amount) == Decimal(count).scaleb(-exponents.get(currency, 2))
    assert canonical(amount, currency) == amount


def test_minor_units_above_the_largest_amount_are_refused() -> None:
    assert from_minor_units(10**15, "JPY", ISO_4217) is None
    assert from_minor_units(10**17 - 1, "EUR", ISO_4217) == "999999999999999.99"
    assert from_minor_units(10**17, "EUR", ISO_4217) is None


def test_the_exponents_of_providers_differ_from_iso_4217_only_where_their_documents_say_so() -> None:
    def differences(exponents: Mapping[str, int]) -> dict[str, int]:
        return {code: digits for code, digits in exponents.items() if digits != ISO_4217.get(code, 2)}

    assert differences(stripe.MINOR_UNITS) == {"ISK": 2, "UGX": 2, "MGA": 0}
    assert differences(adyen.MINOR_UNITS) == {"CLP": 2, "CVE": 0, "IDR": 0, "ISK": 2}


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("250.00 EUR", ("250.00", "EUR")),
        ("1234567.5 EUR", ("1234567.50", "EUR")),
        ("250000.0 JPY", ("250000", "JPY")),
        ("0.12345 EUR", ("0.12345", "EUR")),
        ("999999999999999999.99 EUR", ("999999999999999999.99", "EUR")),
        *((text, None) for text in ("", "EUR", "250.00", "5 XXX", "5 eur", "5  EUR", "5 EUR 5", "-5 EUR", "1e3 EUR")),
        *((text, None) for text in ("5. EUR", ".5 EUR", "1,5 EUR", "٣ EUR")),
    ],
)
def test_an_amount_with_its_currency_is_read_from_its_text_alone(text: str, amount: tuple[str, str] | None) -> None:
    assert parsed(text) == (amount and (Decimal(amount[0]), amount[1]))
    assert amount is None or f"{parsed(text)[0]:f}" == amount[0]  # type: ignore[index]
