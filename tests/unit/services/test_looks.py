"""Looks: the question to a provider's API, the checks of its answer, and what the answer does."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from countersign.domain import payments
from countersign.domain.answers import SIGNED, Sender
from countersign.domain.audit import AuditEvent
from countersign.domain.errors import LookFailedError, UnknownProviderError
from countersign.domain.provider_events import EventStatus, Handling
from countersign.domain.questions import Correlation
from countersign.domain.tasks import Status, Task
from countersign.services.looks import Looked, Looks
from countersign.services.provider_events import ProviderEvents
from countersign.services.webhooks import Source
from countersign.testing.builders import NOW, PAYMENT_TASK_ID, any_event, any_payment_task
from countersign.testing.fakes import FixedClock, MemoryLedger, MemoryProviderApi

INTENT = "pi_1001"
PATH = f"/v1/payment_intents/{INTENT}?expand%5B%5D=latest_charge"


def any_intent(**changes: Any) -> dict[str, Any]:
    intent = {"id": INTENT, "amount": 25000, "currency": "eur", "livemode": True, "latest_charge": None}
    return intent | {"status": "succeeded", "amount_received": 25000} | changes


LINK = {"reference": INTENT, "status": "completed", "amount": {"currency": "EUR", "value": 25000}}


def looked(status: str, handling: str, reason: str = "") -> Looked:
    return Looked(EventStatus(status), Handling(handling), reason)


class Keys:
    """API keys: the cached ones, and the current ones."""

    def __init__(self, *active: str, fresh: Sequence[str] | None = None) -> None:
        self._active, self._fresh = active, fresh

    def active(self, name: str) -> Sequence[str]:
        assert name == "pay"
        return self._active

    def reread(self, name: str) -> Sequence[str] | None:
        assert name == "pay"
        return self._fresh


class Setup:
    """A stage with one payment at Stripe, and Stripe's API."""

    def __init__(self, answer: Any = None, keys: Keys | None = None, **source: Any) -> None:
        self.api = MemoryProviderApi({PATH: any_intent() if answer is None else answer})
        self.ledger, self.clock = MemoryLedger(), FixedClock(NOW)
        self.events = ProviderEvents(self.ledger, self.clock)
        named = {"pay": Source.of({"scheme": "stripe", **source})}
        self.looks = Looks(named, keys or Keys("rk_live_1"), self.api, self.events)
        task = any_payment_task(correlation=Correlation("pay", INTENT, Decimal("250.00"), "EUR"))
        self.ledger.open(task, (AuditEvent("opened", "payment"),), NOW)

    def look(self, external_id: str = INTENT, name: str = "pay", lookup_id: str = "") -> Looked:
        return self.looks.look(name, external_id, lookup_id)

    def receive(self, payment_id: str) -> Handling:
        """Receive an authorisation."""
        event = any_event("paid", f"{payment_id}:AUTHORISATION:true", external_id=INTENT, payment_id=payment_id)
        return self.events.receive(event, payment_id, Sender("pay", SIGNED))

    @property
    def task(self) -> Task:
        return self.ledger.standing[PAYMENT_TASK_ID]

    def failure(self, external_id: str = INTENT, lookup_id: str = "") -> str:
        with pytest.raises(LookFailedError) as error:
            self.look(external_id, lookup_id=lookup_id)
        assert (self.task.status, self.ledger.event_records) == (Status.OPEN, {}), "nothing is recorded"
        return error.value.reason


def test_a_paid_answer_decides_the_task_like_the_providers_own_event_and_once() -> None:
    setup = Setup()
    assert setup.look() == looked("paid", "recorded")
    assert (setup.task.status, setup.task.decided_by) == (Status.DECIDED, ("pay",))
    assert {entry.event.identified_by for entry in setup.ledger.audit(PAYMENT_TASK_ID)[1:]} == {"provider API"}
    assert list(setup.ledger.event_records) == [("pay", f"look:{INTENT}:paid")]
    assert setup.look() == looked("paid", "duplicate")
    ((url, headers, body), _) = setup.api.asked
    assert (url, body, headers["Authorization"]) == (f"api.stripe.com{PATH}", None, "Bearer rk_live_1")
    assert "Stripe-Account" not in headers


def test_each_further_refund_that_an_answer_reports_counts_and_a_repeated_answer_does_not() -> None:
    """Each refund raises the total; the status stays. Mollie posts no refunds, so only its answers report them."""
    setup, handlings = Setup(), []
    for total in (0, 5000, 12500, 12500):
        said = any_intent(latest_charge={"amount_refunded": total, "disputed": False})
        setup.api.answers[PATH] = said
        handlings.append(setup.look().handling)
    assert payments.refunded(setup.task) == Decimal("125.00")
    assert handlings[1:] == [Handling.DUPLICATE] * 3, "the payment itself is still paid"


@pytest.mark.parametrize("status", ["processing", "canceled", "requires_payment_method", "requires_action"])
def test_an_answer_that_is_not_paid_never_decides(status: str) -> None:
    setup = Setup(any_intent(status=status))
    assert setup.look().handling == "ignored"
    assert (setup.task.status, setup.task.audit_seq, setup.ledger.event_records) == (Status.OPEN, 1, {})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"amount_received": 24999}, looked("paid", "held")),
        ({"currency": "usd"}, looked("paid", "held")),
        ({"livemode": False}, looked("ignored", "ignored", "test_mode")),
        ({"livemode": None}, looked("ignored", "ignored", "test_mode")),
        ({"status": "something_new"}, looked("unknown", "held")),
        ({"latest_charge": {"amount_refunded": 100, "disputed": False}}, looked("paid", "held")),
        ({"latest_charge": {"amount_refunded": 0, "disputed": True}}, looked("paid", "held")),
    ],
)
def test_an_answer_of_other_money_mode_or_reversal_decides_nothing(changes: dict[str, Any], expected: Looked) -> None:
    setup = Setup(any_intent(**changes))
    assert (setup.look(), setup.task.status) == (expected, Status.OPEN)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (any_intent(id="pi_1002"), "other_payment"),
        (any_intent(id=None), "unreadable"),
        (any_intent(currency="EURO"), "unreadable"),
        (any_intent(amount_received="25000"), "unreadable"),
        (any_intent(amount_received=25000.0), "unreadable"),
        (b"<!doctype html><p>Maintenance</p>", "unreadable"),
        (b"", "unreadable"),
        (b"[]", "unreadable"),
        (b'{"id":"pi_1001","id":"pi_1001"}', "unreadable"),
        *((LookFailedError(reason), reason) for reason in ("slow", "down", "redirecting", "too_large", "denied")),
    ],
)
def test_an_answer_about_something_else_or_none_fails_the_look_and_records_nothing(answer: Any, reason: str) -> None:
    assert Setup(answer).failure() == reason


@pytest.mark.parametrize(
    "external_id",
    [
        *("", "pi_", "pi_../refunds", "pi_1/../x", "pi_1\r\nHost: evil", "pi_1\n", "pi_%2e", "pi_１", "tr_1"),
        "pi_" + "x" * 101,
    ],
)
def test_an_id_that_the_api_cannot_know_is_not_asked_for(external_id: str) -> None:
    setup = Setup()
    assert (setup.failure(external_id), setup.api.asked) == ("unaskable", [])


def at_adyen(**changes: Any) -> Setup:
    setup = Setup(scheme="adyen", live=False)
    setup.api.answers = {"/v71/paymentLinks/PL1001": LINK | changes}
    return setup


@pytest.mark.parametrize(
    "lookup_id",
    ["", "PL", "pl1001", "PL1/../x", "PL..", "PL1%2e", "PL1 1", "PL1\n", "PL１", "PLÄ", "PL" + "1" * 300],
)
def test_a_lookup_id_that_the_api_cannot_know_is_not_asked_for(lookup_id: str) -> None:
    setup = at_adyen()
    assert (setup.failure(lookup_id=lookup_id), setup.api.asked) == ("unaskable", [])


def test_a_link_of_another_payment_or_of_other_money_decides_nothing() -> None:
    assert at_adyen(reference="order-1002").failure(lookup_id="PL1001") == "other_payment"
    assert at_adyen().failure(lookup_id="PL1002") == "not_found", "as one of the other mode, which has another host"
    for amount in ({"currency": "EUR", "value": 24999}, {"currency": "USD", "value": 25000}):
        setup = at_adyen(amount=amount)
        assert (setup.look(lookup_id="PL1001"), setup.task.status) == (looked("paid", "held"), Status.OPEN)


@pytest.mark.parametrize("order", sorted(set(permutations(("link", "link", "8515", "8515")))))
def test_a_completed_link_and_its_authorisation_are_one_payment_in_any_order(order: tuple[str, ...]) -> None:
    setup = at_adyen()
    came = [setup.look(lookup_id="PL1001").handling if each == "link" else setup.receive(each) for each in order]
    assert sorted(came) == ["duplicate", "duplicate", "recorded", "recorded"]
    assert (setup.task.status, setup.task.payment_id) == (Status.DECIDED, "8515")
    assert setup.api.asked[0][1]["X-API-Key"] == "rk_live_1"
    assert setup.receive("8516") is Handling.HELD, "a second payment is told as such"
    assert setup.task.payment_id == "8515"


@pytest.mark.parametrize("scheme", ["stripe", "github"])
def test_a_provider_that_the_stage_does_not_ask_is_unknown(scheme: str) -> None:
    setup = Setup(scheme=scheme)
    with pytest.raises(UnknownProviderError):
        setup.look(name="other" if scheme == "stripe" else "pay")


def test_a_connected_account_is_named_in_the_question() -> None:
    setup = Setup(accounts={"account": "acct_1"})
    assert (setup.look(), setup.api.asked[0][1]["Stripe-Account"]) == (looked("paid", "recorded"), "acct_1")


@pytest.mark.parametrize("key", ["rk_1\r\nX: y", "rk 1", "ré"])
def test_a_key_that_no_header_takes_is_not_used(key: str) -> None:
    setup = Setup(keys=Keys(key))
    assert (setup.failure(), setup.api.asked) == ("no_key", [])


@pytest.mark.parametrize(("fresh", "calls"), [(["rk_2"], 2), (["rk_1"], 1), (None, 1)])
def test_a_denied_key_is_read_again_once(fresh: list[str] | None, calls: int) -> None:
    setup = Setup(LookFailedError("denied"), Keys("rk_1", fresh=fresh))
    assert setup.failure() == "denied"
    assert [headers["Authorization"] for _, headers, _ in setup.api.asked] == ["Bearer rk_1", "Bearer rk_2"][:calls]
