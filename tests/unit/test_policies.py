"""Policies in settings: the functions read the rows, and mistakes are refused before synthesis."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from countersign.domain.policy import Band, Escalation, Policy, Terms
from countersign.domain.rules import Rule
from stacks.stage.fields import Table
from stacks.stage.policies import PolicyEscalation, PolicyRow, PolicyRule, compact, policy_document
from tests.unit.test_settings import VALID as WITHOUT
from tests.unit.test_settings import load, refused

POLICY = """
[[policies.order-approval]]
currency = "EUR"
up_to = "50.00"
auto_approve = true

[[policies.order-approval]]
currency = "USD"
up_to = "100"

[[policies.order-approval]]
currency = "EUR"
approvers = ["cfo@example.com", "ceo@example.com"]
rule = { kind = "quorum", k = 2, veto = true }
deadline_seconds = 3600
reminders_seconds = [600, 1200]
escalations = [{ after_seconds = 1800, to = ["board@example.com"] }]
"""
VALID = WITHOUT + POLICY
DOCUMENT: list[dict[str, Any]] = [
    {"currency": "EUR", "up_to": "50.00", "auto_approve": True},
    {"currency": "USD", "up_to": "100"},
    {
        "currency": "EUR",
        "approvers": ["cfo@example.com", "ceo@example.com"],
        "rule": {"kind": "quorum", "k": 2, "veto": True},
        "deadline_seconds": 3600,
        "reminders_seconds": [600, 1200],
        "escalations": [{"after_seconds": 1800, "to": ["board@example.com"]}],
    },
]
KEY = "policies.order-approval"


def test_the_functions_read_the_rows_of_the_settings(tmp_path: Path) -> None:
    document = policy_document(load(tmp_path, VALID).policies["order-approval"])
    assert document == DOCUMENT
    assert Policy.from_document(json.loads(compact(document))) == Policy.from_document(DOCUMENT)


@pytest.mark.parametrize(
    ("table", "in_the_domain"), [(PolicyRule, (Rule,)), (PolicyEscalation, (Escalation,)), (PolicyRow, (Band, Terms))]
)
def test_a_table_has_the_fields_of_its_domain_class(table: type[Table], in_the_domain: Any) -> None:
    fields = {field.name for each in in_the_domain for field in dataclasses.fields(each)}
    assert table.model_fields.keys() == fields - {"terms", "policy", "floor"}


def test_without_rows_there_is_no_policy(tmp_path: Path) -> None:
    assert load(tmp_path).policies == {}


@pytest.mark.parametrize(
    ("written", "instead", "key", "value", "allowed"),
    [
        ('up_to = "100"', 'upto = "100"', "[2].upto", "100", "one of currency, up_to"),
        ('up_to = "100"', "up_to = 100", "[2].up_to", 100, "text in quotes, an amount such as 5000.00"),
        ('up_to = "100"', 'up_to = "1e3"', "[2].up_to", "1e3", "an amount such as 5000.00"),
        ('up_to = "100"', 'up_to = ""', "[2].up_to", "", "an amount such as 5000.00"),
        ('"USD"', '"usd"', "[2].currency", "usd", "an ISO 4217 code such as EUR"),
        ('currency = "USD"\n', "", "[2].up_to", "100", "nothing in a row without currency"),
        ('currency = "USD"\nup_to = "100"', 'currency = "EUR"\nup_to = "50"', "[2].up_to", "50", "above 50.00"),
        ('currency = "USD"\nup_to = "100"', 'currency = "EUR"\nup_to = "9"', "[2].up_to", "9", "above 50.00"),
        ('currency = "USD"\nup_to = "100"', 'currency = "EUR"', "[3].up_to", "", "no row after the row of EUR"),
        (
            *('currency = "EUR"\nup_to = "50.00"\n', 'currency = "CHF"\n', "[1].up_to", None),
            "an amount, with auto_approve",
        ),
        ("auto_approve = true", 'auto_approve = "yes"', "[1].auto_approve", "yes", "true or false"),
        ("auto_approve = true", "auto_approve = true\nreminders_seconds = []", "[1].reminders_seconds", [], "nothing"),
        ("auto_approve = true", "auto_approve = true\nconfirm = true", "[1].confirm", True, "nothing"),
        (
            *("k = 2, veto = true }", 'k = 2 }\ncomment = "long"', "[3].comment", "long"),
            "one of required, required_on_reject",
        ),
        (
            *("auto_approve = true", 'auto_approve = true\nrule = { kind = "any" }', "[1].rule", {"kind": "any"}),
            "nothing, with auto_approve",
        ),
        ('"ceo@example.com"', '"ceo"', "[3].approvers", ["cfo@example.com", "ceo"], "each an e-mail address in ASCII"),
        (
            *('"ceo@example.com"', '"CFO@example.com"', "[3].approvers", ["cfo@example.com", "CFO@example.com"]),
            "1 to 20 addresses, without duplicates",
        ),
        ('["cfo@example.com", "ceo@example.com"]', "[]", "[3].approvers", [], "1 to 20 addresses"),
        ('["board@example.com"]', "[]", "[3].escalations[1].to", [], "1 to 20 addresses"),
        (
            *('"board@example.com"', '"board@example.com", "CEO@example.com"', "[3].escalations[1].to"),
            *(["board@example.com", "CEO@example.com"], "people who are not approvers of the row"),
        ),
        ("k = 2", "k = 3", "[3].rule.k", 3, "1 to 2, the number of approvers"),
        ("k = 2", "k = 0", "[3].rule.k", 0, "a whole number, 1 to 20"),
        ("k = 2, ", "", "[3].rule.k", None, "a whole number for a quorum"),
        ('"quorum"', '"all"', "[3].rule.k", 2, "nothing for any other kind"),
        ('"quorum"', '"most"', "[3].rule.kind", "most", "one of any, all, quorum, in_order"),
        ("veto = true", "vetoes = true", "[3].rule.vetoes", True, "one of kind, k, veto"),
        ("= 3600\nrem", "= 3601\nrem", "[3].deadline_seconds", 3601, "at most 3600"),
        ("= 3600\nrem", "= 0\nrem", "[3].deadline_seconds", 0, "a whole number, 1 second or more"),
        ("[600, 1200]", "[600, 3600]", "[3].reminders_seconds", 3600, "less than 3600"),
        ("[600, 1200]", "[600, true]", "[3].reminders_seconds", [600, True], "a list of whole numbers"),
        ("[600, 1200]", "600", "[3].reminders_seconds", 600, "a list of whole numbers"),
        ("after_seconds = 1800", "after_seconds = 3600", "[3].escalations[1].after_seconds", 3600, "less than 3600"),
        ("after_seconds = 1800, ", "", "[3].escalations[1].after_seconds", None, "a whole number"),
        (
            *("escalations = [{ after", "escalations = [{ before = 1, after", "[3].escalations[1].before", 1),
            "one of after",
        ),
    ],
)
def test_a_mistake_is_refused_with_key_value_rule_and_fix(
    tmp_path: Path, written: str, instead: str, key: str, value: object, allowed: str
) -> None:
    assert VALID.count(written) == 1
    refusal = refused(tmp_path, VALID.replace(written, instead))
    assert (refusal.key, refusal.value) == (KEY + key, value)
    assert allowed in refusal.allowed
    assert refusal.fix


def test_a_policy_for_a_workflow_that_is_not_deployed_is_refused(tmp_path: Path) -> None:
    refusal = refused(tmp_path, VALID.replace("policies.order-approval", "policies.payment"))
    assert (refusal.key, refusal.value) == ("policies", "payment")
    assert refusal.allowed == "the name of a workflow: order-approval"


def test_a_single_table_is_not_a_list_of_rows(tmp_path: Path) -> None:
    refusal = refused(tmp_path, WITHOUT + '[policies.order-approval]\ncurrency = "EUR"\n')
    assert (refusal.key, refusal.allowed) == (KEY, f"tables [[{KEY}]]")
