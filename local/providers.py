"""What the providers of the embedded cloud sign with: made up here, and put where an operator puts the real ones."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from operate.embedded import aws

_BYTES = 32


def _base64() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(_BYTES)).decode()}"


_FORMS: Mapping[str, Callable[[], str]] = {
    "standard_webhooks": _base64,
    "stripe": lambda: f"whsec_{secrets.token_hex(_BYTES)}",
    "adyen": lambda: secrets.token_hex(_BYTES).upper(),
}
"""The form that a scheme gives its secrets, where any text will not do."""


def issue(endpoint_url: str, providers: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Put a signing secret for each provider that has none.

    Args:
        endpoint_url: The emulator.
        providers: The `scheme` and the ARN of the `secret` of each, by its name.

    Returns:
        The secret that each signs with, by its name.
    """
    manager = aws.client("secretsmanager", endpoint_url)
    return {name: _active(manager, provider) for name, provider in providers.items()}


def activate(endpoint_url: str, secret_arn: str, *active: str) -> None:
    """Put the secrets of a provider: one, or while it is rotated, the old and the new."""
    manager = aws.client("secretsmanager", endpoint_url)
    manager.put_secret_value(SecretId=secret_arn, SecretString=json.dumps({"active": active}))


def made_up(scheme: str) -> str:
    """Return a secret of the form that a scheme gives its own."""
    return _FORMS.get(scheme, lambda: secrets.token_urlsafe(_BYTES))()


def _active(manager: Any, provider: Mapping[str, str]) -> str:
    """Return what a provider signs with; on a cloud that was up before, it goes on with what it has."""
    standing: list[str] = json.loads(manager.get_secret_value(SecretId=provider["secret"])["SecretString"])["active"]
    if standing:
        return standing[0]
    secret = made_up(provider["scheme"])
    manager.put_secret_value(SecretId=provider["secret"], SecretString=json.dumps({"active": [secret]}))
    return secret
