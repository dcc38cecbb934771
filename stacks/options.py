"""Turn a stage's settings into the plain options that constructs take."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk.aws_logs import RetentionDays

from stacks.components.edge.api import Throttle
from stacks.components.house.function_options import FunctionDefaults
from stacks.components.house.sources import Sources
from stacks.stage import settings as stage
from stacks.stage.settings import LOG_RETENTION_DAYS, Settings

_RETENTION = dict(
    zip(
        LOG_RETENTION_DAYS,
        (
            RetentionDays.ONE_DAY,
            RetentionDays.THREE_DAYS,
            RetentionDays.ONE_WEEK,
            RetentionDays.TWO_WEEKS,
            RetentionDays.ONE_MONTH,
            RetentionDays.THREE_MONTHS,
            RetentionDays.SIX_MONTHS,
            RetentionDays.ONE_YEAR,
            RetentionDays.TWO_YEARS,
            RetentionDays.FIVE_YEARS,
            RetentionDays.TEN_YEARS,
        ),
        strict=True,
    )
)


def log_retention(settings: Settings) -> RetentionDays:
    """Return how long the stage keeps its logs."""
    return _RETENTION[settings.functions.log_retention_days]


def removal_policy(settings: Settings) -> RemovalPolicy:
    """Return whether the stage's data and logs outlive their stack."""
    return RemovalPolicy.RETAIN if settings.ledger.protected else RemovalPolicy.DESTROY


def function_defaults(settings: Settings, sources: Sources) -> FunctionDefaults:
    """Return the defaults of all functions of the stage."""
    return FunctionDefaults(
        sources=sources,
        log_retention=log_retention(settings),
        tracing=settings.functions.tracing,
        tracing_layer=settings.functions.tracing_layer,
        removal_policy=removal_policy(settings),
    )


def throttle(table: stage.Throttle) -> Throttle:
    """Turn a throttle of the settings into the API's."""
    return Throttle(table.rate_per_second, table.burst)
