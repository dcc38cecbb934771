"""The API's stage: its throttles and its access log."""

from __future__ import annotations

import json

from aws_cdk import ArnFormat, RemovalPolicy, Stack
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.components.edge.api import PublicApi, Throttle

_ACCESS_LOG = {
    "requestId": "$context.requestId",
    "routeKey": "$context.routeKey",
    "caller": "$context.identity.userArn",
    "status": "$context.status",
    "responseLatency": "$context.responseLatency",
}
"""Never the path or the query: a review link's token is in the query. `caller` is the ARN that signed the request, on
routes with IAM authorization: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html.
"""


STAGE = "$default"
"""The stage's name: it has no part in paths."""


class ApiStage(Construct):
    """The API's one stage, with a throttle for every route and an access log.

    It belongs in the last stack that adds routes: API Gateway refuses a throttle for a route that does not exist yet.

    Args:
        default: The throttle of routes without one.
        log_retention: How long the access log is kept.

    Attributes:
        access_log: The access log.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        api: PublicApi,
        default: Throttle,
        log_retention: logs.RetentionDays,
        removal_policy: RemovalPolicy,
    ) -> None:
        super().__init__(scope, construct_id)
        self.access_log = logs.LogGroup(self, "AccessLog", retention=log_retention, removal_policy=removal_policy)
        stage = apigatewayv2.CfnStage(
            self,
            "Stage",
            api_id=api.api.api_id,
            stage_name=STAGE,
            auto_deploy=True,
            default_route_settings=apigatewayv2.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=default.rate_per_second, throttling_burst_limit=default.burst
            ),
            # Free-form JSON: the keys are spelled as CloudFormation spells them.
            route_settings={
                key: {"ThrottlingRateLimit": throttle.rate_per_second, "ThrottlingBurstLimit": throttle.burst}
                for key, throttle in api.throttles.items()
            },
            access_log_settings=apigatewayv2.CfnStage.AccessLogSettingsProperty(
                destination_arn=Stack.of(self).format_arn(
                    service="logs",
                    resource="log-group",
                    resource_name=self.access_log.log_group_name,
                    arn_format=ArnFormat.COLON_RESOURCE_NAME,
                ),
                format=json.dumps(_ACCESS_LOG),
            ),
        )
        stage.node.add_dependency(*api.routes)
