"""HTTP: raw request bodies, and a problem document for every error of a machine."""

import base64
import json
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.domain import errors
from countersign.domain.strict_json import MAX_BODY_BYTES
from countersign.functions import http

TABLE: list[tuple[errors.CountersignError, int, str]] = [
    (errors.PlainAnswerError(), 400, "contract"),
    (errors.MalformedBodyError("not JSON"), 400, "malformed"),
    (errors.ContractError("must be string", "/input/amount"), 400, "contract"),
    (
        errors.SeveralProblemsError(
            (errors.ContractError("is missing", "/input"), errors.ContractError("is zero", "/x"))
        ),
        400,
        "contract",
    ),
    (errors.BodyTooLargeError(MAX_BODY_BYTES), 413, "body_too_large"),
    (errors.UnknownWorkflowError(), 404, "unknown_workflow"),
    (errors.RetiredWorkflowError(), 410, "retired_workflow"),
    (errors.AlreadyAskedError("ask-1"), 409, "already_asked"),
    (errors.WorkflowNotAllowedError(("approval",)), 403, "workflow_not_allowed"),
    (errors.UncoveredAmountError(("EUR up to 5000",)), 400, "contract"),
    (errors.RequestConflictError("order-1001"), 409, "request_conflict"),
    (errors.LedgerConflictError("table"), 503, "try_again"),
    (errors.LedgerUnavailableError("table"), 503, "try_again"),
    (errors.HandOffRejectedError("bus"), 503, "try_again"),
    (errors.MessageRefusedError("rita@example.com"), 503, "try_again"),
    (errors.ArchiveRefusedError("SlowDown"), 503, "try_again"),
    (errors.CallbackUnavailableError("callback"), 503, "try_again"),
    (errors.KeptEventsUnavailableError("SlowDown"), 503, "try_again"),
    (errors.CipherUnavailableError("ThrottlingException"), 503, "try_again"),
    (errors.StartFailedError("TooManyRequestsException"), 503, "try_again"),
    (errors.SecretsUnavailableError("AccessDeniedException"), 503, "try_again"),
    (errors.VerifierUnavailableError("PayPal answered 502"), 503, "try_again"),
    (errors.ConfigurationError("deployment"), 503, "not_configured"),
    (errors.MissingSettingError("LEDGER_TABLE"), 503, "not_configured"),
    (errors.SecretError("signing secret 2"), 503, "not_configured"),
    (errors.UnknownSchemeError("paypall", ("paypal",)), 503, "not_configured"),
    (errors.AnswerRefusedError((errors.ContractError("must be string", "/amount"),)), 422, "answer_refused"),
    (errors.CallerRefusedError(), 403, "caller"),
    (errors.SignatureError("mismatch"), 401, "signature"),
    (errors.UnknownTokenError(), 401, "unknown_token"),
    (errors.UnknownProviderError(), 404, "unknown_provider"),
    (errors.UnknownRequestError(), 404, "unknown_request"),
    (errors.RequestEndedError(), 409, "request_ended"),
    (errors.RequestDecidedError(), 409, "request_decided"),
    (errors.IrrevocableError(), 409, "irrevocable"),
    (errors.MediaTypeError(), 415, "media_type"),
    (errors.DecidedOtherwiseError(), 409, "decided_otherwise"),
    (errors.TooManyAnswersError(), 409, "too_many_answers"),
    (errors.TaskClosedError(), 410, "closed"),
    (errors.UnknownTaskError("order-1001.payment"), 410, "closed"),
    (errors.TooManyRequestsError(7), 429, "too_many_requests"),
]


def leaves(root: type[errors.CountersignError]) -> set[type[errors.CountersignError]]:
    """Return an error class and its descendants."""
    return {root}.union(*(leaves(child) for child in root.__subclasses__()))


FOR_MACHINES_TOO = {errors.DecidedOtherwiseError, errors.TaskClosedError, errors.TooManyAnswersError}
ELSEWHERE = sorted(
    (
        leaves(errors.ActionRefusedError)
        | leaves(errors.WorkflowError)
        | {errors.KeptEventError, errors.LookFailedError, errors.NotHandledError}
        | {errors.TooManyListsError, errors.UnconfirmedError}
    )
    - FOR_MACHINES_TOO,
    key=lambda kind: kind.__name__,
)


# Bodies
@given(st.binary(max_size=500))
def test_a_body_of_bytes_is_decoded_unchanged(body: bytes) -> None:
    assert http.body_bytes({"body": base64.b64encode(body).decode(), "isBase64Encoded": True}) == body


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_body_of_text_is_encoded_in_utf_8(text: str) -> None:
    assert http.body_bytes({"body": text, "isBase64Encoded": False}) == text.encode()


@pytest.mark.parametrize("event", [{}, {"body": None}, {"body": ""}, {"body": "", "isBase64Encoded": True}])
def test_a_missing_body_is_empty(event: dict[str, Any]) -> None:
    assert http.body_bytes(event) == b""


@pytest.mark.parametrize(
    "event",
    [
        *({"body": "a", "isBase64Encoded": True}, {"body": "****", "isBase64Encoded": True}),
        *({"body": "YQ==\n!", "isBase64Encoded": True}, {"body": "é===", "isBase64Encoded": True}),
        {"body": "\ud800", "isBase64Encoded": False},
    ],
)
def test_a_body_with_a_broken_encoding_is_malformed(event: dict[str, Any]) -> None:
    with pytest.raises(errors.MalformedBodyError):
        http.body_bytes(event)


@pytest.mark.parametrize("encoded", [True, False])
def test_the_size_limit_counts_the_bytes_after_decoding(encoded: bool) -> None:
    def event(size: int) -> dict[str, Any]:
        text = "a" * size
        return {"body": base64.b64encode(text.encode()).decode() if encoded else text, "isBase64Encoded": encoded}

    assert len(http.body_bytes(event(MAX_BODY_BYTES))) == MAX_BODY_BYTES
    with pytest.raises(errors.BodyTooLargeError):
        http.body_bytes(event(MAX_BODY_BYTES + 1))


def test_the_size_limit_counts_bytes_and_not_characters() -> None:
    with pytest.raises(errors.BodyTooLargeError):
        http.body_bytes({"body": "ä" * (MAX_BODY_BYTES // 2 + 1)})


# Problems
@pytest.mark.parametrize(("error", "status", "code"), TABLE, ids=lambda value: type(value).__name__)
def test_an_error_is_a_problem_document_of_rfc_9457(error: errors.CountersignError, status: int, code: str) -> None:
    answered, headers, body = http.problem_of(error)
    document = json.loads(body)
    assert answered == status == document["status"]
    assert (document["code"], document["type"]) == (code, f"urn:countersign:problem:{code}")
    assert document["title"]
    assert document["detail"]
    more = {"Retry-After": {429: "7", 503: "2"}[status]} if status in (429, 503) else {}
    more |= {"WWW-Authenticate": "Bearer"} if isinstance(error, errors.UnknownTokenError) else {}
    assert headers == {"Content-Type": "application/problem+json", "Cache-Control": "no-store"} | more


def test_every_error_for_machines_has_a_row() -> None:
    met = leaves(errors.CountersignError) - {errors.CountersignError, errors.TransientError} - set(ELSEWHERE)
    assert {type(error) for error, *_ in TABLE} == met


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (errors.SignatureError("stale"), "stale"),
        (errors.MediaTypeError(), ""),
        (errors.LedgerUnavailableError("ThrottlingException"), "ThrottlingException"),
    ],
)
def test_the_log_has_the_reason_of_a_refusal(error: errors.CountersignError, reason: str) -> None:
    assert http.why_it_was_refused(error) == {"error_type": type(error).__name__, "reason": reason, "pointer": ""}


@pytest.mark.parametrize("error", ELSEWHERE, ids=lambda error: error.__name__)
def test_errors_of_pages_and_workflows_have_no_problem_document(error: type[errors.CountersignError]) -> None:
    with pytest.raises(LookupError, match=error.__name__):
        http.problem_of(error.__new__(error))


@pytest.mark.parametrize("more", [(), (errors.ContractError("is missing", "/input/currency"),)])
def test_a_broken_contract_is_answered_with_all_problems_and_pointers(more: tuple[errors.ContractError, ...]) -> None:
    first = errors.ContractError("must be string", "/input/amount")
    _, _, body = http.problem_of(errors.SeveralProblemsError((first, *more)) if more else first)
    told = json.loads(body)
    assert (told["pointer"], told["detail"]) == ("/input/amount", "must be string")
    assert told["errors"] == [{"detail": each.reason, "pointer": each.pointer} for each in (first, *more)]


@pytest.mark.parametrize("error", [error for error, status, _ in TABLE if status == 503])
def test_internal_errors_are_not_disclosed(error: errors.CountersignError) -> None:
    _, _, body = http.problem_of(error)
    assert str(error) not in body


@pytest.mark.parametrize(
    ("error", "told", "logged"),
    [
        (errors.SecretError("has two"), "this webhook's signing secret is missing or wrong", "has two"),
        (
            errors.MissingSettingError("the environment variable BUS_NAME"),
            "this stage is not configured completely",
            "the environment variable BUS_NAME is missing; the stack that deploys this function sets it",
        ),
    ],
)
def test_a_configuration_error_is_logged_by_name_only(error: errors.ConfigurationError, told: str, logged: str) -> None:
    _, _, body = http.problem_of(error)
    assert json.loads(body)["detail"] == f"{told}; the same request may be sent again"
    assert http.why_it_was_refused(error)["reason"] == logged


def test_a_response_is_json_that_must_not_be_cached() -> None:
    status, headers, body = http.document(HTTPStatus.ACCEPTED, {"request_id": "order-1001"})
    assert (status, json.loads(body)) == (202, {"request_id": "order-1001"})
    assert headers == {"Content-Type": "application/json", "Cache-Control": "no-store"}


def test_an_unexpected_error_is_logged_by_type_and_place_without_its_message() -> None:
    with pytest.raises(ValueError, match="s3cr3t") as error:
        int("s3cr3t")
    told = http.where_it_failed(error.value)
    assert told["error_type"] == "ValueError"
    assert "test_http.py" in told["error_at"][-1]
    assert "s3cr3t" not in json.dumps(told)
