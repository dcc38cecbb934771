"""The key of encrypted answers, and the rights to use it."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import CrossStackReferences, ReferenceStrength, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.components.house.rights import allow


class AnswersKey(Construct):
    """A customer key of KMS. The webhook function encrypts answers with it; only workflows decrypt them.

    Args:
        removal_policy: Whether it outlives its stack; without the key its ciphertext is lost.

    Attributes:
        environment: Variables of functions that use it.
    """

    def __init__(self, scope: Construct, construct_id: str, *, removal_policy: RemovalPolicy) -> None:
        super().__init__(scope, construct_id)
        self._key = kms.Key(
            self,
            "Key",
            description="Countersign: answers that only the workflow that asked may read",
            enable_key_rotation=True,
            removal_policy=removal_policy,
        )
        # It goes with the last workflow that asks for encrypted answers; an export in use would refuse that.
        CrossStackReferences.of(self._key).produce(ReferenceStrength.WEAK)
        self.environment: Mapping[str, str] = {"ANSWERS_KEY": self._key.key_arn}

    def grant_encrypt(self, grantee: iam.IGrantable) -> None:
        """Allow encrypting answers, not reading them."""
        self._allow(grantee, "kms:Encrypt")

    def grant_read_write(self, grantee: iam.IGrantable) -> None:
        """Allow decrypting answers, and encrypting the copies in the execution's history."""
        self._allow(grantee, "kms:Decrypt", "kms:Encrypt")

    def _allow(self, grantee: iam.IGrantable, *actions: str) -> None:
        # CDK's grants would allow kms:GenerateDataKey* and kms:ReEncrypt* too.
        allow(grantee, *actions, on=[self._key.key_arn])
