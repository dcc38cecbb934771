"""Durations in the form that operators write and read."""

from datetime import timedelta

import pytest

from operate.errors import OperateError, Status
from operate.parsing import duration, in_words


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("15m", 900), (" 2H ", 7200), ("3d", 259_200), ("1w", 604_800)]
)
def test_a_duration_is_a_number_with_a_unit_or_seconds(text: str, seconds: int) -> None:
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "0", "-5m", "1.5h", "1y", "soon", "3d2h", "９s", "9999999999w"])
def test_another_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(OperateError, match=r"SPAN must be .* such as 90s") as refused:
        duration(text)
    assert refused.value.status is Status.USAGE


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0s"), (59.9, "59s"), (60, "1m"), (61, "1m1s"), (7_260, "2h1m"), (90_000, "1d1h"), (-61, "-1m1s")],
)
def test_a_duration_is_shown_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert in_words(timedelta(seconds=seconds)) == words
