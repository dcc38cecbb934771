"""The providers that post webhooks: a secret for each, and who may read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import RemovalPolicy, SecretValue, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from stacks.components.house.findings import accept, acknowledge
from stacks.components.house.rights import allow

_UNSET = '{"active": []}'
"""Until an operator puts the real ones, webhooks answer 503, and the provider posts again. A deploy puts it once: it
leaves alone what stands in a secret whose template has not changed."""

_ROTATED_BY_THE_PROVIDER = "The provider issues the secret: it is rotated there, and both are active meanwhile"


class Providers(Construct):
    """The signing secrets of the stage's providers, as `{"active": ["…"]}`; while one is rotated, both.

    Args:
        providers: What the function reads of each provider beside its secret, by name.

    Attributes:
        document: What each provider posts, and the ARN of its secret, by its name, as JSON.
        environment: What the function reads that takes their webhooks.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        providers: Mapping[str, Mapping[str, Any]],
        removal_policy: RemovalPolicy,
    ) -> None:
        super().__init__(scope, construct_id)
        self._arns = {
            name: secret_of(self, name, f"Signing secrets of the provider {name}", removal_policy).secret_arn
            for name in providers
        }
        self.document = Stack.of(self).to_json_string(
            {name: {**provider, "secret": self._arns[name]} for name, provider in providers.items()}
        )
        self.environment: Mapping[str, str] = {"PROVIDERS": self.document}

    def grant_read(self, grantee: iam.IGrantable) -> None:
        """Let it read the secrets, these and no others."""
        if self._arns:
            allow(grantee, "secretsmanager:GetSecretValue", on=list(self._arns.values()))


def secret_of(scope: Construct, construct_id: str, what: str, removal_policy: RemovalPolicy) -> secretsmanager.Secret:
    """Build a secret of somebody outside, for an operator to put, as `{"active": ["…"]}`.

    Args:
        scope: The parent.
        construct_id: The id.
        what: What it is, for whoever finds it in the console.
        removal_policy: What becomes of it when its stack is deleted.
    """
    secret = secretsmanager.Secret(
        scope,
        construct_id,
        description=f'{what}, as {{"active": ["..."]}}',
        secret_string_value=SecretValue.unsafe_plain_text(_UNSET),
        removal_policy=removal_policy,
    )
    acknowledge(secret, "SMG4", _ROTATED_BY_THE_PROVIDER)
    accept(secret, _ROTATED_BY_THE_PROVIDER, nist="SecretsManagerRotationEnabled")
    return secret
