"""How each callback pattern goes on the embedded cloud: what it is asked, what is answered, and how it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from local.demo.machines import Call

DEADLINE_SECONDS = 600
_SHORT_SECONDS = 3

Reply = tuple[Call, ...]
"""What is said to one hand-off, in order."""

WAYS = ("happy", "failure", "timeout")
"""How a pattern may go."""


@dataclass(frozen=True)
class Script:
    """One way that a pattern goes.

    Attributes:
        input: What it is started with.
        result: What it returns, all of it.
        replies: What is said to the hand-offs of each kind, to the first, the second and so on; nothing to others.
        reviewer: Who approves by the link in a mail; nobody if empty.
    """

    input: Mapping[str, Any]
    result: Mapping[str, Any]
    replies: Mapping[str, tuple[Reply, ...]] = field(default_factory=dict)
    reviewer: str = ""


def succeed(answered: int = HTTPStatus.OK, /, **document: Any) -> Call:
    """Return an answer."""
    return Call("succeed", document, answered)


def fail(code: str) -> Call:
    """Return that a machine cannot answer."""
    return Call("fail", {"code": code, "message": "the demo has it so"})


def _silent(document: Mapping[str, Any], result: Mapping[str, Any]) -> Script:
    """Return the script in which nobody answers."""
    return Script({**document, "deadline_seconds": _SHORT_SECONDS}, result)


_DATA: Mapping[str, Any] = {"data": {"query": "rates"}}
_RATES: Mapping[str, Any] = {"rate": "1.0842"}
_USER: Mapping[str, Any] = {"user_id": "u-1042"}
_ORDER: Mapping[str, Any] = {"order_id": "A-1042"}
_USER_DATA: Mapping[str, Any] = {"name": "Rita", "city": "unknown"}
_ENRICHED: Mapping[str, Any] = {"city": "Bonn", "processed_at": "2026-02-01T10:00:00Z"}
_NOT_ENRICHED: Mapping[str, Any] = {"original": _USER_DATA, "enriched": None, "timestamp": None}
_REVIEWER = "reviewer@example.com"
_REVIEWED: Mapping[str, Any] = {**_USER, "reviewers": [_REVIEWER]}
_CUSTOMER: Mapping[str, Any] = {"customer_id": "c-1042"}
_TRANSACTION: Mapping[str, Any] = {**_CUSTOMER, "transaction": {"amount": "1249.90", "currency": "EUR"}}
_CONTACT: Mapping[str, Any] = {**_USER, "email": "rita@example.com", "phone": "+49 30 901820"}
_JOB: Mapping[str, Any] = {"job": {"render": "trailer"}, "heartbeat_seconds": 60}
_GIVEN: Mapping[str, Any] = {"email": "rita@example.com", "date_of_birth": "1990-01-31"}
_UNDECIDED: Mapping[str, Any] = {"decided_by": None}


def _document(kind: str) -> dict[str, str]:
    return {"document_type": kind, "file_url": f"https://files.example.com/{kind}.pdf", "uploaded_by": "rita"}


_DOCUMENTS = {kind: _document(kind) for kind in ("identity", "proof_of_address", "bank_statement")}
_OLD_STATEMENT = {**_document("bank_statement"), "file_url": "https://files.example.com/last-year.pdf"}


def _by_a_plain_lambda(more: Mapping[str, Any]) -> Mapping[str, Script]:
    """Return the scripts of a pattern whose answer comes from a Lambda: the order's id says which."""

    def script(order_id: str, result: Mapping[str, Any], seconds: int = DEADLINE_SECONDS) -> Script:
        return Script({"order_id": order_id, "deadline_seconds": seconds}, {"order_id": order_id, **result})

    return {
        "happy": script("A-1042", {"status": "approved", "decided_by": "decider", **more}),
        "failure": script("unknown-1042", {"status": "failed", **_UNDECIDED}),
        "timeout": script("silent-1042", {"status": "expired", **_UNDECIDED}, _SHORT_SECONDS),
    }


SCRIPTS: Mapping[str, Mapping[str, Script]] = {
    "data-enrichment": {
        "happy": Script(
            {"user_data": _USER_DATA},
            {
                "status": "enriched",
                "original": _USER_DATA,
                "enriched": _ENRICHED,
                "timestamp": _ENRICHED["processed_at"],
            },
            {"enrichment.requested": ((succeed(**_ENRICHED),),)},
        ),
        "failure": Script(
            {"user_data": _USER_DATA},
            {"status": "failed", **_NOT_ENRICHED},
            {"enrichment.requested": ((fail("NotFound"),),)},
        ),
        "timeout": _silent({"user_data": _USER_DATA}, {"status": "expired", **_NOT_ENRICHED}),
    },
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
            {
                "credit_check.requested": ((fail("Down"),),),
                "fraud_check.requested": ((succeed(risk_level="low"),),),
            },
        ),
        "timeout": _silent(_TRANSACTION, {"status": "declined", "credit_score": None, "fraud_risk": None}),
    },
    "retry-callback": {
        "happy": Script(
            _DATA,
            {"status": "completed", "attempts": 2, "result": _RATES},
            {"external_api.requested": ((fail("Busy"),), (succeed(**_RATES),))},
        ),
        "failure": Script(
            {**_DATA, "attempts": 2},
            {"status": "gave_up", "attempts": 2},
            {"external_api.requested": ((fail("Busy"),), (fail("Busy"),))},
        ),
        "timeout": Script({**_DATA, "attempts": 2, "wait_seconds": 1}, {"status": "gave_up", "attempts": 2}),
    },
    "conditional-results": {
        "happy": Script(
            _DATA,
            {"status": "partially_processed", "detail": {"type": "partial", "rows": 3}},
            {"conditional.requested": ((succeed(type="partial", rows=3),),)},
        ),
        "failure": Script(
            _DATA,
            {"status": "failed", "detail": {"code": "Broken", "message": "the demo has it so"}},
            {"conditional.requested": ((fail("Broken"),),)},
        ),
        "timeout": _silent(_DATA, {"status": "manual_review", "detail": {"reason": "no answer in time"}}),
    },
    "fallback-service": {
        "happy": Script(
            {**_DATA, "primary_seconds": _SHORT_SECONDS},
            {"status": "completed", "source": "fallback", "result": _RATES},
            {"fallback_service.requested": ((succeed(**_RATES),),)},
        ),
        "failure": Script(
            {**_DATA, "primary_seconds": 60},
            {"status": "failed", "source": None, "result": None},
            {
                "primary_service.requested": ((fail("Down"),),),
                "fallback_service.requested": ((fail("Down"),),),
            },
        ),
        "timeout": _silent({**_DATA, "primary_seconds": 60}, {"status": "expired", "source": None, "result": None}),
    },
    "document-collection": {
        "happy": Script(
            _USER,
            {"status": "complete", "documents": _DOCUMENTS},
            {
                "documents.requested": (
                    (
                        succeed(HTTPStatus.ACCEPTED, **_OLD_STATEMENT),
                        succeed(HTTPStatus.ACCEPTED, **_DOCUMENTS["bank_statement"]),
                        succeed(HTTPStatus.ACCEPTED, **_DOCUMENTS["identity"]),
                        succeed(**_DOCUMENTS["proof_of_address"]),
                    ),
                )
            },
        ),
        "failure": Script(
            _USER, {"status": "failed", "documents": {}}, {"documents.requested": ((fail("AccountClosed"),),)}
        ),
        "timeout": _silent(_USER, {"status": "expired", "documents": {}}),
    },
    "identity-verification": {
        "happy": Script(
            _REVIEWED,
            {"status": "verified", "score": 70, "reviewed_by": _REVIEWER},
            {
                "verification.requested": (
                    (succeed(verification_id="v-1", status="verified", score=70, flags=["new address"]),),
                )
            },
            reviewer=_REVIEWER,
        ),
        "failure": Script(
            _REVIEWED, {"status": "failed", "score": None}, {"verification.requested": ((fail("Unreadable"),),)}
        ),
        "timeout": _silent(_REVIEWED, {"status": "failed", "score": None}),
    },
    "contact-confirmation": {
        "happy": Script(
            _CONTACT,
            {"status": "confirmed", "channel": "phone"},
            {"phone_confirmation.requested": ((succeed(confirmed=True),),)},
        ),
        "failure": Script(
            _CONTACT,
            {"status": "bounced", "channel": "email"},
            {"email_confirmation.requested": ((fail("MailboxFull"),),)},
        ),
        "timeout": _silent(_CONTACT, {"status": "expired", "channel": None}),
    },
    "long-job": {
        "happy": Script(
            _JOB,
            {"status": "completed", "result": {"frames": 1440}},
            {"job.requested": ((Call("heartbeat"), succeed(frames=1440)),)},
        ),
        "failure": Script(
            {**_JOB, "heartbeat_seconds": _SHORT_SECONDS},
            {"status": "worker_lost"},
            {"job.requested": ((Call("heartbeat"),),)},
        ),
        "timeout": _silent(_JOB, {"status": "expired"}),
    },
    "two-lambdas": _by_a_plain_lambda({}),
    "split-callback": _by_a_plain_lambda({"counted": len(_ORDER["order_id"])}),
    "customer-input": {
        "happy": Script(
            _CUSTOMER,
            {"status": "received", "input": _GIVEN, "rejected_attempts": 1},
            {
                "customer_input.requested": (
                    (
                        succeed(HTTPStatus.UNPROCESSABLE_ENTITY, **{**_GIVEN, "date_of_birth": "2025-01-31"}),
                        succeed(**_GIVEN),
                    ),
                )
            },
        ),
        "failure": Script(
            _CUSTOMER,
            {"status": "failed", "input": None, "rejected_attempts": None},
            {"customer_input.requested": ((fail("Unreachable"),),)},
        ),
        "timeout": _silent(_CUSTOMER, {"status": "expired", "input": None, "rejected_attempts": None}),
    },
    "encrypted-payload": {
        "happy": Script(
            {"subject": "u-1042"},
            {"status": "received", "fields": ["account", "pin"]},
            {"secret.requested": ((succeed(pin="4711", account="DE02 1203 0000 0000 2020 51"),),)},
        ),
        "failure": Script(
            {"subject": "u-1042"},
            {"status": "failed", "fields": []},
            {"secret.requested": ((fail("Declined"),),)},
        ),
        "timeout": _silent({"subject": "u-1042"}, {"status": "expired", "fields": []}),
    },
}
"""The scripts of each pattern, by its name, and by the way that it goes."""
