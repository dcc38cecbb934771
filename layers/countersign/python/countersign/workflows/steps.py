"""How the steps of workflows are tried again, and what they leave.

A step that waits to be tried again uses no compute. So one whose failure would end a request that somebody has
answered, or may answer still, waits out what passes; a hand-off gives up soon, so that whoever asked hears of it.
"""

from aws_durable_execution_sdk_python.config import Duration, StepConfig
from aws_durable_execution_sdk_python.retries import RetryDecision, RetryStrategyConfig, create_retry_strategy

from countersign.domain.errors import TransientError
from countersign.workflows.serdes import CanonicalSerDes

_soon = create_retry_strategy(
    RetryStrategyConfig(max_attempts=6, initial_delay=Duration.from_seconds(2), max_delay=Duration.from_minutes(1))
)
_for_a_day = create_retry_strategy(
    RetryStrategyConfig(
        max_attempts=300,  # a pause is chosen at random up to its length: on average half of it
        initial_delay=Duration.from_seconds(2),
        max_delay=Duration.from_minutes(10),
    )
)


def patiently(error: Exception, attempts_made: int) -> RetryDecision:
    """Try again for about a day what may succeed later, and half a minute what else went wrong."""
    return (_for_a_day if isinstance(error, TransientError) else _soon)(error, attempts_made)


# A report is plain JSON. The SDK's own form puts a type around every value: a list of numbers grows eightfold, and an
# answer that is small enough to be taken would be too large for the checkpoint.
LEDGER_STEP = StepConfig(retry_strategy=patiently, serdes=CanonicalSerDes())
HAND_OFF_STEP = StepConfig(retry_strategy=_soon, serdes=CanonicalSerDes())
