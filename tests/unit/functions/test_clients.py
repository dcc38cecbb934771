"""Clients of AWS: the work that they skip for speed, and the work that they keep."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ParamValidationError
from botocore.session import get_session

from countersign.functions.clients import client, session
from patterns.decider import lambda_client

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
}


@pytest.fixture(autouse=True)
def _cold(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    for made in (client, session):
        made.cache_clear()
    yield
    for made in (client, session):
        made.cache_clear()


def sent_by(made: Any) -> list[AWSPreparedRequest]:
    """Return a list that receives the client's requests instead of the network."""
    sent: list[AWSPreparedRequest] = []

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        sent.append(request)
        return AWSResponse(request.url, 200, {}, _Raw())

    made.meta.events.register("before-send", answer)
    return sent


class _Raw:
    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield b"{}"


def test_the_user_agent_names_the_sdk_and_the_runtime() -> None:
    sent = sent_by(client("dynamodb"))
    client("dynamodb").get_item(TableName="ledger", Key={"pk": {"S": "1"}, "sk": {"S": "1"}})
    (request,) = sent
    told = request.headers["User-Agent"].decode()
    assert told.startswith(get_session().user_agent())
    assert "Botocore/" in told
    assert "AWS_Lambda_python3.13" in told


def test_parameters_of_dynamodb_are_not_validated_by_the_client() -> None:
    sent = sent_by(client("dynamodb"))
    client("dynamodb").get_item(TableName="ledger", Key={"pk": {"S": 1}})
    assert len(sent) == 1


def test_parameters_of_other_services_are_validated_by_the_client() -> None:
    sent = sent_by(client("lambda"))
    with pytest.raises(ParamValidationError):
        client("lambda").send_durable_execution_callback_success(CallbackId="", Result="{}")
    assert sent == []


def test_the_client_of_the_plain_lambda_has_the_timeouts_of_the_kit() -> None:
    ours, plain = client("lambda").meta.config, lambda_client.__wrapped__().meta.config
    assert (plain.connect_timeout, plain.read_timeout) == (ours.connect_timeout, ours.read_timeout)
    assert plain.retries == ours.retries


def test_credentials_come_from_the_environment_or_without_any_from_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def places() -> list[str]:
        session.cache_clear()
        return [provider.METHOD for provider in session().get_component("credential_provider").providers]

    assert places() == ["env"]
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    assert "container-role" in places()
    session.cache_clear()
