"""The secrets of providers in AWS Secrets Manager, each as `{"active": ["…"]}`."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from countersign.adapters.failures import raised_as
from countersign.domain.errors import SecretError, SecretsUnavailableError

FRESH_SECONDS = 300
"""How long secrets are cached."""

REREAD_SECONDS = 5
"""Minimum interval between two reads: invalid signatures must not cause a flood of reads."""

_FORM = 'is not {"active": ["…"]} with at least one secret'


class ManagedSecrets:
    """Implements `countersign.ports.Secrets`."""

    def __init__(self, client: Any, arns: Mapping[str, str], seconds: Callable[[], float] = time.monotonic) -> None:
        """Set the secrets.

        Args:
            client: A client of Secrets Manager.
            arns: ARN of each provider's secret, by the provider's name.
            seconds: A monotonic clock.
        """
        self._client = client
        self._arns = arns
        self._seconds = seconds
        self._read: dict[str, tuple[float, tuple[str, ...]]] = {}
        self._tried: dict[str, float] = {}
        self._failed: dict[str, SecretError | SecretsUnavailableError] = {}

    def active(self, name: str) -> Sequence[str]:
        """See `countersign.ports.Secrets.active`. If a refresh fails, the cached secrets are used.

        Without cached secrets, a read that failed just now raises its error again.
        """
        known = self._read.get(name)
        if known is None:
            if self._has_just_tried(name):
                raise self._failed[name].with_traceback(None)
            return self._look(name)
        if self._seconds() - known[0] < FRESH_SECONDS or self._has_just_tried(name):
            return known[1]
        try:
            return self._look(name)
        except SecretsUnavailableError:
            return known[1]

    def reread(self, name: str) -> Sequence[str] | None:
        """See `countersign.ports.Secrets.reread`."""
        return None if self._has_just_tried(name) else self._look(name)

    def _has_just_tried(self, name: str) -> bool:
        """Tell whether the last read, successful or not, was just now."""
        return name in self._tried and self._seconds() - self._tried[name] < REREAD_SECONDS

    def _look(self, name: str) -> tuple[str, ...]:
        try:
            secrets = self._secrets(name)
        except (SecretError, SecretsUnavailableError) as error:
            self._failed[name] = error
            raise
        finally:
            self._tried[name] = self._seconds()
        self._read[name] = (self._seconds(), secrets)
        return secrets

    def _secrets(self, name: str) -> tuple[str, ...]:
        with raised_as(SecretsUnavailableError):
            answer = self._client.get_secret_value(SecretId=self._arns[name])
        return _secrets_of(answer.get("SecretString", ""))


def _secrets_of(text: str) -> tuple[str, ...]:
    try:
        active = json.loads(text)["active"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise SecretError(_FORM) from error
    if not isinstance(active, list) or not active or not all(isinstance(secret, str) and secret for secret in active):
        raise SecretError(_FORM)
    return tuple(active)
