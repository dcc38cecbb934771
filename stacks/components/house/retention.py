"""How long logs are kept, and what becomes of things that hold data when their stack is deleted."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk.aws_logs import RetentionDays

from stacks.stage.settings import Settings

_RETENTION = {
    1: RetentionDays.ONE_DAY,
    3: RetentionDays.THREE_DAYS,
    7: RetentionDays.ONE_WEEK,
    14: RetentionDays.TWO_WEEKS,
    30: RetentionDays.ONE_MONTH,
    90: RetentionDays.THREE_MONTHS,
    180: RetentionDays.SIX_MONTHS,
    365: RetentionDays.ONE_YEAR,
    731: RetentionDays.TWO_YEARS,
    1827: RetentionDays.FIVE_YEARS,
    3653: RetentionDays.TEN_YEARS,
}


def log_retention(settings: Settings) -> RetentionDays:
    """Return how long the stage keeps its logs."""
    return _RETENTION[settings.functions.log_retention_days]


def removal_policy(settings: Settings) -> RemovalPolicy:
    """Return what becomes of the stage's data and logs when their stack is deleted."""
    return RemovalPolicy.RETAIN if settings.ledger.protected else RemovalPolicy.DESTROY
