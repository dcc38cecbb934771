"""`POST /webhooks/{provider}`: every row of the contract, all bad input, and whatever dies on the way."""

import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from hashlib import sha256
from io import StringIO
from typing import Any
from unittest.mock import patch

import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from countersign.domain.answers import document_of
from countersign.domain.clock import SystemClock
from countersign.domain.questions import Correlation
from countersign.domain.strict_json import MAX_BODY_BYTES
from countersign.domain.tasks import Status
from countersign.functions.clients import client
from countersign.services.provider_events import ProviderEvents
from countersign.testing.builders import PAYMENT_TASK_ID, http_event, is_unbroken
from countersign.testing.deliveries import ADYEN, STANDARD_WEBHOOKS, STRIPE, any_item, any_payment, any_payment_intent
from countersign.testing.signing import sign_adyen, sign_standard_webhooks
from tests.integration.conftest import ENVIRONMENT, Answer, Kit, Page, answering, forget_what_functions_made
from webhook.handler import handler, logger

SECRET, OTHER_SECRET = STANDARD_WEBHOOKS.secret, STANDARD_WEBHOOKS.other_secret


def now() -> int:
    return int(SystemClock().now().timestamp())


def signed(
    body: bytes = STANDARD_WEBHOOKS.body, event_id: str = "msg_1", secret: str = SECRET, at: int | str | None = None
) -> dict[str, str]:
    return sign_standard_webhooks(secret, body, event_id, now() if at is None else at)


def post(
    body: bytes | str = STANDARD_WEBHOOKS.body,
    headers: Mapping[str, str] | None = None,
    name: str = "pay",
    **event: Any,
) -> Page:
    """Post to a webhook as API Gateway hands it on; signed by the provider `pay` unless told otherwise."""
    raw = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
    sent = {"content-type": "application/json"} | dict(signed(raw) if headers is None else headers)
    made = http_event("POST", f"/webhooks/{name}", body=body, headers=sent) | {
        "routeKey": "POST /webhooks/{provider}",
        "pathParameters": {"provider": name},
    }
    answer = handler(made | event, None)
    return Page(answer["statusCode"], answer["headers"], answer["body"])


@pytest.fixture
def logged(secrets: dict[str, str]) -> Iterator[StringIO]:
    """What the function writes to its log."""
    text, stream = StringIO(), logging.StreamHandler()
    stream.setStream(text)
    stream.setFormatter(logger.registered_formatter)
    logger.addHandler(stream)
    yield text
    logging.getLogger(logger.name).removeHandler(stream)


def entry(logged: StringIO) -> dict[str, Any]:
    """Return the only entry of the log."""
    (line,) = [line for line in logged.getvalue().splitlines() if line.startswith("{")]
    document: dict[str, Any] = json.loads(line)
    return document


def problem(page: Page, status: int, code: str) -> dict[str, Any]:
    """Return a problem once it is known to be told as the contract says."""
    assert page.status == status, page.body
    assert page.headers["Content-Type"] == "application/problem+json"
    assert page.headers["Cache-Control"] == "no-store"
    assert ("Retry-After" in page.headers) == (status == 503)
    assert "WWW-Authenticate" not in page.headers
    document: dict[str, Any] = page.document
    assert (document["status"], document["code"]) == (status, code)
    return document


# The contract


def test_a_paid_event_is_200_and_decides(kit: Kit, secrets: Any) -> None:
    kit.open_payment()
    page = post()
    assert (page.status, page.document) == (200, {"status": "recorded"})
    task = kit.task(PAYMENT_TASK_ID)
    assert (task.status, document_of(task)["status"], task.decided_by) == (Status.DECIDED, "paid", ("pay",))
    assert len(kit.decisions()) == 1


@pytest.mark.parametrize(
    ("opened", "said", "status"),
    [(True, "pending", "pending"), (True, "declined", "declined"), (False, "pending", "parked")],
)
def test_what_is_not_final_or_comes_early_is_202(kit: Kit, secrets: Any, opened: bool, said: str, status: str) -> None:
    if opened:
        kit.open_payment()
    page = post(any_payment(f"payment.{said}"))
    assert (page.status, page.document["status"]) == (202, status)
    assert kit.decisions() == []


def test_an_ignored_type_is_200_and_not_kept(kit: Kit, secrets: Any) -> None:
    page = post(any_payment("user.created"))
    assert (page.status, page.document["status"]) == (200, "ignored")
    assert kit.items() == {}


@pytest.mark.parametrize("body", [any_payment(amount="1.00"), any_payment("payment.reversed")])
def test_other_money_and_an_unknown_status_are_200_and_held(kit: Kit, secrets: Any, body: bytes) -> None:
    kit.open_payment()
    page = post(body)
    assert (page.status, page.document["status"]) == (200, "held")
    assert kit.task(PAYMENT_TASK_ID).status is Status.OPEN
    assert [sk for _, sk in kit.items() if sk.startswith("OUTBOX#")] == ["OUTBOX#held#msg_1"]


def test_another_body_under_the_same_id_is_200_alarmed_and_not_applied(
    kit: Kit, secrets: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    kit.open_payment()
    post(any_payment("payment.pending"))
    page = post(any_payment("payment.paid"))
    assert (page.status, page.document["status"]) == (200, "conflict")
    assert kit.task(PAYMENT_TASK_ID).status is Status.OPEN
    assert '"EventsConflict"' in capsys.readouterr().out


def test_stripe_and_adyen_are_taken_by_their_own_rules(kit: Kit, secrets: Any) -> None:
    intent = any_payment_intent()
    assert post(intent, STRIPE.sign(STRIPE.secret, intent, now()), "card").document["status"] == "parked"
    body = sign_adyen(ADYEN.secret, any_item())
    page = post(body, {}, "terminal")
    assert (page.status, page.body, page.headers["Content-Type"]) == (200, "[accepted]", "text/plain")


def deploy_with(monkeypatch: pytest.MonkeyPatch, name: str, **expects: Any) -> None:
    """Deploy the function with other settings of a provider."""
    providers = json.loads(ENVIRONMENT["PROVIDERS"])
    monkeypatch.setenv("PROVIDERS", json.dumps(providers | {name: providers[name] | expects}))
    forget_what_functions_made()


def test_another_accounts_event_is_ignored_until_the_settings_name_the_account(
    kit: Kit, secrets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.open_payment(correlation=Correlation("terminal", "order-1001", Decimal("250.00"), "EUR"))
    body = sign_adyen(ADYEN.secret, any_item(merchantAccountCode="ShopFR"))
    deploy_with(monkeypatch, "terminal", accounts={"merchant_account": "ShopDE"})
    for _ in range(2):
        assert post(body, {}, "terminal").status == 200
    assert kit.audited(PAYMENT_TASK_ID) == ["opened", "ignored"]
    assert [key for key in kit.items() if key[0].startswith("EVENT#")] == []
    deploy_with(monkeypatch, "terminal", accounts={"merchant_account": "ShopFR"})
    post(body, {}, "terminal")
    assert kit.task(PAYMENT_TASK_ID).status is Status.DECIDED


def test_an_event_that_nobody_asked_about_is_200_and_parked_nowhere_where_the_settings_say_so(
    kit: Kit, secrets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy_with(monkeypatch, "pay", unmatched="ignore")
    page = post()
    assert (page.status, page.document) == (200, {"status": "ignored"})
    assert kit.items() == {}


# Bad input


def bad(
    body: bytes | str = STANDARD_WEBHOOKS.body, headers: Mapping[str, str | None] | None = None, **event: Any
) -> Callable[[], Page]:
    """Return a post of a body that is signed, with headers changed, or removed by None."""

    def send() -> Page:
        raw = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
        sent = signed(raw) | dict(headers or {})
        return post(body, {name: value for name, value in sent.items() if value is not None}, **event)

    return send


REFUSED: dict[str, tuple[Callable[[], Page], int, str]] = {
    "not signed": (bad(headers={"webhook-signature": None}), 401, "signature"),
    "signed by another": (lambda: post(headers=signed(secret=OTHER_SECRET)), 401, "signature"),
    "stale": (lambda: post(headers=signed(at=now() - 302)), 401, "signature"),
    "not JSON": (bad(b"paid"), 400, "malformed"),
    "paid without an amount": (bad(any_payment(amount=None)), 400, "contract"),
    "a byte more than 256 KiB": (bad(b" " * (MAX_BODY_BYTES + 1)), 413, "body_too_large"),
    "broken base64": (lambda: post("****", {}, isBase64Encoded=True), 400, "malformed"),
    "another media type": (bad(headers={"content-type": "text/xml"}), 415, "media_type"),
    "an unknown provider": (bad(name="paypal"), 404, "unknown_provider"),
    "no name": (bad(pathParameters=None), 404, "unknown_provider"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused_has_the_status_of_the_contract_writes_nothing_and_the_log_says_why(
    kit: Kit, logged: StringIO, kind: str
) -> None:
    kit.open_payment()
    before, (send, status, code) = kit.items(), REFUSED[kind]
    document = problem(send(), status, code)
    assert kit.items() == before
    told = entry(logged)
    assert told["status"] == status
    assert told["error_type"].endswith("Error")
    assert told["reason"] or code in ("unknown_provider", "media_type")
    for secret in (SECRET, SECRET[6:], "pay_1001", "v1,"):
        assert secret not in logged.getvalue() + json.dumps(document)


# Secrets


def test_a_badly_configured_secret_is_503_and_the_log_says_what_to_mend(
    kit: Kit, secrets: dict[str, str], logged: StringIO
) -> None:
    client("secretsmanager").put_secret_value(SecretId=secrets["pay"], SecretString="whsec_plain")
    problem(post(), 503, "not_configured")
    assert entry(logged)["error_type"] == "SecretError"
    assert entry(logged)["reason"]
    assert "whsec_" not in logged.getvalue()
    assert kit.items() == {}


def test_secrets_manager_that_does_not_answer_is_503_until_it_does(
    kit: Kit, secrets: Any, logged: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = EndpointConnectionError(endpoint_url="https://secretsmanager.example.com")
    with answering("secrets-manager", "GetSecretValue", broken):
        problem(post(), 503, "try_again")
    assert entry(logged)["error_type"] == "SecretsUnavailableError"
    assert kit.items() == {}
    problem(post(), 503, "try_again")
    monkeypatch.setattr("countersign.adapters.secrets.REREAD_SECONDS", 0)
    assert post().status == 202


# Anything at all

HEADER_NAMES = st.sampled_from([*signed(), "content-type", "content-encoding", "svix-signature", "svix-id", "x"])
HEADER_VALUES = st.text(max_size=60) | st.sampled_from([*signed().values(), "v1,", "application/json", "0", "identity"])
FUZZED_BODIES = st.text(max_size=200) | st.binary(max_size=200) | st.sampled_from([STANDARD_WEBHOOKS.body, b"{}"])
NAMES = st.sampled_from(["pay", "card", "terminal", "pay ", ""]) | st.text(max_size=10)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(NAMES, st.dictionaries(HEADER_NAMES, HEADER_VALUES), FUZZED_BODIES, st.booleans())
def test_whatever_comes_unsigned_is_refused_and_never_our_error(
    kit: Kit, secrets: Any, name: str, headers: dict[str, str], body: str | bytes, encoded: bool
) -> None:
    more = {"isBase64Encoded": encoded} if isinstance(body, str) else {}
    page = post(body, headers, name, **more)
    assert page.status in {400, 401, 404, 413, 415}, page.body
    assert page.document["code"]
    assert kit.stream() == [], "nothing was written, not even for a moment"


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
def test_whatever_a_provider_signs_is_recorded_or_refused_and_never_our_error(
    kit: Kit, secrets: Any, document: dict[str, Any]
) -> None:
    body = json.dumps(document).encode()
    assert post(body, signed(body, f"msg_{sha256(body).hexdigest()}")).status in {200, 202, 400}


# Trouble on our side


@pytest.mark.parametrize("operation", ["BatchGetItem", "GetItem", "TransactWriteItems"])
def test_a_ledger_that_does_not_answer_is_503_and_the_redelivery_is_recorded(
    kit: Kit, logged: StringIO, operation: str
) -> None:
    kit.open_payment()
    before = kit.items()
    with answering("dynamodb", operation, Answer(500, "InternalServerError")):
        problem(post(), 503, "try_again")
    assert kit.items() == before
    assert entry(logged)["error_type"] == "LedgerUnavailableError"
    assert entry(logged)["reason"]
    assert post().document["status"] == "recorded"


def test_an_error_that_nobody_thought_of_is_a_problem_without_a_word_of_it(kit: Kit, logged: StringIO) -> None:
    with patch.object(ProviderEvents, "receive", side_effect=RuntimeError(f"{SECRET} pay_1001")):
        problem(post(), 500, "unexpected")
    assert entry(logged)["error_type"] == "RuntimeError"
    assert SECRET not in logged.getvalue()
    assert "pay_1001" not in logged.getvalue()


# At the same moment


def at_once(posts: list[Callable[[], Page]]) -> list[Page]:
    start = threading.Barrier(len(posts))

    def run(send: Callable[[], Page]) -> Page:
        start.wait()
        return send()

    with ThreadPoolExecutor(len(posts)) as threads:
        return list(threads.map(run, posts))


def test_of_twenty_events_about_one_payment_at_the_same_moment_one_decides_and_none_is_lost(
    kit: Kit, secrets: Any
) -> None:
    kit.open_payment()

    def sender(number: int) -> Callable[[], Page]:
        body = any_payment("payment.paid" if number % 2 else "payment.failed")
        headers = signed(body, f"msg_{number}")

        def send() -> Page:
            page = post(body, headers)
            while page.status == 503:  # as a provider does
                page = post(body, headers)
            return page

        return send

    pages = at_once([sender(number) for number in range(20)])
    assert {page.status for page in pages} == {200}
    statuses = [page.document["status"] for page in pages]
    told = {status: statuses.count(status) for status in statuses}
    task = kit.task(PAYMENT_TASK_ID)
    held = 1 if document_of(task)["status"] == "paid" else 10
    assert told == {"recorded": 2, "held": held, "duplicate": 18 - held}, (
        "one decides, one agrees, one does not, and only payments may be other ones each time"
    )
    audited = kit.audited(PAYMENT_TASK_ID)
    assert (audited.count("decided"), audited.count("responded"), audited.count("held")) == (1, 2, held)
    assert is_unbroken(kit.audit(PAYMENT_TASK_ID), task.audit_head, task.audit_seq)
    assert len(kit.decisions()) == 1


def test_nothing_of_a_request_is_logged_but_what_became_of_it(
    kit: Kit, logged: StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    headers = signed()
    assert post(headers=headers).status == 202
    text = logged.getvalue() + "".join(capsys.readouterr())
    assert entry(logged)["provider"] == "pay"
    for secret in (SECRET, "pay_1001", "250.00", headers["webhook-signature"], "msg_"):
        assert secret not in text
