"""The function that asks providers, and who calls it: workflows, and the webhook of a provider that signs nothing."""

import json
from decimal import Decimal
from typing import Any

import pytest

from countersign.composition import current_ports
from countersign.domain.errors import LookFailedError, StartFailedError
from countersign.domain.questions import Correlation
from countersign.domain.tasks import Status
from countersign.functions.clients import client
from countersign.testing.builders import PAYMENT_TASK_ID, http_event
from countersign.testing.fakes import MemoryProviderApi
from looks.handler import handler
from tests.integration.conftest import Answer, Kit, Operation, keep_secret
from tests.integration.output import Output
from webhook.handler import handler as webhook

KEY, PAYMENT, PATH = "live_s3cr3t", "tr_1001", "/v2/payments/tr_1001"
PAID: dict[str, Any] = {"id": PAYMENT, "mode": "live", "profileId": "pfl_1", "status": "paid"}
PAID |= {"amount": {"currency": "EUR", "value": "250.00"}}
ASKED = {"provider": "mollie", "external_id": PAYMENT}


@pytest.fixture
def api(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> MemoryProviderApi:
    """Mollie, with a payment that a task waits for."""
    monkeypatch.setenv("LOOKS_FUNCTION", "countersign-test-provider_looks")
    secret = keep_secret(client("secretsmanager"), "mollie", KEY)
    monkeypatch.setenv("PROVIDERS", json.dumps({"mollie": {"scheme": "mollie", "secret": secret}}))
    api = current_ports().provider_api = MemoryProviderApi({PATH: PAID})
    kit.open_payment(correlation=Correlation("mollie", PAYMENT, Decimal("250.00"), "EUR"))
    return api


def test_a_paid_answer_decides_and_neither_the_key_nor_the_payment_is_logged(
    kit: Kit, api: MemoryProviderApi, output: Output
) -> None:
    assert handler(ASKED, None) == {"status": "paid", "handling": "recorded"}
    assert kit.task(PAYMENT_TASK_ID).status is Status.DECIDED
    assert handler(ASKED, None) == {"status": "paid", "handling": "duplicate"}
    assert [headers["Authorization"] for _, headers, _ in api.asked] == [f"Bearer {KEY}"] * 2
    written = output.new()
    assert written.counts["LooksFailing"] == 0
    assert not [each for each in (KEY, PAYMENT, "250.00", "pfl_1") if each in written.text]


@pytest.mark.parametrize(
    ("answer", "external_id", "failing"),
    [(LookFailedError("slow"), PAYMENT, 1), (b"<html>", PAYMENT, 1), (PAID, "tr_1001/../orders", 0)],
)
def test_a_failed_look_raises_and_is_counted_unless_the_provider_cannot_know_the_id(
    kit: Kit, api: MemoryProviderApi, output: Output, answer: Any, external_id: str, failing: int
) -> None:
    api.answers[PATH] = answer
    with pytest.raises(LookFailedError):
        handler(ASKED | {"external_id": external_id}, None)
    assert kit.task(PAYMENT_TASK_ID).status is Status.OPEN
    written = output.new()
    assert written.counts["LooksFailing"] == failing
    assert PAYMENT not in written.text


def test_a_look_without_an_api_key_is_counted(api: MemoryProviderApi, output: Output) -> None:
    client("secretsmanager").put_secret_value(SecretId="mollie", SecretString='{"active": []}')
    with pytest.raises(LookFailedError, match="no_key"):
        handler(ASKED, None)
    assert (output.new().counts["LooksFailing"], api.asked) == (1, [])


def notice(body: str) -> tuple[int, str]:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    event = http_event("POST", "/webhooks/mollie", body=body, headers=headers)
    routed = {"routeKey": "POST /webhooks/{provider}", "pathParameters": {"provider": "mollie"}}
    answer = webhook(event | routed, None)
    return answer["statusCode"], answer["body"]


def test_a_notice_of_a_waiting_payment_starts_one_look_and_every_notice_has_the_same_answer(
    api: MemoryProviderApi, invocations: Operation
) -> None:
    bodies = (f"id={PAYMENT}", f"id={PAYMENT}", "id=tr_1002", "id=tr_1001%0d%0a", "status=paid", "")
    assert {notice(body) for body in bodies} == {(200, '{"status": "ignored"}')}
    (asked,) = invocations.asked
    assert (json.loads(asked.body), asked.headers["X-Amz-Invocation-Type"]) == (ASKED, b"Event")
    assert "/functions/countersign-test-provider_looks/" in asked.url
    assert api.asked == []


def test_a_notice_is_refused_for_now_if_no_look_could_be_started(
    api: MemoryProviderApi, invocations: Operation
) -> None:
    invocations.by_default = Answer(500, "ServiceException")
    assert notice(f"id={PAYMENT}")[0] == 503
    with pytest.raises(StartFailedError):
        current_ports().looks.start(**ASKED)


UNHANDLED = {"X-Amz-Function-Error": "Unhandled"}
SLOW = {"errorMessage": "the provider did not say how the payment stands: slow"}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(document=SLOW, headers=UNHANDLED), "slow"),
        (Answer(document={}, headers=UNHANDLED), "unknown"),
        (Answer(403, "AccessDeniedException"), "AccessDeniedException"),
    ],
)
def test_a_caller_that_waits_learns_why_a_look_failed(
    api: MemoryProviderApi, invocations: Operation, answer: Answer, reason: str
) -> None:
    invocations.by_default = answer
    with pytest.raises(LookFailedError) as error:
        current_ports().looks.look(**ASKED)
    assert error.value.reason == reason


def test_a_caller_that_waits_gets_the_answer(api: MemoryProviderApi, invocations: Operation) -> None:
    invocations.by_default = Answer(document={"status": "paid", "handling": "recorded"})
    assert current_ports().looks.look(**ASKED) == {"status": "paid", "handling": "recorded"}
