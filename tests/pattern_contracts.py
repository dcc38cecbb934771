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
    "document-collection.documents": {
        "document_type": "identity",
        "file_url": "s3://files/identity.pdf",
        "uploaded_by": "u-1",
    },
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

_REFUSED: dict[str, list[Refusal]] = {
    "conditional-results.input": [({"data": LARGE}, "")],
    "contact-confirmation.input": [
        ({"user_id": ""}, "/user_id"),
        ({"email": "ana"}, "/email"),
        ({"phone": ""}, "/phone"),
        ({"phone": "1" * 33}, "/phone"),
    ],
    "contact-confirmation.confirmation": [({"confirmed": value}, "/confirmed") for value in ("yes", 1, None)],
    "customer-input.input": [({"customer_id": "x" * 129}, "/customer_id"), ({"customer_id": 1}, "/customer_id")],
    "customer-input.answer": [
        ({"email": "ana@"}, "/email"),
        *(
            ({"date_of_birth": date}, "/date_of_birth")
            for date in ("31.01.1990", "1990-02-30", "1990-1-31", "1990-01-31\n", "2999-01-01", "2024-02-29", 1990)
        ),
    ],
    "data-enrichment.input": [({"user_data": []}, "/user_data"), ({"user_data": {"about": LARGE}}, "")],
    "document-collection.input": [
        ({"user_id": None}, "/user_id"),
        ({"required": []}, "/required"),
        ({"required": ["passport", "passport"]}, "/required"),
        ({"required": [f"kind_{n}" for n in range(21)]}, "/required"),
        ({"required": ["Passport"]}, "/required/0"),
        ({"required": ["passport", "a b"]}, "/required/1"),
    ],
    "document-collection.documents": [
        ({"document_type": ""}, "/document_type"),
        ({"document_type": "x" * 65}, "/document_type"),
        ({"file_url": "x" * 2049}, "/file_url"),
        ({"uploaded_by": None}, "/uploaded_by"),
    ],
    "encrypted-payload.input": [({"subject": ""}, "/subject"), ({"subject": {}}, "/subject")],
    "fallback-service.input": [
        ({"primary_seconds": 0}, "/primary_seconds"),
        ({"primary_seconds": "30"}, "/primary_seconds"),
        ({"data": LARGE}, ""),
    ],
    "identity-verification.input": [
        ({"reviewers": []}, "/reviewers"),
        ({"reviewers": ["maria@example.com"] * 2}, "/reviewers"),
        ({"reviewers": ["maria"]}, "/reviewers/0"),
        ({"reviewers": [f"p{number}@example.com" for number in range(21)]}, "/reviewers"),
    ],
    "identity-verification.verification": [
        ({"verification_id": ""}, "/verification_id"),
        ({"status": None}, "/status"),
        *(({"score": each}, "/score") for each in ("91", True, 101, -1)),
        ({"flags": "new"}, "/flags"),
        ({"flags": [1]}, "/flags/0"),
        ({"flags": ["x"] * 101}, "/flags"),
    ],
    "long-job.input": [
        ({"heartbeat_seconds": 0}, "/heartbeat_seconds"),
        ({"heartbeat_seconds": 86_401}, "/heartbeat_seconds"),
        ({"job": LARGE}, ""),
    ],
    "parallel-checks.input": [({"transaction": "12.50"}, "/transaction"), ({"transaction": {"note": LARGE}}, "")],
    "parallel-checks.credit_check": [({"score": "700"}, "/score"), ({"score": None}, "/score")],
    "parallel-checks.fraud_check": [({"risk_level": ""}, "/risk_level"), ({"risk_level": 1}, "/risk_level")],
    "retry-callback.input": [
        ({"attempts": 0}, "/attempts"),
        ({"attempts": 21}, "/attempts"),
        ({"attempts": 2.0}, "/attempts"),
        ({"wait_seconds": 0}, "/wait_seconds"),
        ({"data": LARGE}, ""),
    ],
    "split-callback.input": [({"order_id": ""}, "/order_id"), ({"order_id": 1001}, "/order_id")],
    "two-lambdas.input": [({"order_id": ""}, "/order_id"), ({"order_id": "x" * 129}, "/order_id")],
}


def valid(name: str) -> list[Changes]:
    """Return what a contract takes: answers more than they need, inputs every deadline that there is."""
    more = [{"more": 1}] if _is_answer(name) else [{"deadline_seconds": 1}, {"deadline_seconds": 31_536_000}]
    return [*_TAKEN.get(name, []), *more]


def invalid(name: str, absent: object) -> list[Refusal]:
    """Return what a contract refuses, and where: without any member, and inputs with others or no sound deadline."""
    missing: list[Refusal] = [({member: absent}, f"/{member}") for member in SAMPLES[name]]
    deadlines: list[Refusal] = [
        ({"deadline_seconds": each}, "/deadline_seconds") for each in (0, 31_536_001, "60", 1.5, True, None)
    ]
    return [*_REFUSED.get(name, []), *missing, *([] if _is_answer(name) else [*deadlines, ({"extra": 1}, "")])]
