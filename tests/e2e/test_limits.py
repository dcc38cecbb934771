"""The limits on the deployed product: a network that asked too often waits, and everybody else is let through."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from countersign.testing.builders import http_event
from operate.embedded import aws
from operate.embedded.cloud import Cloud
from tests.e2e.scene import Scene

FLOODED = "198.51.100.7"
"""An address of documentation (RFC 5737), which no other test comes from."""

MUCH = 1_000_000


@pytest.fixture(scope="module")
def review(cloud: Cloud) -> Mapping[str, Any]:
    """The function behind the pages, as it is deployed."""
    pages = aws.client("lambda", cloud.endpoint_url).get_paginator("list_functions").paginate()
    functions = {each["Handler"]: each for page in pages for each in page["Functions"]}
    found: Mapping[str, Any] = functions["review.handler.handler"]
    return found


def look(cloud: Cloud, review: Mapping[str, Any], token: str, source: str) -> Any:
    """Open a page from an address, as the API would pass it on."""
    event = http_event("GET", "/review", query={"t": token})
    event["requestContext"]["http"]["sourceIp"] = source
    functions = aws.client("lambda", cloud.endpoint_url)
    answer = functions.invoke(FunctionName=review["FunctionName"], Payload=json.dumps(event).encode())
    return json.loads(answer["Payload"].read())


def test_a_network_that_asked_too_often_waits_and_nobody_else_does(cloud: Cloud, review: Mapping[str, Any]) -> None:
    scene = Scene(cloud)
    scene.submit()
    token = scene.link().partition("t=")[2]
    assert look(cloud, review, token, FLOODED)["statusCode"] == 200
    table = review["Environment"]["Variables"]["LIMITS_TABLE"]
    dynamodb = aws.client("dynamodb", cloud.endpoint_url)
    keys = [item["pk"]["S"] for item in dynamodb.scan(TableName=table)["Items"]]
    (counted,) = [key for key in keys if key.startswith("review#198.51.100.0/24#")]
    minute = int(re.sub(r".*#", "", counted))
    for window in (minute, minute + 1):  # the flood goes on, should the minute end now
        dynamodb.put_item(
            TableName=table, Item={"pk": {"S": f"review#198.51.100.0/24#{window}"}, "requests": {"N": str(MUCH)}}
        )
    refused = look(cloud, review, token, FLOODED)
    assert refused["statusCode"] == 429
    assert 1 <= int(refused["headers"]["Retry-After"]) <= 60
    assert "Nothing was recorded" in refused["body"]
    assert scene.page().answer.status == 200
