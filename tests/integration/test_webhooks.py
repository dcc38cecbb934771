"""`POST /webhooks/{provider}`: each status of the contract."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from countersign.domain.answers import document_of
from countersign.domain.clock import SystemClock
from countersign.domain.strict_json import MAX_BODY_BYTES
from countersign.domain.tasks import Status
from countersign.functions.clients import client
from countersign.testing.builders import PAYMENT_TASK_ID, http_event
from countersign.testing.deliveries import ADYEN, STANDARD_WEBHOOKS, STRIPE, any_item, any_payment, any_payment_intent
from countersign.testing.signing import sign_adyen, sign_standard_webhooks
from tests.integration.conftest import (
    ENVIRONMENT,
    Answer,
    Kit,
    Page,
    answered,
    answering,
    assert_problem,
    forget_what_functions_made,
)
from tests.integration.output import Output
from webhook.handler import handler

SECRET = STANDARD_WEBHOOKS.secret


def now() -> int:
    return int(SystemClock().now().timestamp())


def signed(body: bytes = STANDARD_WEBHOOKS.body, event_id: str = "msg_1") -> dict[str, str]:
    return sign_standard_webhooks(SECRET, body, event_id, now())


def post(
    body: bytes | str = STANDARD_WEBHOOKS.body,
    headers: Mapping[str, str] | None = None,
    name: str = "pay",
    **event: Any,
) -> Page:
    """Post to a webhook; signed by the provider `pay` unless there are headers."""
    raw = body if isinstance(body, bytes) else body.encode()
    sent = {"content-type": "application/json"} | dict(signed(raw) if headers is None else headers)
    made = http_event("POST", f"/webhooks/{name}", body=body, headers=sent) | {
        "routeKey": "POST /webhooks/{provider}",
        "pathParameters": {"provider": name},
    }
    return answered(handler, made | event)


# Events


def test_a_paid_event_decides_and_is_logged_without_its_content(kit: Kit, secrets: Any, output: Output) -> None:
    kit.open_payment()
    headers = signed()
    page = post(headers=headers)
    assert (page.status, page.document) == (200, {"status": "recorded"})
    task = kit.task(PAYMENT_TASK_ID)
    assert (task.status, document_of(task)["status"], task.decided_by) == (Status.DECIDED, "paid", ("pay",))
    assert len(kit.decisions()) == 1
    written = output.new()
    assert [entry["provider"] for entry in written.entries] == ["pay"]
    assert not any(
        each in written.text for each in (SECRET, "pay_1001", "250.00", headers["webhook-signature"], "msg_")
    )


@pytest.mark.parametrize(
    ("body", "status", "handling"),
    [
        (any_payment("payment.pending"), 202, "pending"),
        (any_payment("payment.declined"), 202, "declined"),
        (any_payment(external_id="pay_2"), 202, "parked"),
        (any_payment("user.created"), 200, "ignored"),
        (any_payment(amount="1.00"), 200, "held"),
        (any_payment("payment.reversed"), 200, "held"),
    ],
    ids=["pending", "declined", "without a task", "another type", "other money", "an unknown status"],
)
def test_an_event_that_does_not_decide_is_answered_and_counted_by_its_handling(
    kit: Kit, secrets: Any, output: Output, body: bytes, status: int, handling: str
) -> None:
    kit.open_payment()
    page = post(body)
    assert (page.status, page.document["status"]) == (status, handling)
    assert kit.task(PAYMENT_TASK_ID).status is Status.OPEN
    assert output.new().counts == {f"Events{handling.title()}": 1}


def test_another_body_under_the_same_id_is_200_and_counted(kit: Kit, secrets: Any, output: Output) -> None:
    kit.open_payment()
    post(any_payment("payment.pending"))
    page = post(any_payment("payment.paid"))
    assert (page.status, page.document["status"]) == (200, "conflict")
    assert kit.task(PAYMENT_TASK_ID).status is Status.OPEN
    assert output.new().counts["EventsConflict"] == 1


def test_each_provider_is_answered_as_its_scheme_requires(kit: Kit, secrets: Any) -> None:
    intent = any_payment_intent()
    assert post(intent, STRIPE.sign(STRIPE.secret, intent, now()), "card").document["status"] == "parked"
    page = post(sign_adyen(ADYEN.secret, any_item()), {}, "terminal")
    assert (page.status, page.body, page.headers["Content-Type"]) == (200, "[accepted]", "text/plain")


def test_an_event_without_a_task_is_ignored_where_the_settings_say_so(
    kit: Kit, secrets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    providers = json.loads(ENVIRONMENT["PROVIDERS"])
    monkeypatch.setenv("PROVIDERS", json.dumps(providers | {"pay": providers["pay"] | {"unmatched": "ignore"}}))
    forget_what_functions_made()
    page = post()
    assert (page.status, page.document, kit.items()) == (200, {"status": "ignored"}, {})


# Refusals


UNSIGNED = {name: value for name, value in signed().items() if name != "webhook-signature"}
REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "not signed": ({"headers": UNSIGNED}, 401, "signature"),
    "not JSON": ({"body": b"paid"}, 400, "malformed"),
    "paid without an amount": ({"body": any_payment(amount=None)}, 400, "contract"),
    "a byte more than 256 KiB": ({"body": b" " * (MAX_BODY_BYTES + 1)}, 413, "body_too_large"),
    "broken base64": ({"body": "****", "isBase64Encoded": True}, 400, "malformed"),
    "another media type": ({"headers": {"content-type": "text/xml"}}, 415, "media_type"),
    "an unknown provider": ({"name": "paypal"}, 404, "unknown_provider"),
    "no name": ({"pathParameters": None}, 404, "unknown_provider"),
}


@pytest.mark.parametrize(("sent", "status", "code"), REFUSED.values(), ids=REFUSED)
def test_a_refused_post_has_its_status_writes_nothing_and_the_log_has_the_reason(
    kit: Kit, secrets: Any, output: Output, sent: dict[str, Any], status: int, code: str
) -> None:
    kit.open_payment()
    before = kit.items()
    page = post(**sent)
    assert_problem(page, status, code)
    assert kit.items() == before
    written = output.new()
    (entry,) = written.entries
    assert (entry["status"], entry["error_type"].endswith("Error")) == (status, True)
    assert entry["reason"] or code in ("unknown_provider", "media_type")
    assert not any(secret in written.text + page.body for secret in (SECRET, SECRET[6:], "pay_1001", "v1,"))


def test_a_malformed_secret_is_503_and_not_logged(kit: Kit, secrets: dict[str, str], output: Output) -> None:
    client("secretsmanager").put_secret_value(SecretId=secrets["pay"], SecretString="whsec_plain")
    assert_problem(post(), 503, "not_configured")
    assert kit.items() == {}
    written = output.new()
    assert [entry["error_type"] for entry in written.entries] == ["SecretError"]
    assert "whsec_" not in written.text


BROKEN = Answer(500, "InternalServerError")
UNREACHABLE = EndpointConnectionError(endpoint_url="https://secretsmanager.example.com")
OUTAGES: dict[str, tuple[tuple[str, str, Answer | Exception], str]] = {
    "read": (("dynamodb", "BatchGetItem", BROKEN), "LedgerUnavailableError"),
    "write": (("dynamodb", "TransactWriteItems", BROKEN), "LedgerUnavailableError"),
    "secrets": (("secrets-manager", "GetSecretValue", UNREACHABLE), "SecretsUnavailableError"),
}


@pytest.mark.parametrize(("outage", "error"), OUTAGES.values(), ids=OUTAGES)
def test_during_an_outage_a_post_is_503_and_its_redelivery_is_recorded(
    kit: Kit, secrets: Any, output: Output, monkeypatch: pytest.MonkeyPatch, outage: Any, error: str
) -> None:
    monkeypatch.setattr("countersign.adapters.secrets.REREAD_SECONDS", 0)
    kit.open_payment()
    before = kit.items()
    with answering(*outage):
        assert_problem(post(), 503, "try_again")
    assert kit.items() == before
    assert [(entry["error_type"], bool(entry["reason"])) for entry in output.new().entries] == [(error, True)]
    assert post().document["status"] == "recorded"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KINDS = st.sampled_from(["payment.paid", "payment.pending", "payment.failed", "payment.else", "user.created"])
DATA = st.fixed_dictionaries(
    {}, optional={name: VALUES | st.just(good) for name, good in json.loads(any_payment())["data"].items()}
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.fixed_dictionaries({}, optional={"type": KINDS | VALUES, "timestamp": VALUES, "data": DATA | VALUES}))
def test_any_signed_document_is_recorded_or_refused_and_never_our_error(
    kit: Kit, secrets: Any, document: dict[str, Any]
) -> None:
    body = json.dumps(document).encode()
    assert post(body, signed(body, f"msg_{sha256(body).hexdigest()}")).status in {200, 202, 400}
