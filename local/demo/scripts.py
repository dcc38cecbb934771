"""Scripts of the callback patterns: the input, the answers of the machines, and the result.

The demo plays these scripts on the embedded cloud; tests and `benchmarks.patterns` play them on AWS's local runner.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

DEADLINE_SECONDS = 600
_SHORT_SECONDS = 3

WAYS = ("happy", "failure", "timeout")
"""The scripts of each pattern."""


@dataclass(frozen=True)
class Call:
    """A machine's POST to `/callbacks/<said>`.

    Attributes:
        said: `succeed`, `fail` or `heartbeat`.
        document: The body; None for an empty one.
        answered: The expected status of the response.
    """

    said: str
    document: Mapping[str, Any] | None = None
    answered: int = HTTPStatus.OK

    def __str__(self) -> str:
        return f"{self.said} {json.dumps(self.document)}" if self.document else self.said


Reply = tuple[Call, ...]
"""The calls of a machine for one hand-off, in order."""


@dataclass(frozen=True)
class Script:
    """One execution of a pattern.

    Attributes:
        input: Its input.
        result: Its whole result.
        replies: The replies to the hand-offs of each kind, in order. Further hand-offs get none.
        reviewer: Address of the person who approves by the link in a mail; empty without one.
    """

    input: Mapping[str, Any]
    result: Mapping[str, Any]
    replies: Mapping[str, tuple[Reply, ...]] = field(default_factory=dict)
    reviewer: str = ""

    def reply(self, kind: str, number: int) -> Reply:
        """Return the reply to a hand-off of a kind, counted from 0."""
        replies = self.replies.get(kind, ())
        return replies[number] if number < len(replies) else ()


def succeed(answered: int = HTTPStatus.OK, /, **document: Any) -> Call:
    """Return the call of a successful answer."""
    return Call("succeed", document, answered)


_FAILURE = {"code": "Down", "message": "The service is down."}
_FAIL = Call("fail", _FAILURE)


def _asking(
    kind: str, document: Mapping[str, Any], reply: Reply, *results: Mapping[str, Any], reviewer: str = ""
) -> Mapping[str, Script]:
    """Return the scripts of a pattern that asks one machine, with the result of each way."""
    happy, failure, timeout = results
    return {
        "happy": Script(document, happy, {kind: (reply,)}, reviewer),
        "failure": Script(document, failure, {kind: ((_FAIL,),)}),
        "timeout": _silent(document, timeout),
    }


def _silent(document: Mapping[str, Any], result: Mapping[str, Any]) -> Script:
    """Return the script in which no machine answers."""
    return Script({**document, "deadline_seconds": _SHORT_SECONDS}, result)


def _deciding(more: Mapping[str, Any]) -> Mapping[str, Script]:
    """Return the scripts of a pattern that a plain Lambda answers; its answer depends on the order's id."""

    def script(order_id: str, result: Mapping[str, Any], seconds: int = DEADLINE_SECONDS) -> Script:
        return Script({"order_id": order_id, "deadline_seconds": seconds}, {"order_id": order_id, **result})

    return {
        "happy": script("A-1042", {"status": "approved", "decided_by": "decider", **more}),
        "failure": script("unknown-1042", {"status": "failed", "decided_by": None}),
        "timeout": script("silent-1042", {"status": "expired", "decided_by": None}, _SHORT_SECONDS),
    }


def _document(kind: str) -> dict[str, str]:
    return {"document_type": kind, "file_url": f"https://files.example.com/{kind}.pdf", "uploaded_by": "rita"}


REQUESTER = "rita@example.com"
APPROVER = "maria@example.com"
ORDER: Mapping[str, Any] = {
    "order_id": "A-1042",
    "amount": "1249.90",
    "currency": "EUR",
    "description": "Twelve office chairs",
    "requester": REQUESTER,
    "approvers": [APPROVER],
}
"""The input of `order-approval`."""

QUESTION: Mapping[str, Any] = {
    "title": "Publish the press release of 1 March?",
    "rows": [{"label": "Audience", "value": "Everybody who reads our news page"}],
    "requester": REQUESTER,
    "on_behalf_of": "Press office",
    "approvers": [APPROVER],
}
"""The input of `approval`."""

PAYMENT: Mapping[str, Any] = {"order_id": "A-1042", "provider": "sandbox", "amount": "1249.90", "currency": "EUR"}
"""The input of `payment`, without the external id."""

REFUND: Mapping[str, Any] = {
    "order_id": "A-1042",
    "amount": "104.16",
    "currency": "EUR",
    "reason": "One chair arrived broken.",
    "requester": REQUESTER,
    "approvers": [APPROVER],
}
"""The input of `refund`, without the request that was paid."""

_REVIEWER = "reviewer@example.com"
_DATA: Mapping[str, Any] = {"data": {"query": "rates"}}
_PRIMARY: Mapping[str, Any] = {**_DATA, "primary_seconds": 300}
_RATES: Mapping[str, Any] = {"rate": "1.0842"}
_CUSTOMER: Mapping[str, Any] = {"customer_id": "c-1042"}
_USER_DATA: Mapping[str, Any] = {"name": "Rita", "city": "unknown"}
_NOT_ENRICHED: Mapping[str, Any] = {"original": _USER_DATA, "enriched": None, "timestamp": None}
_ENRICHED: Mapping[str, Any] = {"city": "Bonn", "processed_at": "2026-02-01T10:00:00Z"}
_TRANSACTION: Mapping[str, Any] = {**_CUSTOMER, "transaction": {"amount": "1249.90", "currency": "EUR"}}
_CONTACT: Mapping[str, Any] = {"user_id": "u-1042", "email": REQUESTER, "phone": "+49 30 901820"}
_JOB: Mapping[str, Any] = {"job": {"render": "trailer"}, "heartbeat_seconds": 60}
_GIVEN: Mapping[str, Any] = {"email": REQUESTER, "date_of_birth": "1990-01-31"}
_NOTHING_GIVEN: Mapping[str, Any] = {"input": None, "rejected_attempts": None}
_DOCUMENTS = {kind: _document(kind) for kind in ("identity", "proof_of_address", "bank_statement")}
_OLD_STATEMENT = {**_document("bank_statement"), "file_url": "https://files.example.com/last-year.pdf"}

SCRIPTS: Mapping[str, Mapping[str, Script]] = {
    "data-enrichment": _asking(
        "enrichment.requested",
        {"user_data": _USER_DATA},
        (succeed(**_ENRICHED),),
        {"status": "enriched", "original": _USER_DATA, "enriched": _ENRICHED, "timestamp": _ENRICHED["processed_at"]},
        {"status": "failed", **_NOT_ENRICHED},
        {"status": "expired", **_NOT_ENRICHED},
    ),
    "parallel-checks": {
        "happy": Script(
            _TRANSACTION,
            {"status": "approved", "credit_score": 700, "fraud_risk": "low"},
            {
                "credit_check.requested": ((succeed(score=700),),),
                "fraud_check.requested": ((succeed(risk_level="low"),),),
            },
        ),
        "failure": Script(
            _TRANSACTION,
            {"status": "declined", "credit_score": None, "fraud_risk": "low"},
            {"credit_check.requested": ((_FAIL,),), "fraud_check.requested": ((succeed(risk_level="low"),),)},
        ),
        "timeout": _silent(_TRANSACTION, {"status": "declined", "credit_score": None, "fraud_risk": None}),
    },
    "retry-callback": {
        "happy": Script(
            _DATA,
            {"status": "completed", "attempts": 2, "result": _RATES},
            {"external_api.requested": ((_FAIL,), (succeed(**_RATES),))},
        ),
        "failure": Script(
            {**_DATA, "attempts": 2},
            {"status": "gave_up", "attempts": 2},
            {"external_api.requested": ((_FAIL,), (_FAIL,))},
        ),
        "timeout": Script({**_DATA, "attempts": 2, "wait_seconds": 1}, {"status": "gave_up", "attempts": 2}),
    },
    "conditional-results": _asking(
        "conditional.requested",
        _DATA,
        (succeed(type="partial", rows=3),),
        {"status": "partially_processed", "detail": {"type": "partial", "rows": 3}},
        {"status": "failed", "detail": _FAILURE},
        {"status": "manual_review", "detail": {"reason": "no answer in time"}},
    ),
    "fallback-service": {
        "happy": Script(
            _PRIMARY,
            {"status": "completed", "source": "fallback", "result": _RATES},
            {"primary_service.requested": ((_FAIL,),), "fallback_service.requested": ((succeed(**_RATES),),)},
        ),
        "failure": Script(
            _PRIMARY,
            {"status": "failed", "source": None, "result": None},
            {"primary_service.requested": ((_FAIL,),), "fallback_service.requested": ((_FAIL,),)},
        ),
        "timeout": _silent(_PRIMARY, {"status": "expired", "source": None, "result": None}),
    },
    "document-collection": _asking(
        "documents.requested",
        {"user_id": "u-1042"},
        (
            succeed(HTTPStatus.ACCEPTED, **_OLD_STATEMENT),
            succeed(HTTPStatus.ACCEPTED, **_DOCUMENTS["bank_statement"]),
            succeed(HTTPStatus.ACCEPTED, **_DOCUMENTS["identity"]),
            succeed(**_DOCUMENTS["proof_of_address"]),
        ),
        {"status": "complete", "documents": _DOCUMENTS},
        {"status": "failed", "documents": {}},
        {"status": "expired", "documents": {}},
    ),
    "identity-verification": _asking(
        "verification.requested",
        {"user_id": "u-1042", "reviewers": [_REVIEWER]},
        (succeed(verification_id="v-1", status="verified", score=70, flags=["new address"]),),
        {"status": "verified", "score": 70, "reviewed_by": _REVIEWER},
        {"status": "failed", "score": None},
        {"status": "failed", "score": None},
        reviewer=_REVIEWER,
    ),
    "contact-confirmation": {
        "happy": Script(
            _CONTACT,
            {"status": "confirmed", "channel": "phone"},
            {"phone_confirmation.requested": ((succeed(confirmed=True),),)},
        ),
        "failure": Script(
            _CONTACT, {"status": "bounced", "channel": "email"}, {"email_confirmation.requested": ((_FAIL,),)}
        ),
        "timeout": _silent(_CONTACT, {"status": "expired", "channel": None}),
    },
    "long-job": {
        "happy": Script(
            _JOB,
            {"status": "completed", "result": {"frames": 1440}},
            {"job.requested": ((Call("heartbeat"), succeed(frames=1440)),)},
        ),
        "failure": Script({**_JOB, "heartbeat_seconds": _SHORT_SECONDS}, {"status": "worker_lost"}),
        "timeout": _silent(_JOB, {"status": "expired"}),
    },
    "two-lambdas": _deciding({}),
    "split-callback": _deciding({"counted": len("A-1042")}),
    "customer-input": _asking(
        "customer_input.requested",
        _CUSTOMER,
        (succeed(HTTPStatus.UNPROCESSABLE_ENTITY, **{**_GIVEN, "date_of_birth": "2025-01-31"}), succeed(**_GIVEN)),
        {"status": "received", "input": _GIVEN, "rejected_attempts": 1},
        {"status": "failed", **_NOTHING_GIVEN},
        {"status": "expired", **_NOTHING_GIVEN},
    ),
    "encrypted-payload": _asking(
        "secret.requested",
        {"subject": "u-1042"},
        (succeed(pin="4711", account="DE02 1203 0000 0000 2020 51"),),
        {"status": "received", "fields": ["account", "pin"]},
        {"status": "failed", "fields": []},
        {"status": "expired", "fields": []},
    ),
}
"""The scripts of each pattern, by its name and by `WAYS`."""
