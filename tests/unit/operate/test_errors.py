"""Errors of AWS and of the kit, explained to operators."""

import pytest
from botocore import exceptions
from botocore.exceptions import ClientError

from countersign.domain.errors import ContractError, LedgerUnavailableError, TaskClosedError, UnknownTaskError
from operate.errors import OperateError, Status, explained


def refusal(code: str, message: str = "as AWS says it") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": {}}, "Query")


def wrapped(error: Exception) -> Exception:
    outer = LedgerUnavailableError("x")
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize(
    ("error", "status", "words", "advice"),
    [
        (refusal("ExpiredTokenException"), Status.NO_ACCESS, "credentials have expired", "aws sso login"),
        (refusal("UnrecognizedClientException"), Status.NO_ACCESS, "does not accept your credentials", "--profile"),
        (refusal("SignatureDoesNotMatch"), Status.NO_ACCESS, "does not accept your credentials", "--profile"),
        (refusal("AccessDenied", "not authorized"), Status.NO_ACCESS, "call Query: not authorized", "operations.md"),
        (refusal("ResourceNotFoundException"), Status.NO_ACCESS, "Query found nothing: as AWS says it", "--table"),
        (refusal("AWS.SimpleQueueService.NonExistentQueue"), Status.NO_ACCESS, "Query found nothing", "--stage"),
        (refusal("ThrottlingException"), Status.TRY_AGAIN, "AWS refused Query", ""),
        (refusal("ValidationException"), Status.REFUSED, "AWS refused Query (ValidationException)", ""),
        (wrapped(refusal("AccessDeniedException")), Status.NO_ACCESS, "IAM does not let you", "Ask for that right"),
        (wrapped(exceptions.NoCredentialsError()), Status.NO_ACCESS, "no AWS credentials", "--profile"),
        (wrapped(exceptions.EndpointConnectionError(endpoint_url="x")), Status.TRY_AGAIN, "not answer", "Try again"),
        (wrapped(ValueError("lost")), Status.TRY_AGAIN, "did not answer: x", "Try again"),
        (exceptions.ProfileNotFound(profile="nobody"), Status.USAGE, "nobody", "list-profiles"),
        (exceptions.NoRegionError(), Status.USAGE, "no AWS region", "--region"),
        (exceptions.UnauthorizedSSOTokenError(), Status.NO_ACCESS, "session has expired", "aws sso login"),
        (UnknownTaskError("a.b"), Status.REFUSED, "a.b", "`tasks`"),
        (TaskClosedError(), Status.REFUSED, "no longer open", "`show`"),
        (ContractError("too late", "/until"), Status.REFUSED, "too late", ""),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, Exception) else None,
)
def test_an_error_has_a_status_a_message_and_advice(error: Exception, status: Status, words: str, advice: str) -> None:
    found = explained(error)
    assert found
    assert found.status is status
    assert words in str(found)
    assert advice in found.advice


def test_an_error_of_the_program_is_unchanged_and_a_bug_keeps_its_traceback() -> None:
    own = OperateError("no")
    assert explained(own) is own
    assert explained(ZeroDivisionError()) is None
    assert explained(exceptions.ParamValidationError(report="x")) is None
