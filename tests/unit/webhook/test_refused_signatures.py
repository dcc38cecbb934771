"""The metrics of refused signatures and malformed events."""

import json
from typing import Any

import pytest

from countersign.domain import errors
from webhook import providers

EVENT = {"pathParameters": {"provider": "stripe"}, "headers": {}, "body": "{}"}


class Refusing:
    """A use case that refuses every webhook."""

    def __init__(self, error: errors.CountersignError) -> None:
        self.error = error

    def receive(self, *_: Any) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "counted"),
    [
        (errors.SignatureError("mismatch"), ["SignaturesRefused"]),
        (errors.SecretError("has no secret"), ["SecretsUnusable"]),
        (errors.ContractError("must be a text", "/id"), ["EventsMalformed"]),
        (errors.UnknownProviderError(), []),
        (errors.MediaTypeError(), []),
    ],
)
def test_refused_events_are_counted(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: errors.CountersignError,
    counted: list[str],
) -> None:
    settings = {"LEDGER_TABLE": "ledger", "BASE_URL": "https://api.example.com", "METRICS_STAGE": "countersign-dev"}
    for name, value in {**settings, "POWERTOOLS_SERVICE_NAME": "webhook", "POWERTOOLS_METRICS_NAMESPACE": "x"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(providers, "webhooks", lambda: Refusing(error))
    with pytest.raises(type(error)):
        providers.receive(EVENT)
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    metrics = [metric for line in written for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
    assert [metric["Name"] for metric in metrics] == counted
