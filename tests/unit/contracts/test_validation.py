"""Contracts: the documents that each schema accepts, and the pointer of every refusal."""

import json
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.contracts import validation
from countersign.domain.errors import ContractError
from countersign.testing.builders import REQUESTER, WORKFLOW, any_envelope, any_input, any_request, any_result
from tests import pattern_contracts
from tests.pattern_contracts import wrong

INPUT = f"{WORKFLOW}.input"
PAYMENT = {"order_id": "1001", "provider": "pay", "external_id": "pay_1001", "amount": "250.00", "currency": "EUR"}
HELD = "held-payment.input"
QUESTION = "approval.input"
RESULT = "task-result"
SAMPLES: dict[str, dict[str, Any]] = {
    "request": any_request(),
    "envelope": any_envelope(),
    INPUT: any_input(),
    "payment.input": PAYMENT,
    "payment.answer": {"status": "paid", "amount": "250.00", "currency": "EUR"},
    RESULT: any_result(),
    "failure": {"code": "declined", "message": "No funds", "data": {"try": 2}},
    "revision": {"title": "Order 1001", "rows": [{"label": "Why", "value": "Backs"}], "amount": "200.00"},
    HELD: {"task_id": "order-7.payment", "event_id": "evt_1"},
}
ABSENT = object()
SECRET = "s3cr3t-w0rd"

LINKS = [
    "https://files.example.com/offers/1001.pdf?version=2#page=3",
    *("https://example.com", "https://example.com?", "https://EXAMPLE.com#", "https://example.com:8443/"),
    *("https://intranet/plan", "https://my_bucket.s3.example.com/a%20b", "https://xn--bcher-kva.example/"),
    "https://social.example/@rita/~!$&'()*+,;=:[]",
]
NO_NAMES = ["", " ", "\u00a0", "x" * 201, "a\nb", "a\n", "a\tb", "\x00", "a\x7f", "a\x85b", "a\u2028b", 1, None]
NO_LINKS = [
    *("", "Offer.pdf", "http://files.example.com/1001.pdf", "javascript:alert(1)"),
    *("javascript://files.example.com/%0aalert(1)", "data:text/html,1", "ftp://files.example.com/"),
    *("//files.example.com/", "HTTPS://files.example.com/", "https:files.example.com"),
    *("https:///files.example.com", "https://", "https://?", "https://user@files.example.com/"),
    *("https://user:password@files.example.com/", "https://@files.example.com/"),
    *("https://files.example.com:@evil.example/", "https://evil.example\\@files.example.com/"),
    *("https://files.example.com/a\\b", "https://files.example.com/a b", "https://files.example.com/\n"),
    *("https://files.example.com/\t1", " https://files.example.com/", "https://files.example.com/\x00"),
    *("https://files.example.com/\x7f", "https://files.example.com/ä", "https://bücher.example/"),
    *("https://ｅxample.com/", "https://f%69les.example.com/", "https://files..example.com/"),
    *("https://-files.example.com/", "https://files.example.com./", "https://files.example.com:/"),
    *("https://files.example.com:port/", "https://192.0.2.1/", "https://3221225985/", "https://0xc0000201/"),
    *("https://[2001:db8::1]/", "https://files.example.com/".ljust(2049, "x"), 1, None),
]

PAYABLE: list[dict[str, Any]] = [
    *({"amount": "0.01"}, {"amount": "250"}, {"amount": "999999999999999.99"}, {"amount": "100", "currency": "JPY"}),
    *({"amount": "0.001", "currency": "KWD"}, {"amount": "0.0001", "currency": "CLF"}),
]


def missing(*members: str) -> list[tuple[dict[str, Any], str]]:
    return [case for member in members for case in wrong(member, ABSENT)]


UNKNOWN_MEMBER: tuple[dict[str, Any], str] = ({"extra": 1}, "")
UNPAYABLE: list[tuple[dict[str, Any], str]] = [
    *wrong("amount", "0", "0.00", "250.005", "250.000", "1" * 16),
    ({"amount": "100.50", "currency": "JPY"}, "/amount"),
    ({"amount": "1.0001", "currency": "KWD"}, "/amount"),
    *wrong("currency", "XYZ", "XXX", "XAU", "XTS", "DEM", "BGN", "HRK"),
]
NO_ADDRESSES = [
    *("", "rita", "rita@", "@example.com", "rita@@example.com", "rita example@example.com", None),
    *("rita@example.com\n", "rita@example..com", "rita@-example.com", "Rita <rita@example.com>", "a@b.c,d@e.f"),
    *(" rita@example.com", "rita@example.com ", "\trita@example.com", "rita@example.com\u00a0", "rita@exämple.com"),
    *("\u200brita@example.com", "\uff52ita@example.com", "rita@example.com.", '"rita"@example.com'),
    *("rita(boss)@example.com", "r" * 65 + "@example.com", "r@" + "e" * 64 + ".com", "rita@" + "e." * 125 + "com"),
    *(f"www.evil.example{mark}@example.com" for mark in "/?=&#"),
]

VALID: dict[str, list[dict[str, Any]]] = {
    "revision": [dict.fromkeys(("title", "rows", "amount"), ABSENT), {"rows": []}, {"attachments": []}],
    HELD: [{"deadline_seconds": 1}, {"event_id": "x" * 200}, {"task_id": "x" * 200}],
    "request": [{"request_id": "x"}, {"request_id": "A-Za-z0-9_" * 6 + "1234"}, {"input": {}}, {"workflow": "w" * 64}],
    "envelope": [
        {"kind": "payment.requested"},
        {"kind": "approval.reminder", "attempt": 20},
        {"kind": "two_words2.escalated"},
        {"callback": {"url": "https://api.example.com/callbacks", "token": "t"}},
        {"task": {"attachments": [{"name": "Offer.pdf", "url": "https://files.example.com/1"}]}},
    ],
    INPUT: [
        *PAYABLE,
        {"description": ""},
        {"description": "ä" * 20_000},
        {"approvers": [f"p{number}@example.com" for number in range(20)]},
        *({"requester": "first.last+tag@sub.example.co"}, {"deadline_seconds": 1}, {"deadline_seconds": 31_536_000}),
        *({"reminders_seconds": []}, {"reminders_seconds": [1, 31_536_000]}),
        *({"attachments": [{"name": "Offer.pdf", "url": url}]} for url in LINKS),
        {"attachments": []},
        {"attachments": [{"name": "Offer.pdf", "url": LINKS[0]}] * 10},
        {"attachments": [{"name": "ä" * 200, "url": LINKS[0]}]},
        {"attachments": [{"name": "x", "url": LINKS[0].ljust(2048, "x")}]},
        {"rule": {"kind": "any"}},
        {"rule": {"kind": "in_order"}},
        {"rule": {"kind": "quorum", "k": 1, "veto": True}},
        {"rule": {"kind": "quorum", "k": 2}, "approvers": ["maria@example.com", "otto@example.com"]},
    ],
    QUESTION: [
        *({"currency": "EUR", **each} for each in PAYABLE),
        {"rows": [], "on_behalf_of": "Press office"},
        {"rows": [{"label": "x" * 60, "value": "One line\nand another"}] * 30},
        {"rows": [{"label": "Text", "value": "ä" * 20_000}]},
        {"approvers": ["maria@example.com", "otto@example.com"], "on_behalf_of": "otto@example.com"},
    ],
    "payment.input": [*PAYABLE, {"external_id": "x" * 200}, {"lookup_id": "PL1-_a", "deadline_seconds": 31_536_000}],
    "payment.answer": [{}, {"status": "pending", "amount": ABSENT, "currency": ABSENT}, {"reason": "é" * 500}],
    "failure": [{}, {"message": ABSENT, "data": ABSENT}, {"data": None}, {"data": [1]}, {"code": "x" * 128}],
    RESULT: [
        {"answer": {}},
        {"task_id": "t" * 200},
        *(
            {"outcome": "failed", "answer": ABSENT, "error": {"code": "no_funds"} | more}
            for more in ({}, {"message": "ä" * 2000}, {"data": None}, {"data": [{"attempt": 1}]})
        ),
    ],
}

INVALID: dict[str, list[tuple[dict[str, Any], str]]] = {
    "revision": [
        *(({name: "x"}, "") for name in ("currency", "requester", "approvers", "external_id")),
        *wrong("title", "", " ", "two\nlines"),
        *wrong("amount", "-1", "1,00"),
        ({"rows": [{"label": "", "value": ""}]}, "/rows/0/label"),
        ({"attachments": [{"name": "Offer", "url": "http://files.example.com"}]}, "/attachments/0/url"),
    ],
    HELD: [
        *missing("task_id", "event_id"),
        ({"operators": ["mallory@example.com"]}, ""),
        ({"received": {"status": "paid", "amount": "1.00", "currency": "EUR"}}, ""),
        *wrong("task_id", "", "x" * 201),
        *wrong("event_id", "", "x" * 201, 1),
        *wrong("deadline_seconds", 0, 31_536_001),
    ],
    "request": [
        *missing("workflow", "request_id", "input"),
        UNKNOWN_MEMBER,
        *wrong("workflow", "", "w" * 65, 1, None),
        *wrong("request_id", "", "x" * 65, "a b", "a.b", "a/b", "a\n", "é", "１", 1001),
        *wrong("input", [], "{}", None),
    ],
    "envelope": [
        *missing(*any_envelope()),
        UNKNOWN_MEMBER,
        *wrong("version", 2, "1"),
        *wrong("kind", "approval", "approval.decided", "Approval.requested", "approval.requested\n"),
        *wrong("task_id", "r.", "x" * 201),
        *wrong("request_id", "order 1001"),
        *wrong("workflow", ""),
        *wrong("expires_at", None, "tomorrow"),
        *wrong("attempt", 0, "1", True),
        *wrong("task", []),
        ({"task": {"attachments": []}}, "/task/attachments"),
        ({"task": {"attachments": [{"name": "Offer.pdf"}]}}, "/task/attachments/0/url"),
        ({"task": {"attachments": [{"name": "Offer.pdf", "url": "javascript:alert(1)"}]}}, "/task/attachments/0/url"),
        ({"callback": {}}, "/callback/url"),
        ({"callback": {"url": "u", "token": ""}}, "/callback/token"),
        ({"callback": {"url": "", "token": "t"}}, "/callback/url"),
        ({"callback": {"url": "u", "token": "t", "id": "1"}}, "/callback"),
    ],
    INPUT: [
        *missing(*any_input()),
        UNKNOWN_MEMBER,
        *UNPAYABLE,
        *wrong("order_id", "", "x" * 129, 1001),
        *wrong("amount", "", "-1", "+1", "01", ".5", "1.", "1,50", "1e3", "1.0000001", "1" * 19, "NaN", " 1", "1\n"),
        *wrong("amount", "１", 250, 1.5, None),
        *wrong("currency", "", "eur", "EURO", "EU", "€€€", "EUR\n", 978),
        *wrong("description", "x" * 20_001, None),
        *wrong("requester", *NO_ADDRESSES),
        *wrong("approvers", [], "maria@example.com", ["maria@example.com"] * 2, [f"p{n}@e.com" for n in range(21)]),
        *wrong("approvers", ["maria@example.com", "Maria@Example.com"]),
        ({"approvers": ["maria@example.com", "otto"]}, "/approvers/1"),
        ({"approvers": [None]}, "/approvers/0"),
        *wrong("deadline_seconds", 0, -1, 31_536_001, "60", 1.5, 60.0, 1e3, True, None),
        *wrong("reminders_seconds", 60, list(range(1, 22))),
        ({"reminders_seconds": [60.0]}, "/reminders_seconds/0"),
        ({"reminders_seconds": [0]}, "/reminders_seconds/0"),
        ({"reminders_seconds": [60, "120"]}, "/reminders_seconds/1"),
        *wrong("attachments", {}, [{"name": "Offer.pdf", "url": LINKS[0]}] * 11),
        ({"attachments": [LINKS[0]]}, "/attachments/0"),
        ({"attachments": [{"name": "Offer.pdf"}]}, "/attachments/0/url"),
        ({"attachments": [{"url": LINKS[0]}]}, "/attachments/0/name"),
        ({"attachments": [{"name": "Offer.pdf", "url": LINKS[0], "size": 1}]}, "/attachments/0"),
        *(
            ({"attachments": [{"name": "x", "url": LINKS[0]}, {"name": name, "url": LINKS[0]}]}, "/attachments/1/name")
            for name in NO_NAMES
        ),
        *(
            ({"attachments": [{"name": "x", "url": LINKS[0]}, {"name": "x", "url": url}]}, "/attachments/1/url")
            for url in NO_LINKS
        ),
        *wrong("rule", "any", {"kind": "all", "extra": 1}),
        *(({"rule": rule}, "/rule/kind") for rule in ({}, {"kind": "most"})),
        *(({"rule": {"kind": "quorum", "k": k}}, "/rule/k") for k in (0, 1.0, 2, 21, "2")),
        ({"rule": {"kind": "quorum", "k": 2}, "approvers": ["maria@example.com", REQUESTER.upper()]}, "/rule/k"),
        ({"rule": {"kind": "all", "veto": "yes"}}, "/rule/veto"),
    ],
    QUESTION: [
        *missing("requester"),
        ({"amount": "250.00"}, "/currency"),
        ({"currency": "EUR"}, "/amount"),
        ({"amount": "250.005", "currency": "EUR"}, "/amount"),
        *wrong("title", *NO_NAMES),
        *wrong("rows", {}, [{"label": "x", "value": "y"}] * 31),
        *(({"rows": [{"label": name, "value": ""}]}, "/rows/0/label") for name in NO_NAMES if name != "x" * 201),
        ({"rows": [{"label": "x" * 61, "value": ""}]}, "/rows/0/label"),
        ({"rows": [{"label": "x"}]}, "/rows/0/value"),
        ({"rows": [{"label": "x", "value": "y" * 20_001}]}, "/rows/0/value"),
        ({"rows": [{"label": "x", "value": "y" * 20_000}] * 4}, ""),
        *wrong("on_behalf_of", "", " ", "x" * 255, "two\nlines", None),
        ({"on_behalf_of": "Maria@Example.com"}, "/approvers"),
        ({"attachments": [{"name": "x", "url": NO_LINKS[1]}]}, "/attachments/0/url"),
    ],
    "payment.input": [
        *missing(*PAYMENT),
        UNKNOWN_MEMBER,
        *UNPAYABLE,
        *wrong("amount", 250, "250,00", "-1", "1e3", "٢٥٠", "", "1.0000001", "250.00\n"),
        *wrong("currency", "eur", "EU", "EURO", "EUR\n", None),
        *wrong("provider", "", "Pay", "p#y", "-pay", "p" * 64, "pay\n"),
        *wrong("external_id", "", "a b", "é", "x" * 201, 7, "a\n"),
        *wrong("lookup_id", "", "a b", "é", "x" * 101, 7, "PL1\n", "PL1/x", "..", "PL%2e", None),
        *wrong("deadline_seconds", 0),
    ],
    "payment.answer": [
        UNKNOWN_MEMBER,
        *wrong("status", ABSENT, "unknown"),
        *wrong("amount", 250, "NaN"),
        *wrong("currency", "eur"),
        *wrong("reason", "x" * 501),
    ],
    "failure": [
        UNKNOWN_MEMBER,
        *wrong("code", ABSENT, "", "a b", "x" * 129, 7, None, "é"),
        *wrong("message", "x" * 2001),
    ],
    RESULT: [
        *missing("version", "task_id", "outcome", "answer"),
        UNKNOWN_MEMBER,
        *wrong("version", 2, "1"),
        *wrong("task_id", "ab", "t" * 201, None),
        *wrong("outcome", "expired"),
        *wrong("answer", "paid", []),
        *wrong("error", {"code": "no_funds"}),
        ({"outcome": "failed", "error": {"code": "no_funds"}}, "/answer"),
        ({"outcome": "failed", "answer": ABSENT}, "/error"),
        *(
            ({"outcome": "failed", "answer": ABSENT, "error": {"code": "no_funds"} | changes}, f"/error{pointer}")
            for changes, pointer in (UNKNOWN_MEMBER, *wrong("code", "", "two words"), *wrong("message", 1, "x" * 2001))
        ),
    ],
}

SAMPLES |= pattern_contracts.SAMPLES
VALID |= {name: pattern_contracts.valid(name) for name in pattern_contracts.SAMPLES}
INVALID |= {name: pattern_contracts.invalid(name, ABSENT) for name in pattern_contracts.SAMPLES}

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=10), children, max_size=4),
    max_leaves=10,
)

SCHEMAS = {
    path.name.removesuffix(".json"): json.loads(path.read_text("utf-8"))
    for path in files("countersign.contracts.schemas").iterdir()
    if path.name.endswith(".json")
}
SENT = {name: schema for name, schema in SCHEMAS.items() if "additionalProperties" not in schema}
"""Schemas of what the kit sends, which may get further members: no code of the kit reads these documents."""

EXAMPLES = {name: schema for name, schema in SCHEMAS.items() if name not in SENT and "examples" in schema}
"""Schemas that bring their sample themselves, by the keyword `examples`, as a fork's do."""

SAMPLES |= {name: schema["examples"][0] for name, schema in EXAMPLES.items()}
VALID |= {name: [*VALID.get(name, ()), {}] for name in EXAMPLES}
INVALID |= {
    name: [*INVALID.get(name, ()), UNKNOWN_MEMBER, *missing(*schema["required"])] for name, schema in EXAMPLES.items()
}


def changed(name: str, changes: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in (SAMPLES[name] | changes).items() if value is not ABSENT}


def refusal_of(name: str, document: Any) -> ContractError | None:
    try:
        validation.check(name, document)
    except ContractError as error:
        return error
    return None


def cases(table: dict[str, list[Any]]) -> list[Any]:
    return [
        pytest.param(name, row, id=f"{name} {json.dumps(row, default=lambda _: 'absent')[:60]}")
        for name, rows in table.items()
        for row in rows
    ]


def test_every_schema_has_a_sample_and_cases() -> None:
    assert SCHEMAS.keys() - SENT == set(SAMPLES) == set(VALID) == set(INVALID)
    assert all(map(validation.exists, SCHEMAS))


@pytest.mark.parametrize("name", SENT)
def test_the_examples_of_what_the_kit_sends_keep_their_schema(name: str) -> None:
    assert SENT[name]["examples"]
    for example in SENT[name]["examples"]:
        assert validation.check(name, example) == example


@pytest.mark.parametrize(("name", "changes"), cases(VALID))
def test_a_document_within_the_contract_is_accepted(name: str, changes: dict[str, Any]) -> None:
    document = changed(name, changes)
    assert validation.check(name, json.loads(json.dumps(document))) == document


@pytest.mark.parametrize(("name", "case"), cases(INVALID))
def test_a_document_against_the_contract_is_refused_with_a_pointer(name: str, case: tuple[dict[str, Any], str]) -> None:
    changes, pointer = case
    with pytest.raises(ContractError) as error:
        validation.check(name, changed(name, changes))
    assert error.value.pointer == pointer
    assert error.value.reason
    assert "data" not in error.value.reason.split(), "callers do not know the validator's name for the document"


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("document", [None, [], "text", 1, True])
def test_a_document_of_another_type_is_refused_as_a_whole(name: str, document: Any) -> None:
    with pytest.raises(ContractError) as error:
        validation.check(name, document)
    assert error.value.pointer == ""


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=20)  # of each schema; the code that reads them is one
@given(data=st.data(), document=documents)
def test_any_document_is_accepted_or_refused_with_a_pointer(name: str, data: st.DataObject, document: Any) -> None:
    key = data.draw(st.sampled_from([*SAMPLES[name], "rule", "callback", "reminders_seconds"]))
    refusal = refusal_of(name, SAMPLES[name] | {key: document})
    assert refusal is None or refusal.pointer == "" or refusal.pointer.startswith(f"/{key}")


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("value", [SECRET, [SECRET], {SECRET: SECRET}, [SECRET, SECRET]], ids=str)
def test_a_refusal_never_quotes_the_document(name: str, value: Any) -> None:
    for key in (*SAMPLES[name], SECRET, "rule", "callback", "reminders_seconds"):
        assert SECRET not in str(refusal_of(name, SAMPLES[name] | {key: value}))


def test_a_refused_url_is_described_by_its_rule() -> None:
    refusal = refusal_of(INPUT, any_input(attachments=[{"name": "x", "url": f"https://{SECRET}@example.com/"}]))
    assert refusal
    assert refusal.reason == "must be an https URL with a host name, without user info or a backslash"


@pytest.mark.parametrize("name", SAMPLES)
def test_every_problem_of_a_document_is_reported_at_once_without_quotes(name: str) -> None:
    assert validation.problems(name, SAMPLES[name]) == []
    broken = {member: None for member in SAMPLES[name] if refusal_of(name, SAMPLES[name] | {member: None})}
    assert {f"/{each}" for each in broken} <= {
        each.pointer for each in validation.problems(name, SAMPLES[name] | broken)
    }
    for document in (SAMPLES[name] | {SECRET: SECRET}, dict.fromkeys(SAMPLES[name], SECRET), {SECRET: SECRET}):
        assert SECRET not in " ".join(map(str, validation.problems(name, document)))


def test_problems_of_every_kind_are_reported_together() -> None:
    document = any_input(curency="EUR", order_id=1, amount="0", attachments=[{"name": "x", "url": "https://1/"}] * 2)
    document["rule"] = {"kind": "most", "k": 2.0, "of": 3}
    del document["requester"]
    with pytest.raises(ContractError) as error:
        validation.check(INPUT, document, "/input")
    told = [each.pointer.removeprefix("/input") for each in error.value.problems]
    assert told == [
        *("/requester", "/order_id", "/attachments/0/url", "/attachments/1/url"),
        *("/rule/kind", "/rule/k", "/rule", "", "/amount"),
    ]
    assert (error.value.reason, error.value.pointer) == ("is missing", "/input/requester")


@pytest.mark.parametrize("name", SAMPLES)
def test_a_whole_number_with_a_decimal_point_is_not_an_integer(name: str) -> None:
    schema = json.loads(files("countersign.contracts.schemas").joinpath(f"{name}.json").read_text("utf-8"))
    whole = {member for member, rule in schema["properties"].items() if rule.get("type") == "integer"}
    found = validation.problems(name, SAMPLES[name] | dict.fromkeys(whole, 2.0))
    assert {each.pointer for each in found if "without a point" in each.reason} == {f"/{member}" for member in whole}


@pytest.mark.parametrize("name", [name for name in SAMPLES if name.endswith(".input")])
def test_an_input_with_an_amount_has_the_rule_of_money(name: str) -> None:
    schema = json.loads(files("countersign.contracts.schemas").joinpath(f"{name}.json").read_text("utf-8"))
    assert ("money" in schema.get("x-rules", ())) == ({"amount", "currency"} <= schema["properties"].keys())


def test_the_number_and_the_length_of_problems_are_bounded() -> None:
    made_up = {f"member {number}": number for number in range(5000)}
    assert len(str(validation.problems("two-lambdas.input", {"order_id": "1", **made_up}))) < 500
    assert len(validation.problems(INPUT, any_input(approvers=["?"] * 5000))) == validation.MOST_PROBLEMS


def test_an_unknown_schema_raises_an_error_with_the_path_to_add() -> None:
    assert not validation.exists("parcel.input")
    with pytest.raises(LookupError, match=r"add schemas/parcel\.input\.json"):
        validation.check("parcel.input", {})
