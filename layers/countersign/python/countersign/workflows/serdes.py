"""How what a durable step returns is written into the execution's history: in plain text, or for the workflow alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aws_durable_execution_sdk_python.exceptions import RetryableSerDesError
from aws_durable_execution_sdk_python.serdes import SerDes, SerDesContext

from countersign.domain.errors import TransientError
from countersign.domain.strict_json import canonical

if TYPE_CHECKING:
    from countersign.ports import Cipher


class CanonicalSerDes(SerDes[Any]):
    """Plain JSON values as canonical JSON: what is 200 KB in the ledger is 200 KB in a checkpoint, which holds 256 KB.

    The SDK's own form tags every value with its type and escapes what is not ASCII: a list of digits grows eightfold.
    """

    def serialize(self, value: Any, serdes_context: SerDesContext) -> str:  # noqa: ARG002  the SDK passes it
        """Return a value's JSON."""
        return canonical(value).decode()

    def deserialize(self, data: str, serdes_context: SerDesContext) -> Any:  # noqa: ARG002  the SDK passes it
        """Return the value of a JSON text."""
        return json.loads(data)


class EncryptedSerDes(SerDes[Any]):
    """Encrypts a result before it is checkpointed, and decrypts it on replay.

    The durable history then holds ciphertext, bound to a context: what is copied into the history of another task does
    not decrypt there. A result is at most 4,096 bytes of canonical JSON, KMS's own limit; larger ones would need a data
    key. While KMS is out of reach the invocation is tried again, and the step's outcome is not lost.
    """

    def __init__(self, cipher: Cipher, context: Mapping[str, str]) -> None:
        """Take the cipher, and what the results belong to, such as `{"task_id": …}`."""
        self._cipher = cipher
        self._context = context

    def serialize(self, value: Any, serdes_context: SerDesContext) -> str:  # noqa: ARG002  the SDK passes it
        """Return the ciphertext of a value's JSON."""
        with _retried():
            return self._cipher.encrypt(canonical(value), self._context)

    def deserialize(self, data: str, serdes_context: SerDesContext) -> Any:  # noqa: ARG002  the SDK passes it
        """Return the value of a ciphertext; fails when it belongs to something else."""
        with _retried():
            return json.loads(self._cipher.decrypt(data, self._context))


@contextmanager
def _retried() -> Iterator[None]:
    """Raise temporary failures as the SDK's retryable error; the SDK treats all others as permanent."""
    try:
        yield
    except TransientError as error:
        raise RetryableSerDesError(type(error).__name__) from error
