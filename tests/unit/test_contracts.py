"""Contracts: what each schema takes, and where it says that something is wrong."""

import json
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign import contracts
from countersign.domain.errors import ContractError
from tests.builders import REQUESTER, WORKFLOW, any_envelope, any_input, any_request

INPUT = f"{WORKFLOW}.input"
SAMPLES = {"request": any_request(), "envelope": any_envelope(), INPUT: any_input()}
ABSENT = object()
SECRET = "s3cr3t-w0rd"

VALID: dict[str, list[dict[str, Any]]] = {
    "request": [
        {"request_id": "x"},
        {"request_id": "A-Za-z0-9_" * 6 + "1234"},
        {"input": {}},
        {"workflow": "w" * 64},
    ],
    "envelope": [
        {"kind": "payment.requested"},
        {"kind": "approval.reminder", "attempt": 20},
        {"kind": "two_words2.escalated"},
        {"callback": {"url": "https://api.example.com/callbacks", "token": "t"}},
    ],
    INPUT: [
        {"amount": "0"},
        {"amount": "0.000001"},
        {"amount": "999999999999999999.999999"},
        {"description": ""},
        {"description": "ä" * 20_000},
        {"approvers": [f"p{number}@example.com" for number in range(20)]},
        {"requester": "first.last+tag@sub.example.co"},
        {"deadline_seconds": 1},
        {"deadline_seconds": 31_536_000},
        {"reminders_seconds": []},
        {"reminders_seconds": [1, 31_536_000]},
        {"rule": {"kind": "any"}},
        {"rule": {"kind": "in_order"}},
        {"rule": {"kind": "quorum", "k": 1, "veto": True}},
        {"rule": {"kind": "quorum", "k": 2}, "approvers": ["maria@example.com", "otto@example.com"]},
    ],
}

INVALID: dict[str, list[tuple[dict[str, Any], str]]] = {
    "request": [
        ({"workflow": ABSENT}, ""),
        ({"request_id": ABSENT}, ""),
        ({"input": ABSENT}, ""),
        ({"extra": 1}, ""),
        ({"workflow": ""}, "/workflow"),
        ({"workflow": "w" * 65}, "/workflow"),
        ({"workflow": 1}, "/workflow"),
        ({"workflow": None}, "/workflow"),
        ({"request_id": ""}, "/request_id"),
        ({"request_id": "x" * 65}, "/request_id"),
        ({"request_id": "a b"}, "/request_id"),
        ({"request_id": "a.b"}, "/request_id"),
        ({"request_id": "a/b"}, "/request_id"),
        ({"request_id": "a\n"}, "/request_id"),
        ({"request_id": "é"}, "/request_id"),
        ({"request_id": "１"}, "/request_id"),
        ({"request_id": 1001}, "/request_id"),
        ({"input": []}, "/input"),
        ({"input": "{}"}, "/input"),
        ({"input": None}, "/input"),
    ],
    "envelope": [
        *(({name: ABSENT}, "") for name in any_envelope()),
        ({"extra": 1}, ""),
        ({"version": 2}, "/version"),
        ({"version": "1"}, "/version"),
        ({"kind": "approval"}, "/kind"),
        ({"kind": "approval.decided"}, "/kind"),
        ({"kind": "Approval.requested"}, "/kind"),
        ({"kind": "approval.requested\n"}, "/kind"),
        ({"task_id": "r."}, "/task_id"),
        ({"task_id": "x" * 201}, "/task_id"),
        ({"request_id": "order 1001"}, "/request_id"),
        ({"workflow": ""}, "/workflow"),
        ({"expires_at": None}, "/expires_at"),
        ({"expires_at": "tomorrow"}, "/expires_at"),
        ({"attempt": 0}, "/attempt"),
        ({"attempt": "1"}, "/attempt"),
        ({"attempt": True}, "/attempt"),
        ({"task": []}, "/task"),
        ({"callback": {}}, "/callback"),
        ({"callback": {"url": "u", "token": ""}}, "/callback/token"),
        ({"callback": {"url": "", "token": "t"}}, "/callback/url"),
        ({"callback": {"url": "u", "token": "t", "id": "1"}}, "/callback"),
    ],
    INPUT: [
        *(({name: ABSENT}, "") for name in any_input()),
        ({"extra": 1}, ""),
        ({"order_id": ""}, "/order_id"),
        ({"order_id": "x" * 129}, "/order_id"),
        ({"order_id": 1001}, "/order_id"),
        *(
            ({"amount": amount}, "/amount")
            for amount in (
                "",
                "-1",
                "+1",
                "01",
                ".5",
                "1.",
                "1,50",
                "1e3",
                "1.0000001",
                "1" * 19,
                "NaN",
                " 1",
                "1\n",
                "１",
                250,
                1.5,
                None,
            )
        ),
        *(({"currency": currency}, "/currency") for currency in ("", "eur", "EURO", "EU", "€€€", "EUR\n", 978)),
        ({"description": "x" * 20_001}, "/description"),
        ({"description": None}, "/description"),
        *(
            ({"requester": address}, "/requester")
            for address in (
                "",
                "rita",
                "rita@",
                "@example.com",
                "rita@@example.com",
                "rita example@example.com",
                "rita@example.com\n",
                "rita@example..com",
                "rita@-example.com",
                "Rita <rita@example.com>",
                "a@b.c,d@e.f",
                "rita@exämple.com",
                "r" * 65 + "@example.com",
                "r@" + "e" * 64 + ".com",
                "rita@" + "e." * 125 + "com",
                None,
            )
        ),
        ({"approvers": []}, "/approvers"),
        ({"approvers": "maria@example.com"}, "/approvers"),
        ({"approvers": ["maria@example.com"] * 2}, "/approvers"),
        ({"approvers": [f"p{number}@example.com" for number in range(21)]}, "/approvers"),
        ({"approvers": ["maria@example.com", "otto"]}, "/approvers/1"),
        ({"approvers": [None]}, "/approvers/0"),
        ({"deadline_seconds": 0}, "/deadline_seconds"),
        ({"deadline_seconds": -1}, "/deadline_seconds"),
        ({"deadline_seconds": 31_536_001}, "/deadline_seconds"),
        ({"deadline_seconds": "60"}, "/deadline_seconds"),
        ({"deadline_seconds": 1.5}, "/deadline_seconds"),
        ({"deadline_seconds": True}, "/deadline_seconds"),
        ({"deadline_seconds": None}, "/deadline_seconds"),
        ({"reminders_seconds": 60}, "/reminders_seconds"),
        ({"reminders_seconds": [0]}, "/reminders_seconds/0"),
        ({"reminders_seconds": [60, "120"]}, "/reminders_seconds/1"),
        ({"reminders_seconds": list(range(1, 22))}, "/reminders_seconds"),
        ({"rule": "any"}, "/rule"),
        ({"rule": {}}, "/rule"),
        ({"rule": {"kind": "most"}}, "/rule/kind"),
        ({"rule": {"kind": "quorum", "k": 0}}, "/rule/k"),
        ({"rule": {"kind": "quorum", "k": 21}}, "/rule/k"),
        ({"rule": {"kind": "quorum", "k": "2"}}, "/rule/k"),
        ({"rule": {"kind": "all", "veto": "yes"}}, "/rule/veto"),
        ({"rule": {"kind": "quorum", "k": 2}}, "/rule/k"),
        ({"rule": {"kind": "quorum", "k": 2}, "approvers": ["maria@example.com", REQUESTER.upper()]}, "/rule/k"),
        ({"approvers": ["maria@example.com", "Maria@Example.com"]}, "/approvers"),
        ({"rule": {"kind": "all", "extra": 1}}, "/rule"),
    ],
}

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=10), children, max_size=4),
    max_leaves=10,
)


def changed(name: str, changes: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in (SAMPLES[name] | changes).items() if value is not ABSENT}


def refusal_of(name: str, document: Any) -> ContractError | None:
    try:
        contracts.check(name, document)
    except ContractError as error:
        return error
    return None


def cases(table: dict[str, list[Any]]) -> list[Any]:
    return [
        pytest.param(name, row, id=f"{name} {json.dumps(row, default=lambda _: 'absent')[:60]}")
        for name, rows in table.items()
        for row in rows
    ]


def test_every_schema_has_a_sample_and_cases_here() -> None:
    schemas = {
        path.name.removesuffix(".json")
        for path in files("countersign.schemas").iterdir()
        if path.name.endswith(".json")
    }
    assert schemas == set(SAMPLES) == set(VALID) == set(INVALID)
    assert all(contracts.exists(name) for name in schemas)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_valid_sample_is_returned_as_it_was(name: str) -> None:
    document = json.loads(json.dumps(SAMPLES[name]))
    assert contracts.check(name, document) == SAMPLES[name]


@pytest.mark.parametrize(("name", "changes"), cases(VALID))
def test_what_the_contract_allows_is_taken(name: str, changes: dict[str, Any]) -> None:
    assert contracts.check(name, changed(name, changes))


@pytest.mark.parametrize(("name", "case"), cases(INVALID))
def test_what_breaks_the_contract_is_refused_with_the_json_pointer(name: str, case: tuple[dict[str, Any], str]) -> None:
    changes, pointer = case
    with pytest.raises(ContractError) as error:
        contracts.check(name, changed(name, changes))
    assert error.value.pointer == pointer
    assert error.value.reason
    assert "data" not in error.value.reason.split(), "the validator's own name for the document says nothing"


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("document", [None, [], "text", 1, True, {}])
def test_a_document_of_another_type_is_refused_as_a_whole(name: str, document: Any) -> None:
    with pytest.raises(ContractError) as error:
        contracts.check(name, document)
    assert error.value.pointer == ""


def test_the_pointer_starts_where_the_document_was_sent() -> None:
    with pytest.raises(ContractError) as error:
        contracts.check(INPUT, any_input(rule={"kind": "most"}), "/input")
    assert error.value.pointer == "/input/rule/kind"


@pytest.mark.parametrize("name", SAMPLES)
@given(data=st.data(), document=documents)
def test_no_document_is_too_odd_to_be_checked(name: str, data: st.DataObject, document: Any) -> None:
    key = data.draw(st.sampled_from([*SAMPLES[name], "rule", "callback", "reminders_seconds"]))
    refusal = refusal_of(name, SAMPLES[name] | {key: document})
    assert refusal is None or refusal.pointer == "" or refusal.pointer.startswith(f"/{key}")


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("value", [SECRET, [SECRET], {SECRET: SECRET}, [SECRET, SECRET]], ids=str)
def test_a_refusal_never_quotes_what_was_sent(name: str, value: Any) -> None:
    for key in (*SAMPLES[name], SECRET, "rule", "callback", "reminders_seconds"):
        assert SECRET not in str(refusal_of(name, SAMPLES[name] | {key: value}))


def test_a_schema_that_does_not_exist_is_an_error_that_says_where_to_put_it() -> None:
    assert not contracts.exists("payment.input")
    with pytest.raises(LookupError, match=r"add schemas/payment\.input\.json"):
        contracts.check("payment.input", {})
