"""Encrypted checkpoints."""

import pytest
from aws_durable_execution_sdk_python.exceptions import RetryableSerDesError
from aws_durable_execution_sdk_python.serdes import SerDesContext

from countersign.domain.errors import CipherUnavailableError
from countersign.testing.fakes import MemoryCipher
from countersign.workflows.serdes import EncryptedSerDes

CONTEXT = SerDesContext("1", "arn")


def test_an_unavailable_cipher_makes_the_checkpoint_retry() -> None:
    cipher = MemoryCipher([CipherUnavailableError("KMS")])
    serdes = EncryptedSerDes(cipher, {"task_id": "order-1.secret"})
    with pytest.raises(RetryableSerDesError):
        serdes.serialize({"pin": "4711"}, CONTEXT)
    sealed = serdes.serialize({"pin": "4711"}, CONTEXT)
    cipher.failures.append(CipherUnavailableError("KMS"))
    with pytest.raises(RetryableSerDesError):
        serdes.deserialize(sealed, CONTEXT)
    assert serdes.deserialize(sealed, CONTEXT) == {"pin": "4711"}
