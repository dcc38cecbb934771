"""Repeated asks of agents: which questions are the same."""

import pytest

from countersign.domain.asks import fingerprint


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Pay it, please.", "pay  it please", True),
        ("Pay 1.50 EUR", "Pay 150 EUR", False),
        ("Credit -100", "Credit 100", False),
        ("Pay 100.", "Pay 100", True),
    ],
)
def test_words_and_numbers_make_a_question_and_its_punctuation_does_not(one: str, other: str, same: bool) -> None:
    asked = [fingerprint({"agent": "arn:aws:iam::1:role/a", "title": title}) for title in (one, other)]
    assert (len(set(asked)) == 1) is same
