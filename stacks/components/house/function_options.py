"""The defaults of all functions, and the options of one."""

from __future__ import annotations

from dataclasses import dataclass, field

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs

from stacks.components.house.sources import Sources


@dataclass(frozen=True)
class FunctionDefaults:
    """The defaults of all functions of a stage.

    Attributes:
        sources: The folders of their code.
        stage: The dimension of their metrics, `<app>-<stage>`.
        log_retention: How long logs are kept.
        tracing: Whether X-Ray traces them.
        tracing_layer: ARN of the OpenTelemetry layer for workflows; empty for none.
        removal_policy: Whether CloudFormation deletes or keeps the logs of a removed function.
    """

    sources: Sources
    stage: str
    log_retention: logs.RetentionDays
    tracing: bool
    tracing_layer: str
    removal_policy: RemovalPolicy


@dataclass(frozen=True)
class FunctionOptions:
    """The options of one function.

    Attributes:
        name: Its name in the account; empty for one that CloudFormation makes.
        service: Its name in logs and metrics; empty for that of its module, or of its folder.
        module: The module of its folder whose `handler` is the entry point.
        timeout: How long one invocation may take; the default is well below the 29 seconds that the API waits.
        batch_size: The most messages of its queue in one invocation; 1 if one message is much work.
        window: How long its queue waits for more messages before it invokes the function.
        memory_mb: Memory, which also sets the share of a CPU. A function for which nobody waits needs half: most of its
            time is waiting for other services, and costs half then.
        reserved_concurrency: How many may run at once; by default as many as the account allows.
        dead_letter_queue: The queue of asynchronous invocations that failed for good.
        durable_config: Makes it durable. Lambda accepts it at creation only: adding it replaces the function.
    """

    name: str = ""
    service: str = ""
    module: str = "handler"
    timeout: Duration = field(default_factory=lambda: Duration.seconds(15))
    batch_size: int = 10
    window: Duration | None = None
    memory_mb: int = 512
    reserved_concurrency: int | None = None
    dead_letter_queue: sqs.IQueue | None = None
    durable_config: lambda_.DurableConfig | None = None
