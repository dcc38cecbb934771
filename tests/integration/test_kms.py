"""Encryption by KMS, and the checkpoints that use it."""

from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from aws_durable_execution_sdk_python.serdes import SerDesContext
from botocore.exceptions import ClientError
from moto import mock_aws

from countersign.adapters.kms import MAX_BYTES, KmsCipher
from countersign.domain.errors import BodyTooLargeError, CipherUnavailableError, WrongContextError
from countersign.domain.tasks import encryption_context
from countersign.functions.clients import client
from countersign.workflows.serdes import EncryptedSerDes

MINE, OTHER = encryption_context("order-1.secret"), encryption_context("order-2.secret")
SECRET = {"pin": "4711-pin"}
CONTEXT = SerDesContext("1", "arn")


@pytest.fixture
def cipher() -> Iterator[KmsCipher]:
    with mock_aws():
        kms = client("kms")
        yield KmsCipher(kms, kms.create_key()["KeyMetadata"]["KeyId"])


class Broken:
    """KMS that answers with an error."""

    def __init__(self, code: str) -> None:
        self._error = ClientError({"Error": {"Code": code, "Message": "x"}}, "Decrypt")

    def encrypt(self, **_: Any) -> Any:
        raise self._error

    decrypt = encrypt


def test_a_ciphertext_is_decrypted_for_its_own_task_only(cipher: KmsCipher) -> None:
    sealed = cipher.encrypt(b"4711-pin", MINE)
    assert b"4711-pin" not in b64decode(sealed)
    assert cipher.decrypt(sealed, MINE) == b"4711-pin"
    with pytest.raises(WrongContextError):
        cipher.decrypt(sealed, OTHER)


@pytest.mark.parametrize("text", ["", "no base64!", "é", b64encode(b"no ciphertext").decode()])
def test_a_text_that_is_no_ciphertext_is_no_outage(cipher: KmsCipher, text: str) -> None:
    with pytest.raises(WrongContextError):
        cipher.decrypt(text, MINE)


def test_the_largest_secret_is_as_large_as_kms_takes_and_a_larger_one_is_not_sent(cipher: KmsCipher) -> None:
    largest = b"x" * MAX_BYTES
    assert cipher.decrypt(cipher.encrypt(largest, MINE), MINE) == largest
    with pytest.raises(BodyTooLargeError):
        KmsCipher(Broken("unreached"), "key").encrypt(largest + b"x", MINE)


@pytest.mark.parametrize("code", ["ThrottlingException", "KMSInternalException", "AccessDeniedException"])
def test_an_error_of_kms_is_transient(code: str) -> None:
    cipher = KmsCipher(Broken(code), "key")
    with pytest.raises(CipherUnavailableError):
        cipher.encrypt(b"x", MINE)
    with pytest.raises(CipherUnavailableError):
        cipher.decrypt("eA==", MINE)


def test_a_checkpoint_is_ciphertext_and_is_read_for_its_own_task_only(cipher: KmsCipher) -> None:
    sealed = EncryptedSerDes(cipher, MINE).serialize(SECRET, CONTEXT)
    assert "4711" not in sealed + b64decode(sealed).decode("latin-1")
    assert EncryptedSerDes(cipher, MINE).deserialize(sealed, CONTEXT) == SECRET
    with pytest.raises(WrongContextError):
        EncryptedSerDes(cipher, OTHER).deserialize(sealed, CONTEXT)
