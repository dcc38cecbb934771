"""Encryption by AWS KMS, with an encryption context."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from countersign.adapters.failures import raised_as
from countersign.domain.errors import BodyTooLargeError, CipherUnavailableError, WrongContextError

MAX_BYTES = 4096
"""Limit of https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html. More would need a data key, and AES in
the function."""

_FOREIGN = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})


class KmsCipher:
    """Implements `countersign.ports.Cipher`. CloudTrail logs the context, so it must not contain secrets.

    https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
    """

    def __init__(self, client: Any, key_id: str) -> None:
        """Set the KMS client, and the id or ARN of a symmetric key."""
        self._client = client
        self._key_id = key_id

    def encrypt(self, plain: bytes, context: Mapping[str, str]) -> str:
        """See `countersign.ports.Cipher.encrypt`."""
        if len(plain) > MAX_BYTES:
            raise BodyTooLargeError(MAX_BYTES)
        with raised_as(CipherUnavailableError):
            answer = self._client.encrypt(KeyId=self._key_id, Plaintext=plain, EncryptionContext=dict(context))
        return b64encode(answer["CiphertextBlob"]).decode()

    def decrypt(self, ciphertext: str, context: Mapping[str, str]) -> bytes:
        """See `countersign.ports.Cipher.decrypt`."""
        try:
            blob = b64decode(ciphertext, validate=True)
        except ValueError as error:  # not base64, or not even ASCII
            raise WrongContextError from error
        with raised_as(lambda code: WrongContextError() if code in _FOREIGN else CipherUnavailableError(code)):
            answer = self._client.decrypt(KeyId=self._key_id, CiphertextBlob=blob, EncryptionContext=dict(context))
        plain: bytes = answer["Plaintext"]
        return plain
