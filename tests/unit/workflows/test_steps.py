"""The retries of workflow steps."""

from itertools import count, takewhile

import pytest

from countersign.domain.errors import LedgerUnavailableError, TransientError
from countersign.workflows.steps import HAND_OFF_STEP, LEDGER_STEP

DAY = 86_400


def seconds_of_patience(step: object, error: Exception) -> int:
    """Return the sum of all pauses, which have random lengths."""
    strategy = step.retry_strategy  # type: ignore[attr-defined]
    decisions = takewhile(lambda decision: decision.should_retry, (strategy(error, attempts) for attempts in count(1)))
    return sum(decision.delay.to_seconds() for decision in decisions)


def test_a_transient_error_is_retried_for_about_a_day() -> None:
    assert DAY * 0.8 < seconds_of_patience(LEDGER_STEP, LedgerUnavailableError()) < DAY * 1.3


def test_another_error_is_retried_for_less_than_two_minutes() -> None:
    assert seconds_of_patience(LEDGER_STEP, PermissionError()) < 120


@pytest.mark.parametrize("error", [TransientError(), ConnectionError()])
def test_a_hand_off_is_retried_for_less_than_two_minutes(error: Exception) -> None:
    assert seconds_of_patience(HAND_OFF_STEP, error) < 120
