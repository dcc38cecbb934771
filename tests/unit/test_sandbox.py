"""The secrets of the embedded cloud's providers and the events of the sandbox, checked by our verifiers."""

import tomllib
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from countersign.domain.errors import SignatureError
from countersign.domain.provider_events import EventStatus
from countersign.providers.base import WebhookRequest, load
from local.demo.sandbox import PROVIDER, SCHEME, Event, Payment, signed
from local.providers import made_up
from tests import SETTINGS

PROVIDERS = tomllib.loads((SETTINGS / "local.toml").read_text())["providers"]
SCHEMES = {name: provider["scheme"] for name, provider in PROVIDERS.items()}
PAYMENT = Payment("pay-1", "12.50", "EUR")


@pytest.mark.parametrize("scheme", sorted(set(SCHEMES.values())))
def test_a_generated_secret_has_the_form_of_its_scheme(scheme: str) -> None:
    """Another form raises a SecretError."""
    with pytest.raises(SignatureError):
        load(scheme).verify(WebhookRequest({}, b"{}"), [made_up(scheme)], datetime.now(UTC))


def test_every_generated_secret_is_different() -> None:
    assert max(Counter(made_up(scheme) for scheme in SCHEMES.values() for _ in range(20)).values()) == 1


@pytest.mark.parametrize("says", ["pending", "declined", "paid", "failed", "refunded"])
def test_an_event_of_the_sandbox_is_read_with_its_status(says: str) -> None:
    secret, event = made_up(SCHEME), Event.of(PAYMENT, says, too_much=Decimal("0.50"))
    provider = load(SCHEMES[PROVIDER])
    verified = provider.verify(WebhookRequest(signed(event, secret), event.body), [secret], datetime.now(UTC))
    (taken,) = provider.translate(verified)
    assert (taken.event_id, taken.external_id) == (event.message_id, "pay-1")
    assert taken.status is EventStatus(says)
    assert (Decimal(taken.amount or 0), taken.currency) == (Decimal(13), "EUR")
    with pytest.raises(SignatureError):
        provider.verify(WebhookRequest(signed(event, made_up(SCHEME)), event.body), [secret], datetime.now(UTC))
