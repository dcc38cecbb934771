"""Secrets of the embedded cloud's providers: made up, and stored in Secrets Manager like real ones."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Mapping

from operate.embedded import aws

_BYTES = 32


def _base64() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(_BYTES)).decode()}"


_FORMS: Mapping[str, Callable[[], str]] = {
    "standard_webhooks": _base64,
    "stripe": lambda: f"whsec_{secrets.token_hex(_BYTES)}",
    "adyen": lambda: secrets.token_hex(_BYTES).upper(),
}
"""The form of a scheme's secrets, for the schemes that demand one."""


def issue(endpoint_url: str, providers: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Store a secret for each provider whose secret is empty.

    Args:
        endpoint_url: The emulator.
        providers: The `scheme` and the ARN of the `secret` of each, by its name; no ARN for one that signs nothing.

    Returns:
        The secret of each, by its name.
    """
    manager, issued = aws.client("secretsmanager", endpoint_url), {}
    for name, provider in ((name, each) for name, each in providers.items() if "secret" in each):
        kept = json.loads(manager.get_secret_value(SecretId=provider["secret"])["SecretString"])["active"]
        issued[name] = kept[0] if kept else made_up(provider["scheme"])
        if not kept:
            activate(endpoint_url, provider["secret"], issued[name])
    return issued


def activate(endpoint_url: str, secret_arn: str, *active: str) -> None:
    """Store the secrets of a provider: one, or during a rotation the old and the new one."""
    manager = aws.client("secretsmanager", endpoint_url)
    manager.put_secret_value(SecretId=secret_arn, SecretString=json.dumps({"active": active}))


def made_up(scheme: str) -> str:
    """Return a new secret in the form of a scheme."""
    return _FORMS.get(scheme, lambda: secrets.token_urlsafe(_BYTES))()
