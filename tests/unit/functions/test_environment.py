"""Environments of functions: the required variables, and the error for a missing one."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import approver.handler
import bus_events.handler
import executions.handler
import held_payments.handler
import relay.handler
import requests_api.use_cases
import sweeper.handler
from countersign.composition import Ports, use
from countersign.domain.errors import MissingSettingError
from countersign.functions.environment import TABLES_FILE, Environment

ARN = "arn:aws:lambda:eu-central-1:111122223333:function:order-approval:live"
ENVIRONMENT = {
    "LEDGER_TABLE": "ledger",
    "DIRECTORY_TABLE": "directory",
    "CHANNEL": "email",
    "STAGE": "dev",
    "BASE_URL": "https://review.example.com",
    "WORKFLOW_ARN": ARN,
    "DEADLINE_SECONDS": "600",
    "GRACE_SECONDS": "300",
    "LIMITS_TABLE": "limits",
    "WAITING": "3",
    "AT_MOST_SECONDS": "240",
}
TABLES: dict[str, Any] = {
    "policies": {},
    "requests": {
        "providers": ["stripe"],
        "requester": "caller",
        "approver_domains": ["example.com"],
        "prover": "",
        "callers": {},
    },
    "workflows": {
        "payment": {"function": "payment-1:live", "deadline_seconds": 600, "contract": "payment", "retired": False}
    },
}

NEEDED: list[tuple[Callable[[], Any], set[str]]] = [
    (approver.handler.deliveries, {"BASE_URL", "LEDGER_TABLE", "STAGE"}),
    (executions.handler.executions, {"LEDGER_TABLE"}),
    (relay.handler.rings, {"LEDGER_TABLE"}),
    (requests_api.use_cases.submissions, {"LEDGER_TABLE", "DIRECTORY_TABLE", *TABLES}),
    (requests_api.use_cases.waiting, {"LEDGER_TABLE", "LIMITS_TABLE", "WAITING"}),
    (bus_events.handler.bus_events, {"LEDGER_TABLE"}),
    (held_payments.handler.submissions, {"LEDGER_TABLE", "WORKFLOW_ARN", "DEADLINE_SECONDS"}),
    (sweeper.handler.sweeps, {"LEDGER_TABLE", "workflows", "GRACE_SECONDS"}),
    (sweeper.handler.at_most, {"AT_MOST_SECONDS"}),
]


@pytest.fixture(autouse=True)
def _no_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("countersign.composition.client", lambda *_, **__: object())


@pytest.mark.parametrize(("make", "name"), [(make, name) for make, names in NEEDED for name in sorted(names)])
@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_or_a_table_that_is_missing_is_named(make: Callable[[], Any], name: str, value: str | None) -> None:
    environment = {key: text for key, text in ENVIRONMENT.items() if key != name} | ({name: ""} if value == "" else {})
    tables = {key: table for key, table in TABLES.items() if key != name}
    with use(Ports(environment, tables)), pytest.raises(MissingSettingError, match=name):
        make()


@pytest.mark.parametrize(("make", "names"), NEEDED)
def test_a_function_needs_these_variables_and_tables_and_no_other_and_makes_its_use_case_once(
    make: Callable[[], Any], names: set[str]
) -> None:
    variables, tables = ({name: one[name] for name in names & one.keys()} for one in (ENVIRONMENT, TABLES))
    with use(Ports(variables, tables)):
        assert make() is make()


def test_variables_are_read_as_text_json_and_seconds() -> None:
    environment = Environment({"NAME": " value ", "GRACE": "300", "BASE_URL": "https://review.example.com/"})
    assert (environment.text("NAME"), environment.text("CHANNEL", "email")) == (" value ", "email")
    assert (environment.document("PARTNERS", "{}"), environment.seconds("GRACE")) == ({}, timedelta(minutes=5))
    assert environment.base_url == "https://review.example.com"


def test_tables_are_a_file_of_the_function_s_code(tmp_path: Path) -> None:
    (tmp_path / TABLES_FILE).write_text('{"policy": [{"currency": "EUR"}]}')
    assert Environment({"LAMBDA_TASK_ROOT": str(tmp_path)}).table("policy") == [{"currency": "EUR"}]
