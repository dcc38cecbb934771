"""Webhooks: the order of the checks, and the secrets of providers."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from countersign.domain import errors
from countersign.domain.audit import AuditEvent
from countersign.domain.provider_events import Handling
from countersign.domain.questions import Correlation
from countersign.domain.tasks import Status
from countersign.providers.base import WebhookRequest
from countersign.providers.paypal import PayPal
from countersign.services import notices
from countersign.services.provider_events import ProviderEvents
from countersign.services.webhooks import Received, Source, Webhooks
from countersign.testing.builders import NOW, any_payment_task
from countersign.testing.deliveries import ADYEN, ADYEN_SECRET, PAYPAL, STANDARD_WEBHOOKS, FakePayPal, any_item, later
from countersign.testing.fakes import FixedClock, MemoryLedger
from countersign.testing.signing import sign_adyen

OLD, NEW = STANDARD_WEBHOOKS.secret, STANDARD_WEBHOOKS.other_secret
GARBAGE = b'{"type": "payment.paid", "type": '


class MemorySecrets:
    """Cached and current secrets, with a record of reads."""

    def __init__(self, known: Sequence[str] | Exception, fresh: Sequence[str] | Exception | None = None) -> None:
        self.known = known
        self.fresh = fresh
        self.looks: list[str] = []

    def active(self, name: str) -> Sequence[str]:
        self.looks.append(f"active {name}")
        if isinstance(self.known, Exception):
            raise self.known
        return self.known

    def reread(self, name: str) -> Sequence[str] | None:
        self.looks.append(f"reread {name}")
        if isinstance(self.fresh, Exception):
            raise self.fresh
        return self.fresh


class MemoryLooks:
    """Keeps the looks that were started."""

    def __init__(self) -> None:
        self.started: list[tuple[str, str]] = []

    def start(self, provider: str, external_id: str) -> None:
        self.started.append((provider, external_id))

    def look(self, provider: str, external_id: str, lookup_id: str = "") -> Mapping[str, str]:
        raise NotImplementedError


class Setup:
    """The use case with its ports in memory."""

    def __init__(self, secrets: MemorySecrets | None = None, scheme: str = "standard_webhooks") -> None:
        self.ledger = MemoryLedger()
        self.clock = FixedClock(NOW)
        self.api = MemoryLooks()
        self.secrets = secrets or MemorySecrets([OLD])
        events = ProviderEvents(self.ledger, self.clock)
        self.webhooks = Webhooks({"pay": Source(scheme)}, self.secrets, events, self.clock, self._notice)

    def _notice(self, provider: str, external_id: str) -> bool:
        return notices.take(self.ledger, self.api, self.clock, provider, external_id)

    def receive(self, request: WebhookRequest | None = None, name: str = "pay") -> Received:
        return self.webhooks.receive(name, request or STANDARD_WEBHOOKS.request())

    def assert_nothing_recorded(self) -> None:
        assert (self.ledger.event_records, self.ledger.parking, self.ledger.aside) == ({}, {}, [])


def signed_by(secret: str, body: bytes = STANDARD_WEBHOOKS.body) -> WebhookRequest:
    return WebhookRequest(STANDARD_WEBHOOKS.sign(secret, body, int(NOW.timestamp())), body)


# The order of the checks
def test_a_genuine_event_is_recorded_under_the_name_of_its_provider() -> None:
    setup = Setup()
    assert setup.receive() == Received((Handling.PARKED,))
    ((provider, _),) = setup.ledger.event_records
    assert (provider, setup.secrets.looks) == ("pay", ["active pay"])


@pytest.mark.parametrize("name", ["", "stripe", "PAY", "pay/", "..", "standard_webhooks", "é", "x" * 5000])
def test_an_unknown_provider_is_refused_before_any_other_check(name: str) -> None:
    setup = Setup()
    with pytest.raises(errors.UnknownProviderError):
        setup.receive(WebhookRequest({"content-type": "text/xml"}, GARBAGE), name)
    assert setup.secrets.looks == []


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": ""},
        {"content-type": "application/jsonp"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-encoding": "gzip"},
        {"content-encoding": "identity, gzip"},
    ],
)
def test_the_media_type_is_checked_before_the_signature(headers: dict[str, str]) -> None:
    setup = Setup()
    with pytest.raises(errors.MediaTypeError):
        setup.receive(WebhookRequest(headers, GARBAGE))
    assert setup.secrets.looks == []


@pytest.mark.parametrize(
    "content_type", [None, "application/json", "Application/JSON; charset=utf-8", " application/json ;charset=utf-8"]
)
def test_the_media_type_of_the_provider_is_accepted_in_every_spelling(content_type: str | None) -> None:
    assert (
        Setup().receive(STANDARD_WEBHOOKS.request(headers={"content-type": content_type})).handling is Handling.PARKED
    )


def test_the_signature_is_checked_before_the_json() -> None:
    setup = Setup()
    with pytest.raises(errors.SignatureError):
        setup.receive(WebhookRequest(STANDARD_WEBHOOKS.request().headers, GARBAGE))
    with pytest.raises(errors.MalformedBodyError):
        setup.receive(STANDARD_WEBHOOKS.request(GARBAGE))
    setup.assert_nothing_recorded()


def test_an_unknown_scheme_is_a_configuration_error() -> None:
    with pytest.raises(errors.UnknownSchemeError):
        Setup(scheme="paypall").receive()


# Secrets
def test_a_rotated_secret_is_read_again() -> None:
    setup = Setup(MemorySecrets([OLD], [NEW]))
    assert setup.receive(signed_by(NEW)).handling is Handling.PARKED
    assert setup.secrets.looks == ["active pay", "reread pay"]


@pytest.mark.parametrize(("fresh", "questions"), [("a", 2), ("b", 4)])
def test_a_mismatch_is_checked_with_other_secrets(monkeypatch: pytest.MonkeyPatch, fresh: str, questions: int) -> None:
    paypal = FakePayPal()
    monkeypatch.setattr("countersign.services.webhooks.load", lambda _: PayPal(paypal))
    setup = Setup(MemorySecrets([f"{PAYPAL.secret}a"], [f"{PAYPAL.secret}{fresh}"]), "paypal")
    with pytest.raises(errors.SignatureError, match="mismatch"):
        setup.receive(PAYPAL.request())
    assert setup.secrets.looks == ["active pay", "reread pay"]
    assert len(paypal.asked) == questions, "each costs two calls"


def test_a_mismatch_right_after_a_read_is_refused_without_another_read() -> None:
    with pytest.raises(errors.SignatureError) as refused:
        Setup(MemorySecrets([OLD], None)).receive(signed_by(NEW))
    assert refused.value.reason == "mismatch"


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (STANDARD_WEBHOOKS.request(headers={"webhook-signature": None}), "missing"),
        (STANDARD_WEBHOOKS.request(headers={"webhook-signature": "v1"}), "malformed"),
        (STANDARD_WEBHOOKS.request(headers={"webhook-timestamp": "now"}), "malformed"),
        (STANDARD_WEBHOOKS.request(timestamp=int(later(-301).timestamp())), "stale"),
        (STANDARD_WEBHOOKS.request(timestamp=int(later(301).timestamp())), "future"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_refusal_that_no_secret_can_change_needs_no_second_read(request_: WebhookRequest, reason: str) -> None:
    setup = Setup(MemorySecrets([OLD], [NEW]))
    with pytest.raises(errors.SignatureError) as refused:
        setup.receive(request_)
    assert (refused.value.reason, setup.secrets.looks) == (reason, ["active pay"])


@pytest.mark.parametrize("active", [["whsec_!!!"], [OLD, "whsec_é"], [OLD, ""], [f"{OLD}\n"], []])
def test_a_malformed_secret_is_a_configuration_error_even_beside_a_valid_one(active: list[str]) -> None:
    setup = Setup(MemorySecrets(active))
    with pytest.raises(errors.SecretError) as refused:
        setup.receive()
    for secret in active:
        assert not secret or secret not in str(refused.value)
    setup.assert_nothing_recorded()


@pytest.mark.parametrize(
    "secrets", [MemorySecrets(errors.SecretsUnavailableError()), MemorySecrets([NEW], errors.SecretsUnavailableError())]
)
def test_unavailable_secrets_raise_a_transient_error(secrets: MemorySecrets) -> None:
    setup = Setup(secrets)
    with pytest.raises(errors.SecretsUnavailableError):
        setup.receive()
    setup.assert_nothing_recorded()


# Several events in one body
def adyen(*items: dict[str, Any]) -> WebhookRequest:
    return WebhookRequest({}, sign_adyen(ADYEN_SECRET, *items))


def test_every_event_of_a_body_is_recorded_and_the_provider_gets_its_acknowledgement() -> None:
    setup = Setup(MemorySecrets([ADYEN_SECRET]), ADYEN.scheme)
    items = [
        any_item(),
        any_item(pspReference="8", merchantReference="order-1002"),
        any_item(eventCode="REPORT_AVAILABLE"),
    ]
    assert setup.receive(adyen(*items)) == Received((Handling.PARKED, Handling.PARKED), "[accepted]")
    assert len(setup.ledger.event_records) == 2


@pytest.mark.parametrize(
    ("changes", "beside", "handling"),
    [
        ({}, (), Handling.DUPLICATE),
        ({"reason": "other"}, (), Handling.DUPLICATE),
        ({}, ({"eventCode": "REPORT_AVAILABLE", "pspReference": "", "success": ""},), Handling.DUPLICATE),
        ({"amount": {"value": 1, "currency": "EUR"}}, (), Handling.CONFLICT),
        ({"amount": {"value": 1, "currency": "EUR"}}, ({},), Handling.CONFLICT),
    ],
)
def test_an_adyen_event_is_identified_by_its_signed_fields(
    changes: dict[str, Any], beside: tuple[dict[str, Any], ...], handling: Handling
) -> None:
    setup = Setup(MemorySecrets([ADYEN_SECRET]), ADYEN.scheme)
    setup.receive(adyen(any_item()))
    assert setup.receive(adyen(*(any_item(**item) for item in beside), any_item(**changes))).handlings[-1] is handling


def test_an_event_of_another_provider_is_identified_by_its_whole_body() -> None:
    setup = Setup()
    setup.receive()
    assert setup.receive(STANDARD_WEBHOOKS.request()).handling is Handling.DUPLICATE
    assert setup.receive(STANDARD_WEBHOOKS.request(STANDARD_WEBHOOKS.body + b" ")).handling is Handling.CONFLICT


def test_a_redelivery_completes_a_body_that_was_half_recorded() -> None:
    setup = Setup(MemorySecrets([ADYEN_SECRET]), ADYEN.scheme)
    body = adyen(any_item(), any_item(pspReference="8", merchantReference="order-1002"))
    writes: list[str] = []

    def die(name: str) -> None:
        writes.append(name)
        if len(writes) == 2:
            raise ConnectionError

    setup.ledger.before_write = die
    with pytest.raises(ConnectionError):
        setup.receive(body)
    assert setup.receive(body).handlings == (Handling.DUPLICATE, Handling.PARKED)


def test_the_most_urgent_handling_represents_the_whole_body() -> None:
    order = [
        *(Handling.CONFLICT, Handling.HELD, Handling.DISPUTED, Handling.REFUNDED, Handling.PARKED, Handling.PENDING),
        *(Handling.DECLINED, Handling.RECORDED, Handling.DUPLICATE, Handling.IGNORED),
    ]
    assert set(order) == set(Handling)
    for place, worst in enumerate(order):
        assert Received(tuple(reversed(order[place:]))).handling is worst
    assert Received(()).handling is Handling.IGNORED


# Providers that sign nothing
def notice(body: bytes = b"id=tr_1001", **headers: str) -> WebhookRequest:
    return WebhookRequest({"content-type": "application/x-www-form-urlencoded"} | headers, body)


def waiting_for_mollie(**changes: Any) -> Setup:
    setup = Setup(MemorySecrets(AssertionError("Mollie has no signing secret")), "mollie")
    payment = Correlation("pay", "tr_1001", Decimal("250.00"), "EUR")
    setup.ledger.open(any_payment_task(correlation=payment, **changes), (AuditEvent("opened", "payment"),), NOW)
    return setup


def test_a_notice_asks_the_provider_for_a_waiting_payment_at_most_once_in_thirty_seconds() -> None:
    setup = waiting_for_mollie()
    for seconds, asked in ((0, True), (0, False), (29.9, False), (30, True), (59, False)):
        setup.clock.moment = later(seconds)
        assert setup.receive(notice()) == Received((), asks=asked), seconds
    assert setup.api.started == [("pay", "tr_1001")] * 2


@pytest.mark.parametrize(
    "request_",
    [
        *(notice(b"id=tr_1002"), notice(b"id=tr_1001%0d%0aX-Other:%201"), notice(b"id=tr_1001/../../orders")),
        *(notice(b"id=pay_1001"), notice(b"id=" + b"tr_" + b"1" * 200), notice(b"ID=tr_1001"), notice(b"")),
        notice(b"\xff\xfe"),
        WebhookRequest({"content-type": "application/json"}, b'{"id":"tr_1001","status":"paid"}'),
        notice(b"status=paid"),
    ],
    ids=repr,
)
def test_any_other_notice_is_answered_like_one_that_asks_and_does_nothing(request_: WebhookRequest) -> None:
    setup = waiting_for_mollie()
    received = setup.receive(request_)
    assert (received.handling, received.asks, setup.api.started) == (Handling.IGNORED, False, [])
    assert setup.ledger.looks == {}
    setup.assert_nothing_recorded()


def test_a_notice_about_a_payment_that_waits_no_more_does_nothing() -> None:
    for setup, now in (
        (waiting_for_mollie(), NOW + timedelta(days=2)),
        (waiting_for_mollie(status=Status.CANCELLED), NOW),
    ):
        setup.clock.moment = now
        assert not setup.receive(notice()).asks
        assert setup.ledger.looks == {}
