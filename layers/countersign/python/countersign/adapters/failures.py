"""Translation of AWS and network failures to errors of the kit."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError


@contextmanager
def raised_as(error_of: Callable[[str], Exception]) -> Iterator[None]:
    """Raise botocore's errors within the block as errors of the kit, with AWS's error code or botocore's class name."""
    try:
        yield
    except ClientError as error:
        raise error_of(error.response["Error"]["Code"]) from error
    except BotoCoreError as error:
        raise error_of(type(error).__name__) from error
