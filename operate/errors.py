"""What can go wrong between an operator and AWS, each with what to do, and the exit status that says which it was."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

from countersign.domain.errors import (
    CountersignError,
    TaskClosedError,
    TransientError,
    UnknownTaskError,
)


class Status(IntEnum):
    """Exit statuses; `docs/operations.md` has them."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    NO_ACCESS = 3
    TRY_AGAIN = 4
    INTERRUPTED = 130


class OperateError(Exception):
    """Something that ends a command.

    Attributes:
        advice: What to do about it.
        status: The exit status.
    """

    def __init__(self, message: str, advice: str = "", status: Status = Status.REFUSED) -> None:
        super().__init__(message)
        self.advice = advice
        self.status = status


def usage(message: str, advice: str = "") -> OperateError:
    """Return the error of a command line that makes no sense."""
    return OperateError(message, advice, Status.USAGE)


def unknown_name(what: str, name: str, known: Sequence[str]) -> OperateError:
    """Return the error of a name that nothing has."""
    return usage(f"there is no {what} {name!r}", f"There are: {', '.join(known) or 'none'}.")


_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
_INVALID = frozenset(
    {
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_MISSING = frozenset({"NonExistentQueue", "QueueDoesNotExist", "ResourceNotFoundException"})
_LOG_IN = "Log in again (aws sso login), or renew the session of your role; `aws sts get-caller-identity` shows it."
_ANOTHER_PROFILE = (
    "Name a profile that has some (--profile), or set AWS_PROFILE; `aws configure list` shows what there is."
)


def explained(error: Exception) -> OperateError | None:
    """Return an error in an operator's terms; None for one that nobody expected."""
    return _of_aws(of_aws(error)) or _of_ours(error)


def of_aws(error: BaseException) -> BaseException:
    """Return what AWS's own library said, where an error of ours stands for it."""
    return error.__cause__ if isinstance(error, TransientError) and error.__cause__ is not None else error


def _of_ours(error: Exception) -> OperateError | None:
    if isinstance(error, OperateError):
        return error
    if isinstance(error, UnknownTaskError):
        return OperateError(str(error), "`tasks` lists those that wait.")
    if isinstance(error, TaskClosedError):
        return OperateError("it is not open any more, so this cannot be done to it", "`show` says what became of it.")
    if isinstance(error, TransientError):
        return _unreachable(error)
    return OperateError(str(error)) if isinstance(error, CountersignError) else None


def _of_aws(error: BaseException) -> OperateError | None:
    from botocore.exceptions import BotoCoreError, ClientError

    if isinstance(error, ClientError):
        return _of_answer(error)
    return _of_client(error) if isinstance(error, BotoCoreError) else None


def _of_answer(error: Any) -> OperateError:
    code = error.response["Error"]["Code"].rpartition(".")[2]
    said = error.response["Error"].get("Message", "")
    if code in _EXPIRED:
        return OperateError("your AWS credentials have expired", _LOG_IN, Status.NO_ACCESS)
    if code in _INVALID:
        return OperateError(f"AWS does not know your credentials ({code})", _ANOTHER_PROFILE, Status.NO_ACCESS)
    if is_denied(error):
        advice = "Ask for that right, or use a profile that has it; docs/operations.md lists what each command needs."
        return OperateError(
            f"IAM does not let you call {error.operation_name}: {said or code}", advice, Status.NO_ACCESS
        )
    if code in _MISSING:
        advice = "Is it the right account, --region, --stage or --table?"
        return OperateError(f"{error.operation_name}: {said or code}", advice, Status.NO_ACCESS)
    again = "Throttl" in code or "TooManyRequests" in code or _is_of_the_server(error)
    status = Status.TRY_AGAIN if again else Status.REFUSED
    return OperateError(f"AWS refused {error.operation_name} ({code}): {said}", "", status)


def _is_of_the_server(error: Any) -> bool:
    return bool(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500)


def is_denied(error: Any) -> bool:
    """Tell whether an error says that a right is missing."""
    code: str = getattr(error, "response", {}).get("Error", {}).get("Code", "")
    return any(word in code for word in ("AccessDenied", "AuthorizationError", "Forbidden", "UnauthorizedOperation"))


def _of_client(error: BaseException) -> OperateError | None:
    from botocore import exceptions

    if isinstance(error, exceptions.ParamValidationError):  # a mistake of ours, which no operator mends
        return None
    if isinstance(error, exceptions.ProfileNotFound):
        return usage(str(error), "`aws configure list-profiles` shows those that there are.")
    if isinstance(error, exceptions.SSOTokenLoadError | exceptions.UnauthorizedSSOTokenError):
        return OperateError("your AWS session has expired", _LOG_IN, Status.NO_ACCESS)
    if isinstance(error, exceptions.NoRegionError):
        return usage("no AWS region is set", "Name it with --region, or set AWS_REGION.")
    if isinstance(
        error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError | exceptions.CredentialRetrievalError
    ):
        return OperateError(f"there are no AWS credentials: {error}", _ANOTHER_PROFILE, Status.NO_ACCESS)
    return _unreachable(error)


def _unreachable(error: BaseException) -> OperateError:
    return OperateError(f"AWS did not answer: {error}", "Try again in a moment.", Status.TRY_AGAIN)
