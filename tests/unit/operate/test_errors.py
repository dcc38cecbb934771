"""What AWS and our own library say, in an operator's terms."""

from collections.abc import Callable

import pytest
from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

from countersign.domain.errors import ContractError, LedgerUnavailableError, TaskClosedError, UnknownTaskError
from operate.errors import OperateError, Status, explained


def refusal(code: str, message: str = "as AWS says it") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": {}}, "Query")


def cause(error: Exception) -> Exception:
    outer = LedgerUnavailableError("x")
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (refusal("ExpiredTokenException"), Status.NO_ACCESS, "credentials have expired"),
        (refusal("ExpiredToken"), Status.NO_ACCESS, "credentials have expired"),
        (refusal("UnrecognizedClientException"), Status.NO_ACCESS, "does not know your credentials"),
        (refusal("InvalidClientTokenId"), Status.NO_ACCESS, "does not know your credentials"),
        (refusal("AccessDeniedException", "not authorized to perform: dynamodb:Query"), Status.NO_ACCESS, "Query"),
        (refusal("AccessDenied"), Status.NO_ACCESS, "IAM does not let you call Query"),
        (refusal("ResourceNotFoundException"), Status.NO_ACCESS, "Query: as AWS says it"),
        (refusal("AWS.SimpleQueueService.NonExistentQueue"), Status.NO_ACCESS, "Query: as AWS says it"),
        (refusal("ThrottlingException"), Status.TRY_AGAIN, "AWS refused Query"),
        (refusal("ValidationException"), Status.REFUSED, "AWS refused Query (ValidationException)"),
        (cause(refusal("AccessDeniedException")), Status.NO_ACCESS, "IAM does not let you call"),
        (cause(exceptions.NoCredentialsError()), Status.NO_ACCESS, "no AWS credentials"),
        (cause(exceptions.EndpointConnectionError(endpoint_url="x")), Status.TRY_AGAIN, "did not answer"),
        (exceptions.ProfileNotFound(profile="nobody"), Status.USAGE, "nobody"),
        (exceptions.NoRegionError(), Status.USAGE, "no AWS region"),
        (exceptions.UnauthorizedSSOTokenError(), Status.NO_ACCESS, "session has expired"),
        (exceptions.CredentialRetrievalError(provider="p", error_msg="m"), Status.NO_ACCESS, "no AWS credentials"),
        (LedgerUnavailableError("lost races"), Status.TRY_AGAIN, "lost races"),
        (UnknownTaskError("a.b"), Status.REFUSED, "a.b"),
        (TaskClosedError(), Status.REFUSED, "not open any more"),
        (ContractError("too late", "/until"), Status.REFUSED, "too late"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, Exception) else None,
)
def test_each_error_has_a_status_and_words_that_help(error: Exception, status: Status, words: str) -> None:
    found = explained(error)
    assert found
    assert found.status is status
    assert words in str(found)


@pytest.mark.parametrize("make", [lambda: refusal("ExpiredToken"), exceptions.NoCredentialsError])
def test_who_lacks_access_is_told_what_to_do(make: Callable[[], ClientError | BotoCoreError]) -> None:
    found = explained(make())
    assert found
    assert "aws " in found.advice


def test_an_error_of_the_tool_is_itself_and_a_bug_stays_one() -> None:
    own = OperateError("no")
    assert explained(own) is own
    assert explained(ZeroDivisionError()) is None
