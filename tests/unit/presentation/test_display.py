"""The display of untrusted text and of times."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.questions import Person
from countersign.presentation import display, words


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("250.00 EUR", "250.00 EUR"),
        ("invoice\u202efdp.exe", "invoice\ufffdfdp.exe"),
        ("\u2066a\u2069", "\ufffda\ufffd"),
        ("a\u200e\u200fb", "ab"),
        ("pay\u200bpal", "paypal"),
        ("\x00\x1b[31mred", "\ufffd[31mred"),
        ("\ud800", "\ufffd"),
        ("one\r\ntwo\rthree\u2028four\x85five\x0bsix", "one\ntwo\nthree\nfour\nfive\nsix"),
        ("a\tb", "a b"),
        ("Z" + "\u0301" * 300, "Z" + "\u0301" * 4),
        ("שלום عالم נ\u05b4 हिन्दी", "שלום عالم נ\u05b4 हिन्दी"),
        ("می\u200cروم", "می\u200cروم"),
        ("👩\u200d💻", "👩\u200d💻"),
    ],
)
def test_visible_text_replaces_invisible_and_misleading_characters(text: str, shown: str) -> None:
    assert display.visible(text) == shown


@given(st.text(st.characters(codec=None)))
def test_visible_text_can_be_encoded_and_is_stable(text: str) -> None:
    once = display.visible(text)
    once.encode()
    assert display.visible(once) == once


@given(st.text(), st.integers(min_value=1, max_value=40))
def test_a_single_line_is_within_its_limit(text: str, limit: int) -> None:
    line = display.single_line(text, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1


def test_a_cut_line_ends_in_an_ellipsis() -> None:
    assert display.single_line("Twelve office chairs", 8) == "Twelve…"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("1,250.00\u00a0EUR due", "1,250.00\u00a0EUR due"),
        ("a\u202f1", "a\u202f1"),
        ("a\u00a0\u00a0b", "a b"),
        ("a \u00a0\nb", "a b"),
        ("\u00a0a\u00a0", "a"),
    ],
)
def test_a_single_line_keeps_a_no_break_space_that_stands_alone(text: str, line: str) -> None:
    assert display.single_line(text) == line


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("", "Friday, 21\u00a0November\u00a02025, 14:30\u00a0UTC"),
        ("Europe/Berlin", "Friday, 21\u00a0November\u00a02025, 15:30\u00a0CET"),
        ("Asia/Dubai", "Friday, 21\u00a0November\u00a02025, 18:30\u00a0UTC+04:00"),
        ("Pacific/Auckland", "Saturday, 22\u00a0November\u00a02025, 03:30\u00a0NZDT"),
        ("Europe/Atlantis", "Friday, 21\u00a0November\u00a02025, 14:30\u00a0UTC"),
    ],
)
def test_a_time_is_shown_in_the_readers_time_zone(zone: str, shown: str) -> None:
    with words.reading(time_zone=zone):
        assert display.moment(datetime(2025, 11, 21, 16, 30, tzinfo=timezone(timedelta(hours=2)))) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1234567.5 EUR", "1,234,567.50\u00a0EUR"),
        ("250000 JPY", "250,000\u00a0JPY"),
        ("999999999999999999.99 EUR", "999,999,999,999,999,999.99\u00a0EUR"),
        ("0.125 USD", "0.125\u00a0USD"),
        ("about 5 EUR\n", "about 5 EUR\n"),
    ],
)
def test_an_amount_is_grouped_with_the_decimals_of_its_currency_and_cannot_break(text: str, shown: str) -> None:
    assert display.money(text) == shown


def test_a_person_is_shown_with_their_name_and_always_with_their_address() -> None:
    maria = Person(name="Maria\u202e\nRossi" + "i" * 90)
    people = {"maria@example.com": maria, "li@example.com": Person(language="de")}
    with words.reading():
        words.turn_to("maria@example.com", people)
        assert display.person("Maria@example.com") == f"Maria\ufffd Rossi{'i' * 51}… (Maria@example.com)"
        assert display.person("li@example.com") == "li@example.com"
    assert display.person("maria@example.com") == "maria@example.com", "outside the block nobody is known"


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(days=4, hours=23), "5 days left"),
        (timedelta(days=2, hours=14), "2 days left"),
        (timedelta(days=2), "2 days left"),
        (timedelta(days=2) - timedelta(seconds=1), "47 hours left"),
        (timedelta(hours=2), "2 hours left"),
        (timedelta(hours=2) - timedelta(seconds=1), "119 minutes left"),
        (timedelta(minutes=1), "1 minute left"),
        (timedelta(seconds=59), "Less than a minute left"),
        (timedelta(seconds=-5), "Less than a minute left"),
    ],
)
def test_a_countdown_counts_days_of_a_calendar_and_rounds_hours_and_minutes_down(left: timedelta, said: str) -> None:
    friday = datetime(2025, 11, 21, 9, 30, tzinfo=UTC)
    assert display.time_left(friday + left, friday) == said


def test_a_countdown_counts_the_days_of_the_readers_time_zone() -> None:
    late, deadline = datetime(2025, 11, 21, 22, 30, tzinfo=UTC), datetime(2025, 11, 26, 22, 30, tzinfo=UTC)
    assert display.time_left(deadline - timedelta(hours=1), late) == "5 days left"
    with words.reading(time_zone="Asia/Dubai"):
        assert display.time_left(deadline - timedelta(hours=3), late) == "4 days left"
