"""The secrets of providers, one for each, and the right to read them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from aws_cdk import RemovalPolicy, SecretValue, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from stacks.components.house.findings import Accepted, accept
from stacks.components.house.rights import allow

_UNSET = '{"active": []}'
"""The initial value. Until an operator puts the real secrets, webhooks answer 503 and the provider retries, and looks
fail. Later deploys keep the operator's value, because this one does not change in the template."""

_ROTATED_BY_THE_PROVIDER = "The provider issues and rotates the secret; during a rotation both secrets are active"


class Providers(Construct):
    """A secret of each of a function's providers, as `{"active": ["…"]}`; two of them during a rotation.

    Args:
        secrets: What the secrets are, such as `Signing secrets`.
        providers: The function's configuration of each provider, without its secret, by name.
        without: The providers that have no such secret.

    Attributes:
        document: The same with the ARNs of the secrets, as JSON.
        environment: Variables of the function.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        secrets: str,
        providers: Mapping[str, Mapping[str, Any]],
        without: Collection[str] = (),
        removal_policy: RemovalPolicy,
    ) -> None:
        super().__init__(scope, construct_id)
        self._arns = {
            name: secret_of(self, name, f"{secrets} of the provider {name}", removal_policy).secret_arn
            for name in providers
            if name not in without
        }
        secret = {name: {"secret": arn} for name, arn in self._arns.items()}
        self.document = Stack.of(self).to_json_string(
            {name: {**provider, **secret.get(name, {})} for name, provider in providers.items()}
        )
        self.environment: Mapping[str, str] = {"PROVIDERS": self.document}

    def grant_read(self, grantee: iam.IGrantable) -> None:
        """Allow reading these secrets only."""
        if self._arns:
            allow(grantee, "secretsmanager:GetSecretValue", on=list(self._arns.values()))


def secret_of(scope: Construct, construct_id: str, what: str, removal_policy: RemovalPolicy) -> secretsmanager.Secret:
    """Build a secret that an outside service issues and an operator puts, as `{"active": ["…"]}`.

    Args:
        scope: The parent.
        construct_id: The id.
        what: Its description for the console.
        removal_policy: Whether it outlives its stack.
    """
    secret = secretsmanager.Secret(
        scope,
        construct_id,
        description=f'{what}, as {{"active": ["..."]}}',
        secret_string_value=SecretValue.unsafe_plain_text(_UNSET),
        removal_policy=removal_policy,
    )
    accept(secret, Accepted(_ROTATED_BY_THE_PROVIDER, solutions="SMG4", nist="SecretsManagerRotationEnabled"))
    return secret
