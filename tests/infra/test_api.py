"""The HTTP API: who may call what, how often, and what is written down about it."""

import json
from pathlib import Path

from tests.infra.conftest import CERTIFICATE
from tests.infra.templates import Synthesised

DOCUMENTED = {
    f"{method.upper()} {path}": "AWS_IAM" if {"sigv4": []} in operation["security"] else "NONE"
    for path, operations in json.loads(Path("docs/openapi.json").read_text("utf-8"))["paths"].items()
    for method, operation in operations.items()
}
"""The routes of docs/openapi.json: each with its authorization."""


def test_the_deployed_routes_are_those_of_the_document_and_who_may_call_them(stage: Synthesised) -> None:
    found = {
        route.properties["RouteKey"]: route.properties.get("AuthorizationType", "NONE")
        for route in stage.of_type("AWS::ApiGatewayV2::Route")
    }
    assert found == DOCUMENTED | {"$default": "NONE"}
    signed = {route for route, authorization in found.items() if authorization == "AWS_IAM"}
    assert signed == {route for route in found if " /requests" in route}


def test_every_route_has_a_throttle_of_its_own(stage: Synthesised) -> None:
    properties, throttles = stage.one("AWS::ApiGatewayV2::Stage").properties, stage.settings.throttles
    settings = {"/requests": throttles.requests, "/webhooks": throttles.webhooks, "/callbacks": throttles.callbacks}
    settings |= {"/review": throttles.review, "$default": throttles.default}
    assert properties["RouteSettings"].keys() == {*DOCUMENTED, "$default"}
    for route, limits in {**properties["RouteSettings"], "$default": properties["DefaultRouteSettings"]}.items():
        found = (limits["ThrottlingRateLimit"], limits["ThrottlingBurstLimit"])
        assert max(found) <= 1_000
        for throttle in (each for path, each in settings.items() if path in route):
            assert found == (throttle.rate_per_second, throttle.burst)


def test_the_stage_waits_for_the_routes_that_it_throttles(prod: Synthesised) -> None:
    stage = prod.one("AWS::ApiGatewayV2::Stage")
    routes = prod.of_type("AWS::ApiGatewayV2::Route")
    assert {route.stack for route in routes} == {stage.stack}, "one update removes a route and its throttle"
    assert {route.logical_id for route in routes} <= set(stage.body["DependsOn"])


def test_the_access_log_names_the_caller_and_holds_no_path_no_query_and_no_body(stage: Synthesised) -> None:
    settings = stage.one("AWS::ApiGatewayV2::Stage").properties["AccessLogSettings"]
    assert json.loads(settings["Format"]) == {
        "requestId": "$context.requestId",
        "routeKey": "$context.routeKey",
        "caller": "$context.identity.userArn",
        "status": "$context.status",
        "responseLatency": "$context.responseLatency",
    }


def test_the_api_may_invoke_each_function_for_its_routes_and_review_for_any(prod: Synthesised) -> None:
    permissions = {
        (properties["FunctionName"], properties["SourceArn"].partition("Api/Api")[2])
        for properties in map(prod.properties, prod.of_type("AWS::Lambda::Permission"))
        if properties["Principal"] == "apigateway.amazonaws.com"
    }
    assert permissions == {
        ("Review/Review/Function.Arn", "/*/*/review"),
        ("Review/Review/Function.Arn", "/*/*/delegate"),
        ("Review/Review/Function.Arn", "/*/*/inbox"),
        ("Review/Review/Function.Arn", "/*/*/request"),
        ("Review/Review/Function.Arn", "/*/*"),
        ("Requests/Requests/Function.Arn", "/*/*/requests"),
        ("Requests/Requests/Function.Arn", "/*/*/requests/{request_id}"),
        ("Webhook/Webhook/Function.Arn", "/*/*/webhooks/{provider}"),
        ("Webhook/Webhook/Function.Arn", "/*/*/callbacks/succeed"),
        ("Webhook/Webhook/Function.Arn", "/*/*/callbacks/fail"),
        ("Webhook/Webhook/Function.Arn", "/*/*/callbacks/heartbeat"),
    }


def test_links_lead_to_the_api_unless_the_settings_say_otherwise(prod: Synthesised) -> None:
    assert (prod.settings.base_url, prod.outputs("public")["ApiUrl"]) == ("", "Api/Api.ApiEndpoint")
    assert prod.outputs("public")["ApiId"] == "Api/Api"
    for function in ("Approver/Approver", "Webhook/Webhook", "Durable/Payment/Workflow"):
        assert prod.variables(function)["BASE_URL"] == "Api/Api.ApiEndpoint"


# The API's own domain
def test_a_domain_in_a_hosted_zone_has_a_certificate_and_record_and_replaces_aws_s_address(strict: Synthesised) -> None:
    certificate = strict.properties(strict.one("AWS::CertificateManager::Certificate", "ApiDomain/Certificate"))
    assert (certificate["DomainName"], certificate["ValidationMethod"]) == ("ask.example.com", "DNS")
    assert certificate["DomainValidationOptions"] == [{"DomainName": "ask.example.com", "HostedZoneId": "Z0123456789"}]
    (served,) = strict.properties(strict.one("AWS::ApiGatewayV2::DomainName"))["DomainNameConfigurations"]
    assert served["CertificateArn"] == "ApiDomain/Certificate"
    mapping = strict.one("AWS::ApiGatewayV2::ApiMapping")
    assert strict.properties(mapping) == {"ApiId": "Api/Api", "DomainName": "ApiDomain/Name", "Stage": "$default"}
    assert strict.one("AWS::ApiGatewayV2::Stage").logical_id in mapping.body["DependsOn"]
    record = strict.properties(strict.one("AWS::Route53::RecordSet"))
    assert (record["Name"], record["Type"], record["HostedZoneId"]) == ("ask.example.com.", "A", "Z0123456789")
    assert strict.properties(strict.one("AWS::ApiGatewayV2::Api"))["DisableExecuteApiEndpoint"] is True
    assert strict.outputs("public")["ApiUrl"] == "https://ask.example.com"


def test_a_domain_with_a_zone_elsewhere_has_its_own_certificate_and_its_target_as_an_output(bare: Synthesised) -> None:
    (served,) = bare.properties(bare.one("AWS::ApiGatewayV2::DomainName"))["DomainNameConfigurations"]
    assert served["CertificateArn"] == CERTIFICATE
    assert not [*bare.of_type("AWS::Route53::RecordSet"), *bare.of_type("AWS::CertificateManager::Certificate")]
    assert bare.outputs("public")["ApiDomainTarget"] == "ApiDomain/Name.RegionalDomainName"


def test_without_a_domain_aws_s_address_is_on(prod: Synthesised) -> None:
    assert not prod.of_type("AWS::ApiGatewayV2::DomainName")
    assert prod.one("AWS::ApiGatewayV2::Api").properties["DisableExecuteApiEndpoint"] is False
