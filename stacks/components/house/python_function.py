"""The function construct of the kit: one folder under `lambdas/`, one role, one log group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import jsii
from aws_cdk import RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.components.house.alarm import PERIOD, Alarm, Watch
from stacks.components.house.findings import Accepted, accept
from stacks.components.house.function_options import FunctionOptions
from stacks.components.house.layers import ARCHITECTURE, RUNTIME
from stacks.components.house.stack import FunctionStack

METRICS_NAMESPACE = "Countersign"
"""The namespace of the functions' own metrics."""

_NO_NETWORK_OF_ITS_OWN = Accepted(
    "it calls AWS by public TLS endpoints, as its role, and no part of the kit is in a VPC, which would add a way out",
    nist="LambdaInsideVPC",
    checkov="CKV_AWS_117",
)
_SHARES_THE_ACCOUNT_S_CONCURRENCY = Accepted(
    "throttles of routes, batches and queues bound its concurrency; a limit of its own would refuse due answers",
    nist="LambdaConcurrency",
    checkov="CKV_AWS_115",
)
_NOT_INVOKED_ASYNCHRONOUSLY = Accepted(
    "the API waits for it, or an event source mapping feeds it, whose queue or stream has its own dead-letter queue",
    nist="LambdaDLQ",
    checkov="CKV_AWS_116",
)
_ONE_PYTHON = Accepted(
    "bytecode is of one minor version of Python, with which the kit is built and tested (tools/bytecode.py)",
    solutions="L1",
)
_INLINE = Accepted(
    "the policy belongs to one function's role, and cannot be attached to another", nist="IAMNoInlinePolicy"
)
_TRACES = Accepted("X-Ray's actions for writing traces take no resource", solutions="IAM5[Resource::*]")


@jsii.implements(iam.IGrantable)
class PythonFunction(Construct):
    """A function with its own role and its own log group. A grant to it is a grant to its role.

    Args:
        folder: Its folder under `lambdas/`, or that of an extension's workflow. The entry point is `handler` in
            `handler.py`, unless the options name another module.
        description: One line for the console.
        environment: Variables beside those of log lines and metrics.
        tables: Tables that its code reads by `Environment.table`, as a part of its code; None for none.
        options: Deviations from the defaults of all functions.

    Attributes:
        function: The CDK function.
        role: Its role, which may write to its log group and has no other rights until they are granted.
        log_group: Its log group.
        options: Its options.
        service: Its name in logs and metrics.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        folder: str,
        description: str,
        environment: Mapping[str, str],
        tables: Mapping[str, Any] | None = None,
        options: FunctionOptions | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        stack = FunctionStack.around(self)
        defaults = stack.functions
        self.options = options = options or FunctionOptions()
        module = folder if options.module == "handler" else options.module
        self.service = options.service or module.replace("_", "-")
        self._dimensions = {"service": self.service, "stage": defaults.stage}
        entry = defaults.sources.function(folder, options.module, tables)
        self.log_group = logs.LogGroup(
            self, "Logs", retention=defaults.log_retention, removal_policy=defaults.removal_policy
        )
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"The rights of {entry.file}",
        )
        self.log_group.grant_write(self.role)
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=options.name or None,
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            code=entry.code,
            handler=entry.handler,
            description=description,
            layers=stack.layers.versions,
            role=self.role,
            log_group=self.log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            # On every stage. At DEBUG the AWS SDK logs whole requests: mails, tokens, callback ids. Above INFO, Lambda
            # drops the metrics, which are lines of the log too.
            application_log_level_v2=lambda_.ApplicationLogLevel.INFO,
            system_log_level_v2=lambda_.SystemLogLevel.WARN,
            timeout=options.timeout,
            memory_size=options.memory_mb,
            reserved_concurrent_executions=options.reserved_concurrency,
            tracing=lambda_.Tracing.ACTIVE if defaults.tracing else lambda_.Tracing.DISABLED,
            dead_letter_queue=options.dead_letter_queue,
            durable_config=options.durable_config,
            # An execution stays on its version, for up to a year.
            current_version_options=lambda_.VersionOptions(removal_policy=RemovalPolicy.RETAIN),
            environment={
                "POWERTOOLS_SERVICE_NAME": self.service,
                "POWERTOOLS_METRICS_NAMESPACE": METRICS_NAMESPACE,
                "METRICS_STAGE": defaults.stage,
                **environment,
            },
        )
        accept(self.role, _INLINE, *([_TRACES] if defaults.tracing else []))
        accept(
            self.function,
            _ONE_PYTHON,
            _NO_NETWORK_OF_ITS_OWN,
            *([_SHARES_THE_ACCOUNT_S_CONCURRENCY] if options.reserved_concurrency is None else []),
            *([_NOT_INVOKED_ASYNCHRONOUSLY] if options.dead_letter_queue is None else []),
        )

    def metric(self, name: str, statistic: str = "Sum") -> cloudwatch.Metric:
        """Return one of the function's metrics, in periods of five minutes; see `countersign.functions.telemetry`."""
        return cloudwatch.Metric(
            namespace=METRICS_NAMESPACE,
            metric_name=name,
            dimensions_map=self._dimensions,
            statistic=statistic,
            period=PERIOD,
        )

    def watch_counts(
        self,
        section: str,
        title: str,
        *,
        alarms: Mapping[str, str] = MappingProxyType({}),
        shown: Sequence[str] = (),
        above: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        """Show the function's counts on the dashboard, and raise alarms on some of them.

        Args:
            section: The section of the dashboard.
            title: The graph's title.
            alarms: For each count with an alarm: what happened, what it affects and what to do first.
            shown: Counts without an alarm.
            above: The highest normal count, if it is not 0.
        """
        metrics = {name: self.metric(name) for name in (*shown, *alarms)}
        raised = [Alarm(name, metrics[name], text, above=above.get(name, 0)) for name, text in alarms.items()]
        Watch(self, section, graphs={title: list(metrics.values())}, alarms=raised)

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """The principal of grants."""
        return self.role
