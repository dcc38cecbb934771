"""The table of formats is Babel's, and what it makes is what Babel makes."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal

from countersign.presentation import display, words
from countersign.presentation.formats import FORMATS
from tools import formats

LANGUAGES = sorted(words.languages())
NOW = datetime(2025, 11, 21, 14, 30, tzinfo=UTC)


def test_the_table_is_what_the_tool_writes() -> None:
    written: dict[str, Any] = {}
    exec(formats.table(), written)  # noqa: S102  our own generated module
    assert written["FORMATS"] == FORMATS, "run python -m tools.formats"


@pytest.mark.parametrize("language", LANGUAGES)
def test_amounts_and_counts_are_those_of_babel(language: str) -> None:
    locale = Locale.parse(formats.LOCALES.get(language, language))
    with words.reading(language):
        for amount in ("0.00", "7.50", "999.99", "1000.00", "250000.00", "1234567.50", "999999999999999999.99"):
            expected = format_decimal(Decimal(amount), "#,##0.00", locale=locale, numbering_system="latn")
            assert display.money(f"{amount} EUR") == f"{expected}\u00a0EUR"
        for count in (0, 1, 2, 3, 10, 11, 21, 99, 100, 101, 102, 103, 111, 199, 200, 201, 1002, 1011):
            assert words.category(count) == locale.plural_form(count)


@pytest.mark.parametrize("language", LANGUAGES)
def test_dates_are_those_of_babel(language: str) -> None:
    locale = Locale.parse(formats.LOCALES.get(language, language))
    for days in (0, 31, 62, 93, 124, 155, 186, 217, 248, 279, 310, 341):
        at = NOW + timedelta(days=days)
        with words.reading(language):
            said = display.moment(at).replace("\u00a0", " ")
        date = format_date(at, "full", locale=locale)
        assert said.startswith(date)
        assert said.removeprefix(date)[1:] == " 14:30 UTC"
