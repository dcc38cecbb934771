"""Secrets in Secrets Manager: cached, read again after a rotation, and used during an outage."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from countersign.adapters.secrets import FRESH_SECONDS, REREAD_SECONDS, ManagedSecrets
from countersign.domain.errors import SecretError, SecretsUnavailableError

ARN = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:pay-AbCdEf"
DENIED = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "as AWS says it"}}, "GetSecretValue")
BROKEN = ConnectTimeoutError(endpoint_url="https://secretsmanager.example.com")


class Manager:
    """Secrets Manager with a clock that the test moves."""

    def __init__(self, *active: str) -> None:
        self.answer: Any = json.dumps({"active": list(active)})
        self.asked: list[str] = []
        self.now = 1000.0
        self.secrets = ManagedSecrets(self, {"pay": ARN, "other": f"{ARN}-2"}, lambda: self.now)

    def get_secret_value(self, **arguments: str) -> dict[str, Any]:
        self.asked.append(arguments["SecretId"])
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"ARN": ARN} | ({} if self.answer is None else {"SecretString": self.answer})

    def hold(self, *active: str) -> None:
        self.answer = json.dumps({"active": list(active)})


def test_each_provider_has_a_secret_of_its_own() -> None:
    manager = Manager("one")
    manager.secrets.active("pay")
    manager.hold("two")
    assert (manager.secrets.active("other"), manager.secrets.active("pay")) == (("two",), ("one",))
    assert manager.asked == [ARN, f"{ARN}-2"]


def test_a_secret_is_read_again_after_its_lifetime() -> None:
    manager = Manager("one")
    manager.secrets.active("pay")
    manager.hold("two")
    manager.now += FRESH_SECONDS
    assert manager.secrets.active("pay") == ("two",)


def test_a_reread_secret_replaces_the_cached_one() -> None:
    manager = Manager("one")
    manager.secrets.active("pay")
    manager.hold("two")
    manager.now += REREAD_SECONDS
    assert manager.secrets.reread("pay") == ("two",)
    assert manager.secrets.active("pay") == ("two",)
    assert len(manager.asked) == 2


def test_a_reread_right_after_a_read_is_skipped() -> None:
    manager = Manager("one")
    manager.secrets.active("pay")
    for _ in range(100):
        manager.now += (REREAD_SECONDS - 1) / 100
        assert manager.secrets.reread("pay") is None
    assert len(manager.asked) == 1


def test_failed_rereads_are_limited() -> None:
    manager = Manager("one")
    manager.secrets.active("pay")
    manager.answer = DENIED
    manager.now += REREAD_SECONDS
    with pytest.raises(SecretsUnavailableError):
        manager.secrets.reread("pay")
    for _ in range(100):
        assert manager.secrets.reread("pay") is None
    assert len(manager.asked) == 2


@pytest.mark.parametrize("failure", [DENIED, BROKEN])
def test_cached_secrets_are_used_while_new_ones_cannot_be_read(failure: Exception) -> None:
    manager = Manager("one")
    manager.secrets.active("pay")
    manager.answer = failure
    manager.now += FRESH_SECONDS
    for _ in range(100):
        assert manager.secrets.active("pay") == ("one",)
    assert len(manager.asked) == 2
    manager.hold("two")
    manager.now += REREAD_SECONDS
    assert manager.secrets.active("pay") == ("two",)


@pytest.mark.parametrize(
    ("answer", "error", "told"),
    [
        (DENIED, SecretsUnavailableError, "AccessDeniedException"),
        (BROKEN, SecretsUnavailableError, "ConnectTimeoutError"),
        ('{"active": []}', SecretError, "with at least one secret"),
    ],
)
def test_without_a_cached_secret_failed_reads_are_limited_and_every_post_gets_the_reason(
    answer: Any, error: type[Exception], told: str
) -> None:
    manager = Manager()
    manager.answer = answer
    depths = set()
    for _ in range(100):
        with pytest.raises(error, match=told) as refused:
            manager.secrets.active("pay")
        depths.add(len(refused.traceback))
    assert manager.asked == [ARN]
    assert len(depths) <= 2, "a repeated error does not grow"
    manager.hold("one")
    manager.now += REREAD_SECONDS
    assert manager.secrets.active("pay") == ("one",)


@pytest.mark.parametrize(
    "text",
    [
        *(None, "", "whsec_plain", "null", "[]", "{}", '"active"', '{"active": null}', '{"active": "whsec_plain"}'),
        *('{"active": []}', '{"active": [""]}', '{"active": ["whsec_plain", 7]}', '{"active": {"whsec_plain": 1}}'),
        *('{"active": ["whsec_plain"', "[" * 60_000),
    ],
)
def test_a_secret_of_another_form_is_refused_without_its_content(text: str | None) -> None:
    manager = Manager()
    manager.answer = text
    with pytest.raises(SecretError) as refused:
        manager.secrets.active("pay")
    assert "whsec_plain" not in str(refused.value) + refused.value.reason
