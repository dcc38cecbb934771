"""Settings of the functions: read from the environment, and missing by name."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol

import pytest

import approver.settings
import bus_events.settings
import executions.settings
import held_payments.settings
import publisher.settings
import relay.settings
import requests_api.settings
import sweeper.settings
import webhook.settings
from countersign.domain.errors import MissingSettingError
from countersign.functions.environment import required
from countersign.services.bus_events import Partner
from countersign.services.submissions import Startable
from countersign.services.webhooks import Source

ARN = "arn:aws:lambda:eu-central-1:111122223333:function:order-approval:live"
ENVIRONMENT = {
    "LEDGER_TABLE": "ledger",
    "BUS_NAME": "bus",
    "BASE_URL": "https://review.example.com",
    "STAGE": "dev",
    "DEAD_LETTERS_URL": "https://sqs.eu-central-1.amazonaws.com/111122223333/results-dlq",
    "WORKFLOW_ARN": ARN,
    "DEADLINE_SECONDS": "600",
    "WORKFLOW_ARNS": json.dumps({"order-approval": ARN}),
    "GRACE_SECONDS": "300",
    "AT_MOST_SECONDS": "240",
    "REQUESTS": json.dumps({"providers": ["stripe"], "requester": "caller", "approver_domains": ["example.com"]}),
    "WORKFLOWS": json.dumps(
        {
            "payment": {"function": "payment-1:live", "deadline_seconds": 600},
            "second-look": {"function": "second-look-2:live", "deadline_seconds": 259200, "contract": "order-approval"},
        }
    ),
}


class Loads(Protocol):
    def load(self, environment: Mapping[str, str]) -> Any: ...


NEEDED: list[tuple[Loads, set[str]]] = [
    (approver.settings.Settings, {"LEDGER_TABLE", "BASE_URL", "STAGE"}),
    (executions.settings.Settings, {"LEDGER_TABLE"}),
    (publisher.settings.Settings, {"LEDGER_TABLE", "BUS_NAME"}),
    (relay.settings.Settings, {"LEDGER_TABLE"}),
    (requests_api.settings.Settings, {"LEDGER_TABLE", "WORKFLOWS", "REQUESTS"}),
    (bus_events.settings.Settings, {"LEDGER_TABLE", "DEAD_LETTERS_URL"}),
    (held_payments.settings.Settings, {"LEDGER_TABLE", "WORKFLOW_ARN", "DEADLINE_SECONDS"}),
    (sweeper.settings.Settings, {"LEDGER_TABLE", "WORKFLOW_ARNS", "GRACE_SECONDS", "AT_MOST_SECONDS"}),
    (webhook.settings.Settings, {"LEDGER_TABLE", "BASE_URL"}),
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


def test_workflows_have_an_alias_a_deadline_and_a_contract_each_that_of_their_name_by_default() -> None:
    loaded = requests_api.settings.Settings.load(ENVIRONMENT)
    assert loaded.functions == {"payment": "payment-1:live", "second-look": "second-look-2:live"}
    assert loaded.workflows == {
        "payment": Startable(600, "payment"),
        "second-look": Startable(259200, "order-approval"),
    }


def test_partners_are_known_by_the_source_of_their_events_and_there_may_be_none() -> None:
    source = "aws.partner/stripe.com/ed_1001"
    partners = {source: {"name": "stripe", "scheme": "stripe"}}
    assert bus_events.settings.Settings.load(ENVIRONMENT).partners == {}
    loaded = bus_events.settings.Settings.load(ENVIRONMENT | {"PARTNERS": json.dumps(partners)})
    assert loaded.partners == {source: Partner("stripe", Source("stripe"))}


def test_settlements_start_one_workflow_by_its_alias_with_its_deadline_and_contract() -> None:
    loaded = held_payments.settings.Settings.load(ENVIRONMENT)
    assert loaded.functions == {"held-payment": ARN}
    assert loaded.workflows == {"held-payment": Startable(600, "held-payment")}


def test_the_sweeper_starts_workflows_by_their_aliases_and_knows_its_times() -> None:
    loaded = sweeper.settings.Settings.load(ENVIRONMENT)
    assert loaded.functions == {"order-approval": ARN}
    assert (loaded.grace, loaded.at_most) == (timedelta(minutes=5), timedelta(minutes=4))


def test_a_value_that_is_there_is_returned_as_it_is() -> None:
    assert required({"NAME": " value "}, "NAME") == " value "
