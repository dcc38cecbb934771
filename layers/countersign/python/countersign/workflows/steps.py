"""Retries and checkpoints of workflow steps.

A step that waits for a retry uses no compute. So a step whose failure would end an answered or open request retries
for a day. A hand-off gives up soon, so that the requester learns of it.
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
    """Retry a transient error for about a day, and any other error for half a minute."""
    return (_for_a_day if isinstance(error, TransientError) else _soon)(error, attempts_made)


# A report is plain JSON. The SDK's own format wraps every value in its type: a list of numbers grows eightfold, and an
# answer within the limit could exceed the checkpoint's.
LEDGER_STEP = StepConfig(retry_strategy=patiently, serdes=CanonicalSerDes())
HAND_OFF_STEP = StepConfig(retry_strategy=_soon, serdes=CanonicalSerDes())
