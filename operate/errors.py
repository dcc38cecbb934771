"""The errors that end a command, each with what to do and an exit status."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Any

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

from countersign.domain.errors import ContractError, CountersignError, TaskClosedError, TransientError, UnknownTaskError


class Status(IntEnum):
    """Exit statuses; `docs/operations.md` explains them."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    NO_ACCESS = 3
    TRY_AGAIN = 4
    INTERRUPTED = 130


class OperateError(Exception):
    """An error that ends a command.

    Attributes:
        advice: What to do about it.
        status: The exit status.
    """

    def __init__(self, message: str, advice: str = "", status: Status = Status.REFUSED) -> None:
        super().__init__(message)
        self.advice = advice
        self.status = status


def usage(message: str, advice: str = "") -> OperateError:
    """Return the error of an invalid command line."""
    return OperateError(message, advice, Status.USAGE)


def unknown_name(what: str, name: str, known: Iterable[str]) -> OperateError:
    """Return the error of an unknown name."""
    return usage(f"unknown {what} {name!r}", f"Use one of: {', '.join(known) or 'none'}.")


_SIGN_IN = "Sign in again with `aws sso login`, or renew the session of your role."
_OTHER_PROFILE = (
    "Name a profile that has credentials with --profile or AWS_PROFILE. `aws configure list` shows the current one."
)
_ASK = "Ask for that right, or use a profile that has it. docs/operations.md lists the rights of each command."
_DENIED = ("AccessDenied", "AuthorizationError", "Forbidden", "UnauthorizedOperation")
_BY_CODE = (
    (("ExpiredToken", "RequestExpired", "TokenRefreshRequired"), "your AWS credentials have expired", _SIGN_IN),
    (
        ("InvalidAccessKeyId", "InvalidClientTokenId", "Signature", "UnrecognizedClient"),
        "AWS does not accept your credentials ({code})",
        _OTHER_PROFILE,
    ),
    (_DENIED, "IAM does not let you call {call}: {said}", _ASK),
    (
        ("NonExistentQueue", "QueueDoesNotExist", "ResourceNotFound"),
        "{call} found nothing: {said}",
        "Check the account, --region, --stage and --table.",
    ),
)
"""Messages and advice for AWS's error codes, by words that the codes contain."""

_BY_TYPE: tuple[tuple[tuple[type[Exception], ...], str, str, Status], ...] = (
    ((exceptions.ProfileNotFound,), "{}", "`aws configure list-profiles` lists your profiles.", Status.USAGE),
    ((exceptions.NoRegionError,), "no AWS region is set", "Name one with --region, or set AWS_REGION.", Status.USAGE),
    (
        (exceptions.SSOTokenLoadError, exceptions.UnauthorizedSSOTokenError),
        "your AWS session has expired",
        _SIGN_IN,
        Status.NO_ACCESS,
    ),
    (
        (exceptions.NoCredentialsError, exceptions.PartialCredentialsError, exceptions.CredentialRetrievalError),
        "no AWS credentials: {}",
        _OTHER_PROFILE,
        Status.NO_ACCESS,
    ),
    ((UnknownTaskError,), "{}", "`tasks` lists the tasks that wait.", Status.REFUSED),
    ((TaskClosedError,), "the task is no longer open", "`show` shows what happened to it.", Status.REFUSED),
    ((ContractError,), "{0.reason}", "", Status.REFUSED),
    ((BotoCoreError, TransientError), "AWS did not answer: {}", "Try again in a moment.", Status.TRY_AGAIN),
    ((CountersignError,), "{}", "", Status.REFUSED),
)
"""Messages, advice and exit statuses by type of error; the first match counts."""


def explained(error: Exception) -> OperateError | None:
    """Return an error in an operator's terms; None for a bug in the kit, which keeps its traceback."""
    cause = of_aws(error)
    if isinstance(cause, ClientError):
        return _of_answer(cause)
    if isinstance(cause, OperateError | exceptions.ParamValidationError):
        return cause if isinstance(cause, OperateError) else None
    for types, message, advice, status in _BY_TYPE:
        if isinstance(cause, types):
            return OperateError(message.format(cause), advice, status)
    return None


def of_aws(error: Exception) -> Exception:
    """Return the error of AWS's library that an error of the kit wraps; any other error as it is."""
    wrapped = error.__cause__ if isinstance(error, TransientError) else None
    return wrapped if isinstance(wrapped, BotoCoreError | ClientError) else error


def code_of(error: Any) -> str:
    """Return AWS's code of an error, such as `AccessDenied`; empty for an error of another source."""
    code: str = error.response["Error"]["Code"].rpartition(".")[2] if isinstance(error, ClientError) else ""
    return code


def is_denied(error: Exception) -> bool:
    """Tell whether AWS answered that a right is missing."""
    return any(word in code_of(error) for word in _DENIED)


def _of_answer(error: Any) -> OperateError:
    code, call = code_of(error), error.operation_name
    said = error.response["Error"].get("Message") or code
    for words, message, advice in _BY_CODE:
        if any(word in code for word in words):
            return OperateError(message.format(code=code, call=call, said=said), advice, Status.NO_ACCESS)
    failed = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500
    again = failed or "Throttl" in code or "TooManyRequests" in code
    status = Status.TRY_AGAIN if again else Status.REFUSED
    return OperateError(f"AWS refused {call} ({code}): {said}", status=status)
