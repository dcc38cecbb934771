"""Add a payment provider: verify its webhooks, and translate them into the kit's events.

    from countersign.providers import AS_BY_DEFAULT, ISO_4217, Document, EventStatus, Expected
    from countersign.providers import Provider, ProviderEvent, Verified, WebhookRequest, signatures

    class Acmepay(Provider):
        def verify(self, request: WebhookRequest, secrets: Sequence[str], now: datetime) -> Verified:
            expected = [signatures.in_hex(key, request.body) for key in signatures.keys(secrets)]
            signatures.require_match([request.header("acmepay-signature")], expected)
            return Verified(request.body)

        def translate(self, verified: Verified, expected: Expected = AS_BY_DEFAULT) -> tuple[ProviderEvent, ...]:
            event = Document.read(verified.body)
            currency = event.currency("/currency")
            amount = event.minor_units("/amount", currency, ISO_4217)
            paid = ProviderEvent(event.text("/id"), event.text("/payment"), EventStatus.PAID, amount, currency)
            return (expected.judge(paid),)

    PROVIDER = Acmepay()

A provider is one module with a `PROVIDER`, named for its scheme. The kit's modules are beside this file, a fork's are
in `extensions/providers`. No list names them: a function loads the modules of the schemes in its stage's settings.

A provider that is a `Look` can be asked for a payment whose webhook did not come. One that signs nothing is an
`Unsigned`: its webhooks only name the payment to ask for, as in `mollie.py`.

A fork's provider imports this module and the standard library. The kit's own import `base`, `documents` and
`signatures`, which import neither a provider nor this module.
"""

from countersign.domain.errors import ContractError, SecretError, SignatureError, VerifierUnavailableError
from countersign.domain.money import ISO_4217
from countersign.domain.provider_events import EventStatus, ProviderEvent
from countersign.providers import signatures
from countersign.providers.base import (
    AS_BY_DEFAULT,
    Call,
    Expected,
    Look,
    Provider,
    Unsigned,
    Verified,
    WebhookRequest,
)
from countersign.providers.documents import Document

__all__ = [
    "AS_BY_DEFAULT",
    "ISO_4217",
    "Call",
    "ContractError",
    "Document",
    "EventStatus",
    "Expected",
    "Look",
    "Provider",
    "ProviderEvent",
    "SecretError",
    "SignatureError",
    "Unsigned",
    "Verified",
    "VerifierUnavailableError",
    "WebhookRequest",
    "signatures",
]
