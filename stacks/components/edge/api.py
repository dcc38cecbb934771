"""The HTTP API: its routes, their callers and their throttles."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Stack
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk.aws_apigatewayv2_authorizers import HttpIamAuthorizer
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct, IConstruct

from stacks.components.house.alarm import PERIOD, SUM, Alarm, Watch
from stacks.components.house.findings import Accepted, accept
from stacks.components.house.python_function import PythonFunction

_FAILED = (
    "The API answered 5xx: callers saw an error. First find the route in the access log, then the error in the log of"
    " its function"
)
_THROTTLED = (
    "Lambda refused more than ten requests of the API in five minutes, and callers got 503. First look up the"
    " concurrent executions in the Lambda console"
)
_STRAY_THROTTLES = 10
"""The most refused requests in five minutes that are normal. A person who opens many pages at once causes some."""

_STRAY_REQUESTS = 100
"""The most 4xx answers in five minutes that are normal. Expired links and strangers cause single ones; a faulty client
causes more, three periods in a row."""


@dataclass(frozen=True)
class Throttle:
    """The rate of a route, over all callers, above which it answers 429.

    Attributes:
        rate_per_second: Requests per second in the long run.
        burst: Requests at once.
    """

    rate_per_second: int
    burst: int


@dataclass(frozen=True)
class Route:
    """One method of one path, or `$default` for all unknown paths.

    Attributes:
        key: The route key, such as `GET /requests/{request_id}`.
        throttle: The route's throttle.
        public_because: Why callers need no AWS signature; if None, they sign with SigV4.
    """

    key: str
    throttle: Throttle
    public_because: str | None = None

    @property
    def route_key(self) -> apigatewayv2.HttpRouteKey:
        """The route key as a CDK object."""
        method, _, path = self.key.partition(" ")
        if not path:
            return apigatewayv2.HttpRouteKey.DEFAULT
        return apigatewayv2.HttpRouteKey.with_(path, apigatewayv2.HttpMethod(method))


class PublicApi(Construct):
    """The API and its routes; `ApiStage` makes them reachable.

    Args:
        own_domain: Whether it is reached by its own domain only, and AWS's address is off.

    Attributes:
        api: The API.
        throttles: The throttle of each route, by route key.
        routes: The constructs of the routes.
    """

    def __init__(self, scope: Construct, construct_id: str, *, own_domain: bool) -> None:
        super().__init__(scope, construct_id)
        self.api = apigatewayv2.HttpApi(
            self,
            "Api",
            api_name=Stack.of(self).stack_name,
            description="Requests, reviews and webhooks of countersign",
            create_default_stage=False,
            # Said in both cases: a property that is gone from a template need not go back to its default.
            disable_execute_api_endpoint=own_domain,
        )
        # The base URL of workflows contains one of these. Both stay exported, so that it can change.
        for reference in (self.api.api_id, self.api.node.default_child.attr_api_endpoint):  # type: ignore[union-attr]
            Stack.of(self).export_value(reference)
        self.throttles: dict[str, Throttle] = {}
        self.routes: list[IConstruct] = []
        self._watch()

    def _watch(self) -> None:
        requests = self.api.metric_count(statistic="Sum", period=PERIOD)
        refused = self.api.metric_client_error(statistic="Sum", period=PERIOD)
        failed = self.api.metric_server_error(statistic="Sum", period=PERIOD)
        latency = [self.api.metric_latency(statistic=each, period=PERIOD) for each in ("p50", "p95")]
        Watch(
            self,
            "API",
            graphs={"Requests": [requests], "Errors": [refused, failed], "Latency": latency},
            alarms=[
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
        """Add routes that a function answers.

        Args:
            scope: Parent of the routes, in the function's stack.
            function: The function.
            routes: The routes.
        """
        _watch_answers(function)
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
                accept(resource, Accepted(route.public_because, solutions="APIG4"))

    def base_url(self, template: str) -> str:
        """Return the API's public address, without a slash at the end.

        Args:
            template: The address, with `{api_id}` in place of the API's id; empty for AWS's own address.
        """
        return template.replace("{api_id}", self.api.api_id) if template else self.api.api_endpoint


def _watch_answers(function: PythonFunction) -> None:
    """Add a function to the alarms on failed and throttled requests.

    The API's own count of 5xx is not used: anybody can raise it by a post to a provider without a secret.
    """
    failed, crashed = function.metric("RequestsFailed"), function.function.metric_errors(period=PERIOD)
    throttled = function.function.metric_throttles(period=PERIOD)
    Watch(
        function,
        "API",
        graphs={"Failed requests": [failed, crashed], "Throttled requests": [throttled]},
        alarms=[
            Alarm("ApiServerErrors", failed, _FAILED, also=(crashed,), math=SUM),
            Alarm("RequestsThrottled", throttled, _THROTTLED, above=_STRAY_THROTTLES, math=SUM),
        ],
    )
