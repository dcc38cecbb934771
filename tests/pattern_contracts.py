"""Inputs and answers of the patterns: a sample of each, what else their contracts take, and what they refuse, where."""

from typing import Any

Changes = dict[str, Any]
Refusal = tuple[Changes, str]

LARGE = "x" * 64_001
"""Larger, with what is around it, than an input of any form may be."""

SAMPLES: dict[str, dict[str, Any]] = {
    "conditional-results.input": {"data": {"batch": 7}},
    "contact-confirmation.input": {"user_id": "u-1", "email": "ana@example.com", "phone": "+49 228 1"},
    "contact-confirmation.confirmation": {"confirmed": True},
    "customer-input.input": {"customer_id": "c-1"},
    "customer-input.answer": {"email": "ana@example.com", "date_of_birth": "1990-01-31"},
    "data-enrichment.input": {"user_data": {"name": "Ana"}},
    "document-collection.input": {"user_id": "u-1"},
    "document-collection.documents": {"document_type": "identity", "file_url": "s3://files/1", "uploaded_by": "u-1"},
    "encrypted-payload.input": {"subject": "u-1"},
    "fallback-service.input": {"data": [1], "primary_seconds": 30},
    "identity-verification.input": {"user_id": "u-1", "reviewers": ["maria@example.com"]},
    "identity-verification.verification": {"verification_id": "v-1", "status": "verified", "score": 91, "flags": []},
    "long-job.input": {"job": {"frames": 24}, "heartbeat_seconds": 60},
    "parallel-checks.input": {"customer_id": "c-1", "transaction": {"amount": "12.50"}},
    "parallel-checks.credit_check": {"score": 700},
    "parallel-checks.fraud_check": {"risk_level": "low"},
    "retry-callback.input": {"data": 1},
    "split-callback.input": {"order_id": "1001"},
    "two-lambdas.input": {"order_id": "1001"},
}

_ANSWERS = {"confirmation", "answer", "documents", "verification", "credit_check", "fraud_check"}


def _is_answer(name: str) -> bool:
    return name.rpartition(".")[2] in _ANSWERS


_TAKEN: dict[str, list[Changes]] = {
    "conditional-results.input": [{"data": None}, {"data": 0}, {"data": []}, {"data": {"a": [{}]}}],
    "contact-confirmation.confirmation": [{"confirmed": False}],
    "customer-input.answer": [{"date_of_birth": "1904-02-29"}],
    "data-enrichment.input": [{"user_data": {}}, {"user_data": {"about": "x" * 63_000}}],
    "document-collection.input": [{"required": ["passport"]}, {"required": [f"kind_{n}" for n in range(20)]}],
    "document-collection.documents": [{"document_type": "x" * 64}],
    "fallback-service.input": [{"primary_seconds": 1}, {"primary_seconds": 31_536_000}],
    "identity-verification.input": [{"reviewers": [f"p{number}@example.com" for number in range(20)]}],
    "identity-verification.verification": [{"score": 0}, {"score": 99.5}, {"flags": ["new", "abroad"]}],
    "long-job.input": [{"job": None}, {"heartbeat_seconds": 1}, {"heartbeat_seconds": 86_400}],
    "parallel-checks.credit_check": [{"score": -1}, {"score": 650.5}],
    "parallel-checks.fraud_check": [{"risk_level": "very high"}],
    "retry-callback.input": [{"attempts": 1}, {"attempts": 20, "wait_seconds": 1}],
}


def wrong(member: str, *values: Any) -> list[Refusal]:
    """Return a case for each of these values, which the contract refuses at the member."""
    return [({member: value}, f"/{member}") for value in values]


_REFUSED: dict[str, list[Refusal]] = {
    "conditional-results.input": [({"data": LARGE}, "")],
    "contact-confirmation.input": [*wrong("user_id", ""), *wrong("email", "ana"), *wrong("phone", "", "1" * 33)],
    "contact-confirmation.confirmation": wrong("confirmed", "yes", 1, None),
    "customer-input.input": wrong("customer_id", "x" * 129, 1),
    "customer-input.answer": [
        *wrong("email", "ana@"),
        *wrong("date_of_birth", "31.01.1990", "1990-02-30", "1990-1-31", "1990-01-31\n"),
        *wrong("date_of_birth", "2999-01-01", "2024-02-29", 1990),
    ],
    "data-enrichment.input": [*wrong("user_data", []), ({"user_data": {"about": LARGE}}, "")],
    "document-collection.input": [
        *wrong("user_id", None),
        *wrong("required", [], ["passport", "passport"], [f"kind_{n}" for n in range(21)]),
        ({"required": ["Passport"]}, "/required/0"),
        ({"required": ["passport", "a b"]}, "/required/1"),
    ],
    "document-collection.documents": [
        *wrong("document_type", "", "x" * 65),
        *wrong("file_url", "x" * 2049),
        *wrong("uploaded_by", None),
    ],
    "encrypted-payload.input": wrong("subject", "", {}),
    "fallback-service.input": [*wrong("primary_seconds", 0, "30"), ({"data": LARGE}, "")],
    "identity-verification.input": [
        *wrong("reviewers", [], ["maria@example.com"] * 2, [f"p{number}@example.com" for number in range(21)]),
        ({"reviewers": ["maria"]}, "/reviewers/0"),
    ],
    "identity-verification.verification": [
        *wrong("verification_id", ""),
        *wrong("status", None),
        *wrong("score", "91", True, 101, -1),
        *wrong("flags", "new", ["x"] * 101),
        ({"flags": [1]}, "/flags/0"),
    ],
    "long-job.input": [*wrong("heartbeat_seconds", 0, 86_401), ({"job": LARGE}, "")],
    "parallel-checks.input": [*wrong("transaction", "12.50"), ({"transaction": {"note": LARGE}}, "")],
    "parallel-checks.credit_check": wrong("score", "700", None),
    "parallel-checks.fraud_check": wrong("risk_level", "", 1),
    "retry-callback.input": [*wrong("attempts", 0, 21, 2.0), *wrong("wait_seconds", 0), ({"data": LARGE}, "")],
    "split-callback.input": wrong("order_id", "", 1001),
    "two-lambdas.input": wrong("order_id", "", "x" * 129),
}


def valid(name: str) -> list[Changes]:
    """Return what a contract takes: answers more than they need, inputs every deadline that there is."""
    more = [{"more": 1}] if _is_answer(name) else [{"deadline_seconds": 1}, {"deadline_seconds": 31_536_000}]
    return [*_TAKEN.get(name, []), *more]


def invalid(name: str, absent: object) -> list[Refusal]:
    """Return what a contract refuses, and where: without any member, and inputs with others or no sound deadline."""
    missing = [case for member in SAMPLES[name] for case in wrong(member, absent)]
    deadlines = wrong("deadline_seconds", 0, 31_536_001, "60", 1.5, True, None)
    return [*_REFUSED.get(name, []), *missing, *([] if _is_answer(name) else [*deadlines, ({"extra": 1}, "")])]
