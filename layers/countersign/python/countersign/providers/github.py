"""GitHub: check runs.

https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
https://docs.github.com/en/webhooks/webhook-events-and-payloads#check_run

Header: `X-Hub-Signature-256: sha256=<hex>` of an HMAC-SHA256 over the raw body. `X-GitHub-Delivery`, the id, and
`X-GitHub-Event`, the type, are not signed. So the type is read from the body, where only a check run has `check_run`,
and the event's id is the digest of the body, so that a body sent again under another id is a duplicate. No time is
signed either. The external id is the check run's own `external_id`; a check run without one is ignored.

One secret signs for every repository of an organisation's webhook, and everybody who may write checks in one of them
chooses external ids: `repository` (`owner/name`) and `app` (the id of the GitHub App) limit whose check runs act.
"""

from collections.abc import Sequence
from datetime import datetime

from countersign.domain.provider_events import EventStatus, ProviderEvent
from countersign.providers import signatures
from countersign.providers.base import AS_BY_DEFAULT, Expected, Provider, Verified, WebhookRequest
from countersign.providers.documents import Document

_ACTIONS = ("created", "completed")
"""The other actions request something, and repeat the earlier state of the check run."""

_CONCLUSIONS = {
    "success": EventStatus.PAID,
    "failure": EventStatus.FAILED,
    "cancelled": EventStatus.FAILED,
    "startup_failure": EventStatus.FAILED,
    "timed_out": EventStatus.EXPIRED,
    "stale": EventStatus.EXPIRED,
    "action_required": EventStatus.PENDING,
}
"""`neutral` and `skipped` are unknown on purpose: nothing was checked, so a person must decide."""


class GitHub(Provider):
    """GitHub's check runs; a successful one is `paid`. They have no amount."""

    settings = frozenset({"repository", "app"})

    def verify(self, request: WebhookRequest, secrets: Sequence[str], now: datetime) -> Verified:  # noqa: ARG002  no time is signed
        """Verify the signature."""
        keys = signatures.keys(secrets)
        expected = [f"sha256={signatures.in_hex(key, request.body)}" for key in keys]
        signatures.require_match([request.header("x-hub-signature-256")], expected)
        return Verified(request.body)

    def translate(self, verified: Verified, expected: Expected = AS_BY_DEFAULT) -> tuple[ProviderEvent, ...]:
        """Read one check run."""
        event = Document.read(verified.body)
        if event.find("/action") not in _ACTIONS or not event.find("/check_run/external_id"):
            return ()
        said = ProviderEvent(
            event_id=verified.digest,
            external_id=event.text("/check_run/external_id"),
            status=_status(event),
            occurred_at=event.moment("/check_run/completed_at") or event.moment("/check_run/started_at"),
            reason=event.note("/check_run/conclusion"),
        )
        repository, app = event.find("/repository/full_name"), str(event.find("/check_run/app/id"))
        return (expected.judge(said, repository=repository, app=app),)


def _status(event: Document) -> EventStatus:
    if event.text("/check_run/status") != "completed":
        return EventStatus.PENDING
    return _CONCLUSIONS.get(event.text("/check_run/conclusion"), EventStatus.UNKNOWN)


PROVIDER = GitHub()
