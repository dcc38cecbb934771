"""Settings of the functions: read from the environment, and missing by name."""

import json
from collections.abc import Mapping
from typing import Any, Protocol

import pytest

import approver.settings
import executions.settings
import publisher.settings
import relay.settings
import requests_api.settings
import webhook.settings
from countersign.environment import MissingSettingError, required

ARN = "arn:aws:lambda:eu-central-1:111122223333:function:order-approval:live"
ENVIRONMENT = {
    "LEDGER_TABLE": "ledger",
    "BUS_NAME": "bus",
    "BASE_URL": "https://review.example.com",
    "STAGE": "dev",
    "WORKFLOWS": json.dumps({"order-approval": {"arn": ARN, "deadline_seconds": 259200}}),
}


class Loads(Protocol):
    def load(self, environment: Mapping[str, str]) -> Any: ...


NEEDED: list[tuple[Loads, set[str]]] = [
    (approver.settings.Settings, {"LEDGER_TABLE", "BASE_URL", "STAGE"}),
    (executions.settings.Settings, {"LEDGER_TABLE"}),
    (publisher.settings.Settings, {"LEDGER_TABLE", "BUS_NAME"}),
    (relay.settings.Settings, {"LEDGER_TABLE"}),
    (requests_api.settings.Settings, {"LEDGER_TABLE", "WORKFLOWS"}),
    (webhook.settings.Settings, {"LEDGER_TABLE"}),
]


@pytest.mark.parametrize(
    ("settings", "name"), [(settings, name) for settings, names in NEEDED for name in sorted(names)]
)
@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_missing_or_empty_is_named(settings: Loads, name: str, value: str | None) -> None:
    environment = {key: text for key, text in ENVIRONMENT.items() if key != name} | ({name: ""} if value == "" else {})
    with pytest.raises(MissingSettingError, match=name):
        settings.load(environment)


@pytest.mark.parametrize(("settings", "names"), NEEDED)
def test_a_function_needs_these_variables_and_no_other(settings: Loads, names: set[str]) -> None:
    assert settings.load({name: ENVIRONMENT[name] for name in names}).ledger_table == "ledger"


def test_links_are_made_from_a_base_without_a_slash_at_the_end() -> None:
    loaded = approver.settings.Settings.load(ENVIRONMENT | {"BASE_URL": "https://review.example.com/"})
    assert loaded.base_url == "https://review.example.com"


def test_workflows_have_an_alias_and_a_deadline_each() -> None:
    loaded = requests_api.settings.Settings.load(ENVIRONMENT)
    assert (loaded.functions, loaded.deadlines) == ({"order-approval": ARN}, {"order-approval": 259200})


def test_a_value_that_is_there_is_returned_as_it_is() -> None:
    assert required({"NAME": " value "}, "NAME") == " value "
