"""HTTP at the edge: bodies as they were sent, and errors as problem details (RFC 9457)."""

import base64
import binascii
import json
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from countersign.domain.errors import (
    BodyTooLargeError,
    ContractError,
    CountersignError,
    MalformedBodyError,
    RequestConflictError,
    TransientError,
    UnknownRequestError,
    UnknownWorkflowError,
)
from countersign.domain.strict_json import MAX_BODY_BYTES

RETRY_AFTER_SECONDS = 2


@dataclass(frozen=True)
class Problem:
    """What a kind of error is to the caller of a machine endpoint."""

    status: HTTPStatus
    code: str
    title: str


PROBLEMS: dict[type[CountersignError], Problem] = {
    UnknownWorkflowError: Problem(HTTPStatus.NOT_FOUND, "unknown_workflow", "Unknown workflow"),
    BodyTooLargeError: Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", "Body too large"),
    MalformedBodyError: Problem(HTTPStatus.BAD_REQUEST, "malformed", "Malformed body"),
    ContractError: Problem(HTTPStatus.BAD_REQUEST, "contract", "The body breaks the contract"),
    RequestConflictError: Problem(HTTPStatus.CONFLICT, "request_conflict", "The request id is taken"),
    UnknownRequestError: Problem(HTTPStatus.NOT_FOUND, "unknown_request", "Unknown request"),
    TransientError: Problem(HTTPStatus.SERVICE_UNAVAILABLE, "try_again", "Not recorded, try again"),
}
"""The one place where errors become statuses; the first class of an error's ancestry that stands here counts."""

UNKNOWN_ROUTE = Problem(HTTPStatus.NOT_FOUND, "unknown_route", "No such route")
UNEXPECTED = Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "unexpected", "Something went wrong on our side")

DETAILS: dict[type[CountersignError], str] = {
    RequestConflictError: "a request of this id exists with another workflow or another input; choose another id",
    UnknownRequestError: "no request of this id was ever submitted",
    TransientError: "nothing was lost; the same request may be sent again",
}


def body_bytes(event: Mapping[str, Any]) -> bytes:
    """Return a request's body as the bytes that were sent.

    Args:
        event: The API Gateway event, payload format 2.0.

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


def document(status: HTTPStatus, content: Mapping[str, Any]) -> tuple[int, dict[str, str], str]:
    """Return status, headers and body that tell a machine what it asked for."""
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return int(status), headers, json.dumps(content)


def problem_of(error: CountersignError) -> tuple[int, dict[str, str], str]:
    """Return status, headers and body that tell a machine about an error.

    Raises:
        LookupError: The error is none that a machine endpoint answers.
    """
    kind = next((kind for kind in type(error).__mro__ if kind in PROBLEMS), None)
    if kind is None:
        raise LookupError(f"{type(error).__name__} has no problem type") from error
    document: dict[str, Any] = {"detail": DETAILS.get(kind, "")}
    if isinstance(error, ContractError):
        document = {"detail": error.reason, "pointer": error.pointer}
    return problem(PROBLEMS[kind], document)


def problem(problem: Problem, more: Mapping[str, Any]) -> tuple[int, dict[str, str], str]:
    """Return status, headers and body of a problem, with members of its own such as `detail` and `pointer`."""
    headers = {"Content-Type": "application/problem+json", "Cache-Control": "no-store"}
    if problem.status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    document = {
        "type": f"urn:countersign:problem:{problem.code}",
        "title": problem.title,
        "status": int(problem.status),
        "code": problem.code,
        **more,
    }
    return int(problem.status), headers, json.dumps(document)


def where_it_failed(error: BaseException) -> dict[str, Any]:
    """Return what a log may say of an unexpected error: its type and where, not its text, which may quote data."""
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "error_type": type(error).__name__,
        "error_at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-8:]],
    }
