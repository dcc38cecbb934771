"""The display of untrusted text and of times."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.presentation import display


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


def test_a_time_is_shown_in_utc() -> None:
    at = datetime(2025, 11, 21, 16, 30, tzinfo=timezone(timedelta(hours=2)))
    assert display.moment(at) == "Friday, 21\u00a0November 2025, 14:30\u00a0UTC"


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(days=2, hours=23), "2 days left"),
        (timedelta(days=2), "2 days left"),
        (timedelta(days=2) - timedelta(seconds=1), "47 hours left"),
        (timedelta(hours=2), "2 hours left"),
        (timedelta(hours=2) - timedelta(seconds=1), "119 minutes left"),
        (timedelta(minutes=1), "1 minute left"),
        (timedelta(seconds=59), "Less than a minute left"),
        (timedelta(seconds=-5), "Less than a minute left"),
    ],
)
def test_a_countdown_is_rounded_down(left: timedelta, words: str) -> None:
    assert display.time_left(left) == words
