"""References to secrets in CloudFormation."""
# mypy: disable-error-code="import-not-found"
# ruff: noqa: SLF001

from __future__ import annotations

from typing import Any

from ministack.services import secretsmanager
from ministack.services.cloudformation import provisioners


def refer_to_secrets_by_arn() -> None:
    """Return a secret's ARN for a template's `Ref` to it.

    Upstream returns the secret's name, which no policy can name as a resource. On AWS `Ref` returns the ARN
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html,
    "Return values").
    """
    secrets = provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]
    create, update, delete = (secrets[act] for act in ("create", "update", "delete"))

    def create_secret(*args: Any, **kwargs: Any) -> Any:
        _, attributes = create(*args, **kwargs)
        return attributes["Arn"], attributes

    def update_secret(arn: str, *args: Any, **kwargs: Any) -> Any:
        _, attributes = update(_name(arn), *args, **kwargs)
        return attributes["Arn"], attributes

    def delete_secret(arn: str, *args: Any, **kwargs: Any) -> Any:
        return delete(_name(arn), *args, **kwargs)

    secrets |= {"create": create_secret, "update": update_secret, "delete": delete_secret}


def _name(arn: str) -> str:
    name, _ = secretsmanager._resolve(arn)
    return name or arn
