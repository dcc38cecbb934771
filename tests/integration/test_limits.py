"""Rate limits of the public routes: 429 over the limit, and nothing is lost."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

import webhook.handler
from countersign.domain.tasks import Status
from countersign.functions.clients import client
from countersign.testing.builders import APPROVER, any_paid, any_token, http_event
from countersign.testing.deliveries import STANDARD_WEBHOOKS
from review.document import security_headers
from tests.integration.conftest import (
    LIMITS_TABLE,
    Answer,
    Kit,
    Page,
    answering,
    call,
    click,
    forget_what_functions_made,
    look,
    post_form,
)
from tests.integration.output import Output

OFFICE = "203.0.113.9"
ELSEWHERE = "203.0.114.9"
PER_SOURCE = 8
PER_TOKEN = 4


@pytest.fixture(autouse=True)
def _environment_of_the_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMITS", json.dumps({"per_source": PER_SOURCE, "per_token": PER_TOKEN}))


@pytest.fixture(autouse=True)
def _one_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the window so long that no test crosses its end."""
    monkeypatch.setattr("countersign.services.limits.WINDOW_SECONDS", 10**9)


def call_back(token: str, path: str = "succeed") -> Page:
    headers = {"authorization": f"Bearer {token}"}
    return call(webhook.handler.handler, "POST", f"/callbacks/{path}", body=json.dumps(any_paid()), headers=headers)


def counters() -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client("dynamodb").scan(TableName=LIMITS_TABLE)["Items"]
    return items


ROUTES: dict[str, Callable[[str], Page]] = {
    "GET /review": look,
    "HEAD /review": lambda token: look(token, method="HEAD"),
    "POST /review": lambda token: post_form("/review", t=token, decision="approve"),
    "POST /delegate": lambda token: post_form("/delegate", t=token, colleague="li@example.com"),
    "GET /inbox": lambda token: look(token, "/inbox"),
    "HEAD /inbox": lambda token: look(token, "/inbox", "HEAD"),
    "POST /inbox": lambda token: post_form("/inbox", t=token),
    "GET /request": lambda token: look(token, "/request"),
    "HEAD /request": lambda token: look(token, "/request", "HEAD"),
    "POST /request": lambda token: post_form("/request", t=token, action="withdraw"),
    "POST /callbacks/succeed": call_back,
    "POST /callbacks/fail": lambda token: call_back(token, "fail"),
    "POST /callbacks/heartbeat": lambda token: call_back(token, "heartbeat"),
}


@pytest.mark.parametrize("send", ROUTES.values(), ids=ROUTES)
def test_every_route_refuses_a_token_over_its_limit_and_says_when_to_try_again(
    kit: Kit, send: Callable[[str], Page]
) -> None:
    pages = [send(any_token()) for _ in range(PER_TOKEN + 2)]
    assert [page.status == 429 for page in pages] == [False] * PER_TOKEN + [True] * 2
    assert int(pages[-1].headers["Retry-After"]) > 0


def test_a_person_over_the_limit_gets_a_page_with_the_seconds_to_wait(kit: Kit) -> None:
    page = [look(any_token()) for _ in range(PER_TOKEN + 1)][-1]
    assert page.headers.items() >= dict(security_headers()).items()
    assert "Nothing was recorded" in page.body
    assert f"try again in {int(page.headers['Retry-After']):,} seconds" in page.body
    assert any_token() not in page.body


def test_a_flood_from_one_network_keeps_nobody_elsewhere_from_deciding(kit: Kit) -> None:
    token = kit.open_link()
    flood = [look(each, source=OFFICE).status for each in [*(f"{n:043d}" for n in range(PER_SOURCE)), token]]
    assert flood[-1] == 429
    form = {"t": token, "decision": "approve", "shown": kit.task().shown}
    assert look(token, source=ELSEWHERE).status == post_form("/review", source=ELSEWHERE, **form).status == 200
    assert kit.task().status is Status.DECIDED


def test_a_refused_vote_writes_nothing_and_counts_when_it_is_repeated(kit: Kit) -> None:
    token = kit.open_link()
    for _ in range(PER_TOKEN):
        look(token)
    before = kit.items()
    assert (click(kit, token).status, kit.items()) == (429, before)
    forget_what_functions_made()
    for item in counters():
        client("dynamodb").delete_item(TableName=LIMITS_TABLE, Key={"pk": item["pk"]})
    assert click(kit, token).status == 200
    assert kit.task().status is Status.DECIDED


@pytest.mark.parametrize(
    "answer", [Answer(400, "ResourceNotFoundException"), ReadTimeoutError(endpoint_url="https://d")], ids=str
)
def test_without_counters_every_request_passes_and_is_counted_for_an_alarm(
    kit: Kit, output: Output, answer: Answer | Exception
) -> None:
    token = kit.open_link()
    with answering("dynamodb", "UpdateItem", answer):
        assert [look(token).status for _ in range(PER_SOURCE + 1)] == [200] * (PER_SOURCE + 1)
        assert click(kit, token).status == 200
    assert kit.task().decided_by == (APPROVER,)
    written = output.new()
    assert written.counts["LimiterUnavailable"] == PER_SOURCE + 2
    assert token not in written.text


def test_webhooks_have_no_limit(kit: Kit, secrets: dict[str, str]) -> None:
    delivery = STANDARD_WEBHOOKS.request(timestamp=int(kit.now.timestamp()))
    event = http_event("POST", "/webhooks/pay", body=delivery.body, headers=delivery.headers)
    event |= {"routeKey": "POST /webhooks/{provider}", "pathParameters": {"provider": "pay"}}
    statuses = {webhook.handler.handler(event, None)["statusCode"] for _ in range(2 * PER_SOURCE)}
    assert (statuses, counters()) == ({200, 202}, []), "parked, then a duplicate"


def test_a_counter_is_an_item_for_a_network_and_a_window_without_an_address_or_a_token(kit: Kit) -> None:
    token = kit.open_link()
    look(token)
    click(kit, token)
    (item,) = counters()
    assert item["pk"]["S"].startswith("review#203.0.113.0/24#")
    assert item["requests"] == {"N": "2"}
    assert int(item["ttl"]["N"]) > kit.now.timestamp()
    assert token not in str(item)
    assert OFFICE not in str(item)
