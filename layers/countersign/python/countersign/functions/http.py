"""HTTP: raw request bodies, and errors as problem details (RFC 9457)."""

import base64
import binascii
import json
import traceback
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from countersign.domain.audit import network_of
from countersign.domain.clock import to_text
from countersign.domain.errors import (
    AlreadyAskedError,
    AnswerRefusedError,
    BodyTooLargeError,
    CallerRefusedError,
    ConfigurationError,
    ContractError,
    CountersignError,
    DecidedOtherwiseError,
    IrrevocableError,
    MalformedBodyError,
    MediaTypeError,
    RequestConflictError,
    RequestDecidedError,
    RequestEndedError,
    RetiredWorkflowError,
    SecretError,
    SignatureError,
    StartFailedError,
    TaskClosedError,
    TooManyAnswersError,
    TooManyRequestsError,
    TransientError,
    UnknownProviderError,
    UnknownRequestError,
    UnknownTaskError,
    UnknownTokenError,
    UnknownWorkflowError,
    WorkflowNotAllowedError,
)
from countersign.domain.strict_json import MAX_BODY_BYTES

RETRY_AFTER_SECONDS = 2

Event = Mapping[str, Any]
"""An event of API Gateway, payload format 2.0."""

Reply = tuple[int, dict[str, str], str]
"""The answer of a machine endpoint: status, headers and body."""


@dataclass(frozen=True)
class Problem:
    """The problem that a kind of error is for the caller of a machine endpoint."""

    status: HTTPStatus
    code: str
    title: str


PROBLEMS: dict[type[CountersignError], Problem] = {
    UnknownWorkflowError: Problem(HTTPStatus.NOT_FOUND, "unknown_workflow", "Unknown workflow"),
    RetiredWorkflowError: Problem(HTTPStatus.GONE, "retired_workflow", "The workflow is retired"),
    BodyTooLargeError: Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", "Body too large"),
    MalformedBodyError: Problem(HTTPStatus.BAD_REQUEST, "malformed", "Malformed body"),
    AnswerRefusedError: Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "answer_refused", "The answer breaks the contract"),
    ContractError: Problem(HTTPStatus.BAD_REQUEST, "contract", "The body breaks the contract"),
    RequestConflictError: Problem(HTTPStatus.CONFLICT, "request_conflict", "The request id is taken"),
    RequestEndedError: Problem(HTTPStatus.CONFLICT, "request_ended", "The request has ended"),
    RequestDecidedError: Problem(HTTPStatus.CONFLICT, "request_decided", "The request is decided"),
    IrrevocableError: Problem(HTTPStatus.CONFLICT, "irrevocable", "A machine may have acted already"),
    UnknownRequestError: Problem(HTTPStatus.NOT_FOUND, "unknown_request", "Unknown request"),
    SignatureError: Problem(HTTPStatus.UNAUTHORIZED, "signature", "The signature is not accepted"),
    CallerRefusedError: Problem(HTTPStatus.FORBIDDEN, "caller", "The caller is not a person"),
    AlreadyAskedError: Problem(HTTPStatus.CONFLICT, "already_asked", "The same was asked before"),
    WorkflowNotAllowedError: Problem(HTTPStatus.FORBIDDEN, "workflow_not_allowed", "The caller may not start this"),
    UnknownTokenError: Problem(HTTPStatus.UNAUTHORIZED, "unknown_token", "The token is not accepted"),
    UnknownProviderError: Problem(HTTPStatus.NOT_FOUND, "unknown_provider", "Unknown provider"),
    MediaTypeError: Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "media_type", "The media type is not accepted"),
    TooManyRequestsError: Problem(HTTPStatus.TOO_MANY_REQUESTS, "too_many_requests", "Not recorded, try again later"),
    DecidedOtherwiseError: Problem(HTTPStatus.CONFLICT, "decided_otherwise", "The task has another answer"),
    TooManyAnswersError: Problem(HTTPStatus.CONFLICT, "too_many_answers", "The answer was replaced too often"),
    TaskClosedError: Problem(HTTPStatus.GONE, "closed", "The task is closed"),
    UnknownTaskError: Problem(HTTPStatus.GONE, "closed", "The task is closed"),
    ConfigurationError: Problem(HTTPStatus.SERVICE_UNAVAILABLE, "not_configured", "Not recorded, try again later"),
    TransientError: Problem(HTTPStatus.SERVICE_UNAVAILABLE, "try_again", "Not recorded, try again"),
}
"""The one place that maps errors to statuses, by the first class of an error's MRO that is listed."""

UNKNOWN_ROUTE = Problem(HTTPStatus.NOT_FOUND, "unknown_route", "No such route")
UNEXPECTED = Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "unexpected", "Something went wrong on our side")

DETAILS: dict[type[CountersignError], str] = {
    RequestConflictError: "a request of this id exists with another workflow or another input; choose another id",
    RequestEndedError: "the request has ended and can no longer be cancelled; GET it for its result",
    RequestDecidedError: "an answer is recorded, and the workflow acts on it; GET the request for its result",
    IrrevocableError: "a machine may have acted already, for example moved money; GET the request for its result",
    AlreadyAskedError: (
        "request_id names your request with the same words: read it; after a rejection or a withdrawal, nobody is asked"
        " the same again before the time in until"
    ),
    UnknownRequestError: "no request of this id is yours to see or cancel: none exists, or another role submitted it",
    SignatureError: "the signature is missing, malformed, too old, too new, or made with another secret",
    UnknownTokenError: "send the token of the hand-off as `Authorization: Bearer <token>`",
    CallerRefusedError: (
        "this stage takes the requester from the caller: sign as a role, in a session named with your e-mail address"
    ),
    UnknownProviderError: "no provider of this name is configured; correct the address of the webhook",
    MediaTypeError: "send the provider's own media type, uncompressed",
    TooManyRequestsError: "too many requests; nothing was recorded; send it again after the seconds in Retry-After",
    DecidedOtherwiseError: "another answer was recorded before; this one changes nothing",
    TooManyAnswersError: "this answer was replaced too often; the last one counts",
    TaskClosedError: "the task has expired or was withdrawn; its workflow no longer waits for an answer",
    UnknownTaskError: "the task ended long ago and was deleted",
    SecretError: "this webhook's signing secret is missing or wrong; the same request may be sent again",
    ConfigurationError: "this stage is not configured completely; the same request may be sent again",
    TransientError: "nothing was lost; the same request may be sent again",
}


def body_bytes(event: Event) -> bytes:
    """Return the raw bytes of a request's body.

    Raises:
        BodyTooLargeError: More than 256 KiB after decoding.
        MalformedBodyError: The event's base64 or text is broken.
    """
    text = event.get("body") or ""
    try:
        body = base64.b64decode(text, validate=True) if event.get("isBase64Encoded") else text.encode("utf-8")
    except (binascii.Error, UnicodeEncodeError, ValueError) as error:
        raise MalformedBodyError("the body is neither text nor base64") from error
    if len(body) > MAX_BODY_BYTES:
        raise BodyTooLargeError(MAX_BODY_BYTES)
    return body


def caller_of(event: Event) -> str:
    """Return the IAM ARN of the principal who signed a request; empty if it is unsigned."""
    authorizer = event["requestContext"].get("authorizer") or {}
    return str((authorizer.get("iam") or {}).get("userArn") or "")


def query_of(event: Event) -> dict[str, str]:
    """Return a request's query; API Gateway joins the values of a repeated parameter with commas."""
    return dict(event.get("queryStringParameters") or {})


def headers_of(event: Event) -> dict[str, str]:
    """Return a request's headers by their names in lower case."""
    return {str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()}


def bearer_of(event: Event) -> str:
    """Return the token of a request's header `Authorization: Bearer`; empty without one."""
    scheme, _, token = headers_of(event).get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def takes_gzip(event: Event) -> bool:
    """Tell whether a request's sender reads compressed bodies, as every browser does."""
    return "gzip" in headers_of(event).get("accept-encoding", "").lower()


def compressed(reply: Mapping[str, Any]) -> dict[str, Any]:
    """Return a response to API Gateway with its body compressed.

    Only for responses that repeat nothing of what another site can make a browser send. Otherwise their length could
    give away a token in them.
    """
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)  # gzip's form, without a time
    body = base64.b64encode(packer.compress(reply["body"].encode()) + packer.flush()).decode()
    headers = {**reply["headers"], "Content-Encoding": "gzip"}
    return {**reply, "headers": headers, "body": body, "isBase64Encoded": True}


def source_of(event: Event) -> str:
    """Return the network of a request's sender."""
    return network_of(event["requestContext"]["http"]["sourceIp"])


def document(status: HTTPStatus, content: Mapping[str, Any]) -> Reply:
    """Return a JSON answer for a machine."""
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return int(status), headers, json.dumps(content)


def problem_of(error: CountersignError) -> Reply:
    """Return the answer of a machine endpoint to an error.

    Raises:
        LookupError: The error has no problem type.
    """
    kinds = type(error).__mro__
    kind = next((kind for kind in kinds if kind in PROBLEMS), None)
    if kind is None:
        raise LookupError(f"{type(error).__name__} has no problem type") from error
    document: dict[str, Any] = {"detail": next((DETAILS[kind] for kind in kinds if kind in DETAILS), "")}
    if isinstance(error, ContractError):
        problems = [{"detail": each.reason, "pointer": each.pointer} for each in error.problems]
        document = problems[0] | {"errors": problems}
    if isinstance(error, AlreadyAskedError):
        document |= {"request_id": error.request_id, "until": error.until and to_text(error.until)}
    return problem(PROBLEMS[kind], document, retry_after_of(error))


def is_failure(error: CountersignError, status: int) -> bool:
    """Tell whether an answer to an error counts as a failure of ours, which raises an alarm.

    A missing secret and a refused start have alarms of their own, `SecretsUnusable` and `StartsOverdue`.
    """
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, SecretError | StartFailedError)


def retry_after_of(error: CountersignError) -> int:
    """Return after how many seconds a retry may succeed; 0 if it cannot."""
    if isinstance(error, TooManyRequestsError):
        return error.retry_after_seconds
    return RETRY_AFTER_SECONDS if isinstance(error, TransientError | ConfigurationError) else 0


def problem(problem: Problem, more: Mapping[str, Any], retry_after_seconds: int = 0) -> Reply:
    """Return the answer for a problem, with additional members such as `detail` and `pointer`."""
    headers = {"Content-Type": "application/problem+json", "Cache-Control": "no-store"}
    if problem.status is HTTPStatus.UNAUTHORIZED and problem.code == "unknown_token":
        headers["WWW-Authenticate"] = "Bearer"
    if retry_after_seconds:
        headers["Retry-After"] = str(retry_after_seconds)
    document = {
        "type": f"urn:countersign:problem:{problem.code}",
        "title": problem.title,
        "status": int(problem.status),
        "code": problem.code,
        **more,
    }
    return int(problem.status), headers, json.dumps(document)


def why_it_was_refused(error: CountersignError) -> dict[str, Any]:
    """Return a kit error's fields for the log: its type, and its reason, which never quotes the request."""
    reason = getattr(error, "reason", error if isinstance(error, TransientError) else "")
    found = {"error_type": type(error).__name__, "reason": str(reason), "pointer": str(getattr(error, "pointer", ""))}
    digest = getattr(error, "body_sha256", "")
    return {**found, **({"body_sha256": digest} if digest else {})}


def where_it_failed(error: BaseException) -> dict[str, Any]:
    """Return an unexpected error's fields for the log: type and place, without the text, which may quote data."""
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "error_type": type(error).__name__,
        "error_at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-8:]],
    }
