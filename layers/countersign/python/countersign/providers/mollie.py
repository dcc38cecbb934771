"""Mollie: payments.

https://docs.mollie.com/reference/webhooks
https://docs.mollie.com/reference/get-payment
https://docs.mollie.com/docs/status-change

Mollie signs nothing: it posts `id=tr_…`, and expects that the payment is read by its API. The API key belongs to one
profile, and to live or test mode. `amountRefunded` and `amountChargedBack` leave the status at `paid`.
"""

from countersign.domain.provider_events import EventStatus, ProviderEvent
from countersign.providers.base import AS_BY_DEFAULT, Expected, Unsigned
from countersign.providers.documents import Document

_STATUSES = {
    "paid": EventStatus.PAID,
    "failed": EventStatus.FAILED,
    "canceled": EventStatus.FAILED,
    "expired": EventStatus.EXPIRED,
    **dict.fromkeys(("open", "pending", "authorized"), EventStatus.PENDING),
}
_NOTHING = (None, "0.00", "0")
_REVERSALS = {"/amountRefunded": EventStatus.REFUNDED, "/amountChargedBack": EventStatus.DISPUTED}


class Mollie(Unsigned):
    """Mollie's payments; the external id is the payment's."""

    content_type = "application/x-www-form-urlencoded"
    settings = frozenset({"live", "account"})
    host = "api.mollie.com"
    path = "/v2/payments/{}"
    ids = r"tr_[A-Za-z0-9]{1,100}"

    def named(self, body: bytes) -> str:
        """Return the field `id` of a form."""
        from urllib.parse import parse_qs

        return parse_qs(body.decode("ascii", "replace")).get("id", [""])[0]

    def answer(self, said: Document, expected: Expected = AS_BY_DEFAULT) -> tuple[ProviderEvent, ...]:
        """Read a payment, with its refunds and chargebacks so far."""
        status = _STATUSES.get(said.text("/status"), EventStatus.UNKNOWN)
        told = {pointer: each for pointer, each in _REVERSALS.items() if said.find(f"{pointer}/value") not in _NOTHING}
        events = (_event(said, pointer, each) for pointer, each in {**told, "/amount": status}.items())
        live, profile = said.text("/mode") == "live", said.text("/profileId")
        return tuple(expected.judge(event, live=live, account=profile) for event in events)


def _event(said: Document, pointer: str, status: EventStatus) -> ProviderEvent:
    currency = said.currency(f"{pointer}/currency")
    amount, refunded = said.amount(f"{pointer}/value", currency), status is EventStatus.REFUNDED
    return ProviderEvent("", said.text("/id"), status, amount, currency, said.moment("/paidAt"), cumulative=refunded)


PROVIDER = Mollie()
