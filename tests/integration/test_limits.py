"""Limits on the public routes: a flood hears 429, nobody else does, and nothing that anybody sent is lost by it."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.exceptions import ReadTimeoutError

import review.handler
import webhook.handler
from countersign.domain.tasks import Status
from countersign.functions.clients import client
from countersign.testing.builders import APPROVER, COMMENT, any_paid, any_task, any_token, http_event
from countersign.testing.deliveries import STANDARD_WEBHOOKS
from review.pages import security_headers
from tests.integration.conftest import LIMITS_TABLE, Answer, Kit, Page, answering, forget_what_functions_made

OFFICE = "203.0.113.9"
ELSEWHERE = "203.0.114.9"
PER_SOURCE = 8
PER_TOKEN = 4


@pytest.fixture(autouse=True)
def _environment_of_the_function(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = {"per_source": PER_SOURCE, "per_token": PER_TOKEN}
    monkeypatch.setenv("LIMITS", json.dumps(rates))


@pytest.fixture(autouse=True)
def _one_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test cross from one minute into the next."""
    monkeypatch.setattr("countersign.services.limits.WINDOW_SECONDS", 10**9)


def send(event: dict[str, Any], source: str) -> Page:
    event["requestContext"]["http"]["sourceIp"] = source
    machines = event["rawPath"].startswith(("/callbacks", "/webhooks"))
    answer = (webhook if machines else review).handler.handler(event, None)
    return Page(answer["statusCode"], answer["headers"], answer["body"])


def look(token: str, source: str = OFFICE, path: str = "/review", method: str = "GET") -> Page:
    return send(http_event(method, path, query={"t": token}), source)


def post(path: str, source: str = OFFICE, **fields: str) -> Page:
    body, headers = urlencode(fields), {"sec-fetch-site": "same-origin"}
    return send(http_event("POST", path, body=body, headers=headers), source)


def click(token: str, source: str = OFFICE) -> Page:
    return post("/review", source, t=token, decision="approve", comment=COMMENT, shown=any_task().shown)


def call_back(token: str, source: str = OFFICE, said: str = "succeed") -> Page:
    headers = {"authorization": f"Bearer {token}"}
    return send(http_event("POST", f"/callbacks/{said}", body=json.dumps(any_paid()), headers=headers), source)


def made_up(number: int) -> list[str]:
    return [f"{token:043d}" for token in range(number)]


def counters() -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client("dynamodb").scan(TableName=LIMITS_TABLE)["Items"]
    return items


REQUESTS: dict[str, Callable[[str], Page]] = {
    "GET /review": look,
    "HEAD /review": lambda token: look(token, method="HEAD"),
    "POST /review": click,
    "POST /delegate": lambda token: post("/delegate", t=token, colleague="li@example.com"),
    "GET /inbox": lambda token: look(token, path="/inbox"),
    "HEAD /inbox": lambda token: look(token, path="/inbox", method="HEAD"),
    "POST /inbox": lambda token: post("/inbox", t=token),
    "POST /callbacks/succeed": call_back,
    "POST /callbacks/fail": lambda token: call_back(token, said="fail"),
    "POST /callbacks/heartbeat": lambda token: call_back(token, said="heartbeat"),
}


@pytest.mark.parametrize("ask", REQUESTS.values(), ids=REQUESTS)
def test_every_route_refuses_one_token_that_asks_too_often(kit: Kit, ask: Callable[[str], Page]) -> None:
    statuses = [ask(any_token()).status for _ in range(PER_TOKEN + 3)]
    assert 429 not in statuses[:PER_TOKEN]
    assert statuses[PER_TOKEN:] == [429] * 3


@pytest.mark.parametrize("ask", [look, call_back])
def test_a_network_that_makes_up_tokens_is_refused(kit: Kit, ask: Callable[[str], Page]) -> None:
    statuses = [ask(token).status for token in made_up(PER_SOURCE + 3)]
    assert 429 not in statuses[:PER_SOURCE]
    assert statuses[PER_SOURCE:] == [429] * 3
    assert len(counters()) == 1


def test_a_flood_from_one_network_keeps_nobody_elsewhere_from_deciding(kit: Kit) -> None:
    kit.open_task()
    token = kit.link()
    flood = [look(each).status for each in [*made_up(3 * PER_SOURCE), token]]
    assert flood[-1] == 429
    assert look(token, ELSEWHERE).status == click(token, ELSEWHERE).status == 200
    assert kit.task().status is Status.DECIDED


def test_a_click_that_is_refused_leaves_nothing_behind_and_counts_when_it_is_made_again(kit: Kit) -> None:
    kit.open_task()
    token = kit.link()
    for _ in range(PER_TOKEN):
        look(token)
    before = kit.items()
    assert click(token).status == 429
    assert kit.items() == before
    forget_what_functions_made()
    assert click(token).status == 429, "whichever container it comes to"
    forget_the_minute()
    assert click(token).status == 200
    assert kit.task().status is Status.DECIDED


def forget_the_minute() -> None:
    """Do what the next minute does: other counters, and nobody known to be over."""
    forget_what_functions_made()
    for item in counters():
        client("dynamodb").delete_item(TableName=LIMITS_TABLE, Key={"pk": item["pk"]})


def test_a_person_is_told_in_words_and_a_browser_when_to_come_again(kit: Kit) -> None:
    for _ in range(PER_TOKEN):
        look(any_token())
    answer = look(any_token())
    seconds = int(answer.headers["Retry-After"])
    assert seconds > 0
    assert {name: answer.headers[name] for name in security_headers()} == dict(security_headers())
    assert "Nothing was recorded" in answer.body
    assert f"try again in {seconds} seconds" in answer.body
    assert any_token() not in answer.body
    refused = look(any_token(), method="HEAD")
    assert (refused.status, refused.body) == (429, "")
    assert "Retry-After" in refused.headers


OUT_OF_ORDER = [
    Answer(400, "ResourceNotFoundException"),
    ReadTimeoutError(endpoint_url="https://dynamodb.eu-central-1.amazonaws.com"),
]


@pytest.mark.parametrize("answer", OUT_OF_ORDER, ids=lambda answer: getattr(answer, "code", "") or "timeout")
def test_counters_that_are_out_of_order_stop_nobody_and_raise_an_alarm(
    kit: Kit, capsys: pytest.CaptureFixture[str], answer: Answer | Exception
) -> None:
    kit.open_task()
    token = kit.link()
    with answering("dynamodb", "UpdateItem", answer):
        assert [look(token).status for _ in range(PER_SOURCE + 1)] == [200] * (PER_SOURCE + 1)
        assert click(token).status == 200
    assert kit.task().decided_by == (APPROVER,)
    printed = capsys.readouterr().out
    assert '"LimiterUnavailable"' in printed
    assert token not in printed


def test_webhooks_are_not_limited_by_where_they_come_from(kit: Kit, secrets: dict[str, str]) -> None:
    delivery, statuses = STANDARD_WEBHOOKS.request(timestamp=int(kit.now.timestamp())), set()
    for _ in range(2 * PER_SOURCE):
        event = http_event("POST", "/webhooks/pay", body=delivery.body, headers=delivery.headers)
        event |= {"routeKey": "POST /webhooks/{provider}", "pathParameters": {"provider": "pay"}}
        statuses.add(send(event, OFFICE).status)
    assert statuses == {200, 202}, "parked, and then known"
    assert counters() == []


def test_a_network_and_a_minute_are_one_item_that_ttl_removes_and_that_names_no_person_and_no_token(kit: Kit) -> None:
    kit.open_task()
    token = kit.link()
    look(token)
    click(token)
    (item,) = counters()
    assert item["pk"]["S"].startswith("review#203.0.113.0/24#")
    assert item["requests"] == {"N": "2"}
    assert int(item["ttl"]["N"]) > kit.now.timestamp()
    assert token not in str(item)
    assert OFFICE not in str(item)
