"""Pauses: doubling, capped, with full jitter."""

from hypothesis import given
from hypothesis import strategies as st

from countersign.retries import pause_seconds


@given(st.integers(0, 60), st.floats(0.001, 10), st.floats(0.001, 60))
def test_a_pause_is_anything_up_to_the_doubled_first_and_never_past_the_longest(
    attempt: int, first: float, longest: float
) -> None:
    assert 0 <= pause_seconds(attempt, first, longest) <= min(first * 2**attempt, longest)


def test_those_who_failed_together_part() -> None:
    assert len({pause_seconds(5, 0.1, 2) for _ in range(50)}) > 1
