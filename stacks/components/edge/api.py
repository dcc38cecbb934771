"""The HTTP API: its routes, who may call them, and how much of each it takes."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration, Stack
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk.aws_apigatewayv2_authorizers import HttpIamAuthorizer
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct, IConstruct

from stacks.components.house.alarm import Alarm, Watch
from stacks.components.house.findings import acknowledge
from stacks.components.house.python_function import PythonFunction

_STRAY_REQUESTS = 100
"""Answered 4xx in five minutes, three times in a row: expired links and strangers come one by one, a client that was
deployed with a mistake does not."""


@dataclass(frozen=True)
class Throttle:
    """How much a route takes, over all callers, before it answers 429.

    Attributes:
        rate_per_second: Requests per second in the long run.
        burst: Requests at once.
    """

    rate_per_second: int
    burst: int


@dataclass(frozen=True)
class Route:
    """One method of one path, or `$default`: every path that is no other route.

    Attributes:
        key: The route key, such as `GET /requests/{request_id}`.
        throttle: How much of it the API takes.
        public_because: Why it needs no AWS signature; with none, callers sign with SigV4.
    """

    key: str
    throttle: Throttle
    public_because: str | None = None

    @property
    def route_key(self) -> apigatewayv2.HttpRouteKey:
        """The route key as CDK has it."""
        method, _, path = self.key.partition(" ")
        if not path:
            return apigatewayv2.HttpRouteKey.DEFAULT
        return apigatewayv2.HttpRouteKey.with_(path, apigatewayv2.HttpMethod(method))


class PublicApi(Construct):
    """The API and its routes; `ApiStage` puts them on the net.

    Attributes:
        api: The API.
        throttles: Of each route, by its key.
        routes: What was built for each.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.api = apigatewayv2.HttpApi(
            self,
            "Api",
            api_name=Stack.of(self).stack_name,
            description="Requests, reviews and webhooks of countersign",
            create_default_stage=False,
        )
        self.throttles: dict[str, Throttle] = {}
        self.routes: list[IConstruct] = []
        self._watch()

    def _watch(self) -> None:
        five_minutes = Duration.minutes(5)
        requests = self.api.metric_count(statistic="Sum", period=five_minutes)
        refused = self.api.metric_client_error(statistic="Sum", period=five_minutes)
        failed = self.api.metric_server_error(statistic="Sum", period=five_minutes)
        latency = [self.api.metric_latency(statistic=each, period=five_minutes) for each in ("p50", "p95")]
        Watch(
            self,
            "API",
            graphs={"Requests": [requests], "Errors": [refused, failed], "Latency": latency},
            alarms=[
                Alarm(
                    "ApiServerErrors",
                    failed,
                    "The API answered 5xx: callers saw an error. First find the route in the access log, then the error"
                    " in the log of its function",
                ),
                Alarm(
                    "ApiClientErrors",
                    refused,
                    "The API refused more than 100 requests in five minutes, three times in a row. First count the"
                    " access log by routeKey and status",
                    above=_STRAY_REQUESTS,
                    periods=3,
                ),
            ],
        )

    def add_routes(self, scope: Construct, function: PythonFunction, *routes: Route) -> None:
        """Send routes to a function.

        Args:
            scope: Where they belong, in the function's stack.
            function: What answers them.
            routes: The routes.
        """
        integration = HttpLambdaIntegration("Integration", function.function)
        for route in routes:
            self.throttles[route.key] = route.throttle
            resource = apigatewayv2.HttpRoute(
                scope,
                route.key.replace("/", "-"),
                http_api=self.api,
                route_key=route.route_key,
                integration=integration,
                authorizer=None if route.public_because else HttpIamAuthorizer(),
            )
            self.routes.append(resource)
            if route.public_because:
                acknowledge(resource, "APIG4", route.public_because)

    def base_url(self, template: str) -> str:
        """Return the address of the API as the outside knows it, without a slash at the end.

        Args:
            template: The address with `{api_id}` where the API's id belongs; empty for AWS's own address.
        """
        return template.replace("{api_id}", self.api.api_id) if template else self.api.api_endpoint
