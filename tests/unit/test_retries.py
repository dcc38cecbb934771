"""Retries: pauses with jitter, and a bounded number of attempts after conflicting writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.errors import LedgerConflictError, LedgerUnavailableError
from countersign.retries import ATTEMPTS, pause_seconds, retry_on_conflict


@given(st.integers(0, 60), st.floats(0.001, 10), st.floats(0.001, 60))
def test_a_pause_is_random_up_to_its_exponential_bound(attempt: int, first: float, longest: float) -> None:
    assert 0 <= pause_seconds(attempt, first, longest) <= min(first * 2**attempt, longest)


def test_pauses_of_equal_attempts_differ() -> None:
    assert len({pause_seconds(5, 0.1, 2) for _ in range(50)}) > 1


class Contended:
    """An attempt that loses a number of races, with the pauses after them."""

    def __init__(self, losses: int, error: Exception | None = None) -> None:
        self.losses = losses
        self.attempts = 0
        self.pauses: list[float] = []
        self._error = error or LedgerConflictError("another was faster")

    def attempt(self) -> str:
        self.attempts += 1
        if self.attempts <= self.losses:
            raise self._error
        return "settled"


def test_a_successful_attempt_runs_once_without_a_pause() -> None:
    race = Contended(losses=0)
    assert (retry_on_conflict(race.attempt, race.pauses.append), race.attempts, race.pauses) == ("settled", 1, [])


def test_a_conflict_is_retried_after_a_pause() -> None:
    race = Contended(losses=ATTEMPTS - 1)
    assert retry_on_conflict(race.attempt, race.pauses.append) == "settled"
    assert (race.attempts, len(race.pauses)) == (ATTEMPTS, ATTEMPTS - 1)
    assert all(0 <= pause <= min(0.01 * 2**number, 0.4) for number, pause in enumerate(race.pauses))


def test_too_many_conflicts_raise_an_unavailable_ledger() -> None:
    race = Contended(losses=ATTEMPTS)
    with pytest.raises(LedgerUnavailableError):
        retry_on_conflict(race.attempt, race.pauses.append)
    assert (race.attempts, len(race.pauses)) == (ATTEMPTS, ATTEMPTS - 1), "no pause follows the last attempt"


@pytest.mark.parametrize("error", [LedgerUnavailableError("throttled"), ValueError("a bug")])
def test_other_errors_are_not_retried(error: Exception) -> None:
    race = Contended(losses=1, error=error)
    with pytest.raises(type(error)):
        retry_on_conflict(race.attempt, race.pauses.append)
    assert race.attempts == 1
