"""What functions have in common, and where one may differ."""

from __future__ import annotations

from dataclasses import dataclass, field

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs

from stacks.components.house.sources import Sources


@dataclass(frozen=True)
class FunctionDefaults:
    """What all functions have in common.

    Attributes:
        sources: Where their code is.
        log_retention: How long logs are kept.
        tracing: Whether X-Ray traces them.
        tracing_layer: ARN of the OpenTelemetry layer for workflows; empty for none.
        removal_policy: What becomes of their logs when they are removed.
    """

    sources: Sources
    log_retention: logs.RetentionDays
    tracing: bool
    tracing_layer: str
    removal_policy: RemovalPolicy


@dataclass(frozen=True)
class FunctionOptions:
    """Where a function differs from the others.

    Attributes:
        module: The module of its folder whose `handler` is the entry point.
        timeout: How long one invocation may take; by default well below the 29 seconds that the API waits.
        batch_size: How many messages of its queue it gets at once; 1 where one of them is work enough.
        memory_mb: Memory, and with it the share of a CPU.
        reserved_concurrency: How many may run at once; as many as the account allows by default.
        dead_letter_queue: Where asynchronous invocations go that have failed for good.
        durable_config: Makes it durable. Lambda takes it at creation only, so that adding it replaces the function.
    """

    module: str = "handler"
    timeout: Duration = field(default_factory=lambda: Duration.seconds(15))
    batch_size: int = 10
    memory_mb: int = 512
    reserved_concurrency: int | None = None
    dead_letter_queue: sqs.IQueue | None = None
    durable_config: lambda_.DurableConfig | None = None
