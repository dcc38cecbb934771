"""Failures of AWS, and of the way to it, as errors of the kit."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError


@contextmanager
def raised_as(error_of: Callable[[str], Exception]) -> Iterator[None]:
    """Raise what fails within the block as an error of the kit, with AWS's code for it, or botocore's name."""
    try:
        yield
    except ClientError as error:
        raise error_of(error.response["Error"]["Code"]) from error
    except BotoCoreError as error:
        raise error_of(type(error).__name__) from error
