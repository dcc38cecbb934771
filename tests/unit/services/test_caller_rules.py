"""Caller rules: the conditions of a stage for requests."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from countersign.domain.errors import AlreadyAskedError, CallerRefusedError, ContractError, WorkflowNotAllowedError
from countersign.domain.policy import Policy
from countersign.domain.requests import RequestStatus
from countersign.services.caller_rules import AGENTS_WORKFLOW, Caller, CallerRules
from countersign.services.submissions import Startable, Submissions
from countersign.testing.builders import (
    APPROVER,
    CALLER,
    NOW,
    OTHER_APPROVER,
    REQUESTER,
    WORKFLOW,
    any_input,
    any_request,
)
from countersign.testing.fakes import FixedClock, MemoryDirectory, MemoryLedger, MemoryStarter

PAYMENT = {"order_id": "1001", "provider": "pay", "external_id": "pay_1001", "amount": "250.00", "currency": "EUR"}
RITA = f"arn:aws:sts::111122223333:assumed-role/shop/{REQUESTER.title()}"
BY_CALLER = CallerRules(requester="caller")
AT_HOME = CallerRules(approver_domains=("example.com", "example.org"))
ROWS: list[dict[str, Any]] = [
    {"currency": "EUR", "up_to": "100"},
    {"currency": "EUR", "up_to": "1000", "rule": {"kind": "quorum", "k": 2}},
]
POLICY = Policy.from_document(ROWS)


def stage(rules: CallerRules | None, policy: Policy | None = None, ledger: MemoryLedger | None = None) -> Submissions:
    """Return the submissions of a stage with these rules and this policy."""
    workflows = {WORKFLOW: Startable(3600, WORKFLOW, policy)}
    workflows |= {name: Startable(3600, name) for name in ("payment", "identity-verification")}
    ports = (ledger or MemoryLedger(), MemoryStarter(()), MemoryDirectory(), FixedClock(NOW))
    return Submissions(*ports, workflows, rules)


def refusal(at: Submissions, workflow: str, document: Mapping[str, Any], caller: str = CALLER) -> ContractError:
    """Return the error of a refused request."""
    with pytest.raises(ContractError) as refused:
        at.submit(any_request(workflow=workflow, input=document), caller)
    return refused.value


def without_requester(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in any_input(**changes).items() if name != "requester"}


def test_a_payment_request_names_a_provider_of_the_stage() -> None:
    at = stage(CallerRules(providers=("pay", "card")))
    refused = refusal(at, "payment", PAYMENT | {"provider": "strpie", "amount": "0"})
    assert [each.pointer for each in refused.problems] == ["/input/amount", "/input/provider"]
    assert refused.problems[1].reason == "must be a provider of this stage; there are pay, card"
    assert at.submit(any_request(workflow="payment", input=PAYMENT), CALLER).started


@pytest.mark.parametrize(
    ("workflow", "document", "pointer"),
    [
        (WORKFLOW, any_input(approvers=[APPROVER, "mallory@evil.example"]), "/input/approvers/1"),
        (WORKFLOW, any_input(approvers=["maria@shop.example.com"]), "/input/approvers/0"),
        (WORKFLOW, any_input(approvers=["maria@example.com.evil.example"]), "/input/approvers/0"),
        ("identity-verification", {"user_id": "u-1", "reviewers": ["mallory@evil.example"]}, "/input/reviewers/0"),
    ],
)
def test_an_approver_outside_the_allowed_domains_is_refused(workflow: str, document: Any, pointer: str) -> None:
    refused = refusal(stage(AT_HOME), workflow, document)
    assert (refused.pointer, refused.reason) == (pointer, "must be an address of example.com, example.org")
    assert stage(CallerRules()).submit(any_request(workflow=workflow, input=document), CALLER).started


def test_the_domain_of_an_approver_is_compared_in_any_case() -> None:
    asked = any_request(input=any_input(approvers=[APPROVER.upper(), "otto@example.org"]))
    assert stage(AT_HOME).submit(asked, CALLER).started


def test_a_request_from_before_stricter_rules_is_still_a_duplicate() -> None:
    ledger = MemoryLedger()
    stage(CallerRules(), ledger=ledger).submit(any_request(), CALLER)
    strict = stage(CallerRules(approver_domains=("example.org",)), Policy.from_document([{"currency": "USD"}]), ledger)
    assert not strict.submit(any_request(), CALLER).started


@pytest.mark.parametrize("given", [{}, {"requester": REQUESTER.upper()}])
def test_with_the_caller_as_requester_the_session_name_is_the_requester(given: dict[str, str]) -> None:
    request = stage(BY_CALLER).submit(any_request(input=without_requester() | given), RITA).request
    assert request.input
    assert request.input["requester"].casefold() == REQUESTER


def test_with_the_caller_as_requester_another_requester_is_refused() -> None:
    at = stage(BY_CALLER)
    assert refusal(at, WORKFLOW, any_input(requester=OTHER_APPROVER), RITA).pointer == "/input/requester"
    assert refusal(at, WORKFLOW, without_requester(approvers=[REQUESTER]), RITA).pointer == "/input/approvers"


@pytest.mark.parametrize("caller", ["", CALLER, "arn:aws:sts::1:assumed-role/shop/i-0abc", f"{CALLER}/{REQUESTER}"])
def test_with_the_caller_as_requester_the_session_name_must_be_an_address(caller: str) -> None:
    at = stage(BY_CALLER)
    with pytest.raises(CallerRefusedError):
        at.submit(any_request(), caller)
    with_payments = stage(CallerRules(("pay",), requester="caller"))
    assert with_payments.submit(any_request(workflow="payment", input=PAYMENT), caller).started, (
        "a payment has no requester"
    )


def test_callers_cannot_use_the_request_ids_of_the_kit() -> None:
    own = any_request(request_id="held-1001")
    with pytest.raises(ContractError, match="must not begin with held-"):
        stage(CallerRules()).submit(own, CALLER)
    assert stage(None).submit(own, CALLER).started


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"amount": "1000.01"}, "/input/amount"),
        ({"amount": "10.00", "currency": "USD"}, "/input/amount"),
        ({"amount": "250.00"}, "/input/approvers"),
        ({"amount": "250.00", "approvers": [APPROVER, REQUESTER]}, "/input/approvers"),
    ],
)
def test_a_request_outside_the_policy_is_refused(changes: dict[str, Any], pointer: str) -> None:
    assert refusal(stage(CallerRules(), POLICY), WORKFLOW, any_input(**changes)).pointer == pointer


@pytest.mark.parametrize("changes", [{"amount": "100.00"}, {"approvers": [APPROVER, OTHER_APPROVER]}])
def test_a_request_within_the_policy_is_started(changes: dict[str, Any]) -> None:
    assert stage(CallerRules(), POLICY).submit(any_request(input=any_input(**changes)), CALLER).started


@pytest.mark.parametrize(
    ("caller", "limited"),
    [
        ("arn:aws:sts::111122223333:assumed-role/shop/i-0abc", True),
        ("arn:aws:sts::111122223333:assumed-role/SHOP/i-0abc", True),
        ("arn:aws:sts::111122223333:assumed-role/shop2/i-0abc", False),
        ("arn:aws:sts::444455556666:assumed-role/shop/i-0abc", False),
        ("arn:aws:iam::111122223333:user/shop", False),
        ("", False),
    ],
)
def test_a_role_with_a_list_of_workflows_starts_no_other(caller: str, limited: bool) -> None:
    row = {"workflows": ["payment"], "agent": False, "own_only": False}
    table = {"providers": ["pay"], "requester": "input", "approver_domains": [], "prover": ""}
    rules = CallerRules.from_document(table | {"callers": {"arn:aws:iam::111122223333:role/teams/Shop": row}})
    at = stage(rules)
    for name in (WORKFLOW, "unknown"):
        refused = refusal(at, name, any_input(), caller) if limited or name == "unknown" else None
        assert isinstance(refused, WorkflowNotAllowedError) is limited
    assert at.submit(any_request(workflow="payment", input=PAYMENT), caller).started


AGENT = "arn:aws:sts::111122223333:assumed-role/invoices/i-0abc"
AGENT_ROLE = "arn:aws:iam::111122223333:role/invoices"
OF_AGENTS: list[dict[str, Any]] = [
    {"currency": "EUR", "up_to": "100", "approvers": [APPROVER], "rule": {"kind": "all"}},
    {"approvers": [APPROVER, OTHER_APPROVER]},
]


def of_agents(rows: list[dict[str, Any]] | None = None) -> Submissions:
    """Return the submissions of a stage with an agent, where a caller has to be the requester otherwise."""
    limits = Caller((AGENTS_WORKFLOW,), is_agent=True, own_only=True)
    rules = CallerRules(requester="caller", callers={AGENT_ROLE.replace("role/", "role/agents/"): limits})
    at = stage(rules)
    workflows = {AGENTS_WORKFLOW: Startable(3600, AGENTS_WORKFLOW, Policy.from_document(rows or OF_AGENTS))}
    return replace(at, workflows=workflows)


def ask(**document: Any) -> dict[str, Any]:
    return any_request(workflow=AGENTS_WORKFLOW, input={"title": "Buy it?"} | document)


@pytest.mark.parametrize("document", [{}, {"amount": "99.00", "currency": "EUR", "on_behalf_of": REQUESTER}])
def test_an_agent_asks_as_its_role_and_the_policy_names_the_approvers(document: dict[str, Any]) -> None:
    submission = of_agents().submit(ask(**document), AGENT)
    assert submission.request.input == {"agent": AGENT_ROLE, "title": "Buy it?"} | document


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"agent": AGENT_ROLE.replace("invoices", "shop")}, ["/input/agent"]),
        ({"requester": REQUESTER}, ["/input/requester"]),
        (
            {"approvers": [APPROVER], "rule": {"kind": "any"}, "reminders_seconds": [1]},
            ["/input/approvers", "/input/rule", "/input/reminders_seconds"],
        ),
        ({"amount": "101.00", "currency": "EUR"}, ["/input/amount"]),
        ({"amount": "99.00", "currency": "EUR", "on_behalf_of": APPROVER.title()}, ["/input/approvers"]),
    ],
)
def test_an_agent_names_neither_itself_nor_who_decides(changes: dict[str, Any], pointers: list[str]) -> None:
    with pytest.raises(ContractError) as refused:
        of_agents().submit(ask(**changes), AGENT)
    assert [each.pointer for each in refused.value.problems] == pointers


@pytest.mark.parametrize(
    ("changes", "result", "later", "again"),
    [
        ({}, None, 10**6, False),
        ({}, {"status": "rejected"}, 59, False),
        ({"title": " BUY\u200b  it", "deadline_seconds": 61}, {"status": "rejected"}, 59, False),
        ({}, "withdrawn", 59, False),
        ({}, {"status": "rejected"}, 60, True),
        ({}, {"status": "expired"}, 0, True),
        ({"title": "Buy two?"}, {"status": "rejected"}, 0, True),
        ({"amount": "9.00", "currency": "EUR"}, {"status": "rejected"}, 0, True),
    ],
)
def test_an_agent_does_not_ask_the_same_again_too_soon(
    changes: dict[str, Any], result: Any, later: int, again: bool
) -> None:
    at = of_agents([row | {"ask_again_seconds": 60} for row in OF_AGENTS])
    first = ask()
    assert at.submit(first, AGENT).started
    withdrawn = result == "withdrawn"
    if result:
        status, error = (RequestStatus.CANCELLED, "withdrawn") if withdrawn else (RequestStatus.SUCCEEDED, "")
        at.ledger.finish(first["request_id"], AGENTS_WORKFLOW, status, None if withdrawn else result, NOW, error=error)
    then = replace(at, clock=FixedClock(NOW + timedelta(seconds=later)))
    second = ask(**changes) | {"request_id": "ask-2"}
    if again:
        assert then.submit(second, AGENT).started
        assert not then.submit(first, AGENT).started, "the first request stays readable"
        return
    with pytest.raises(AlreadyAskedError) as refused:
        then.submit(second, AGENT)
    assert refused.value.request_id == first["request_id"]
    assert refused.value.until == (NOW + timedelta(seconds=60) if result else None)


def test_nobody_else_asks_as_an_agent() -> None:
    with pytest.raises(ContractError) as refused:
        replace(of_agents(), caller_rules=CallerRules()).submit(ask(agent=AGENT_ROLE), CALLER)
    assert refused.value.pointer == "/input/agent"
    with pytest.raises(ContractError) as refused:
        replace(of_agents(), caller_rules=CallerRules()).submit(ask(), CALLER)
    assert [each.pointer for each in refused.value.problems] == ["/input/requester", "/input/approvers"]


PROVER = "arn:aws:sts::111122223333:assumed-role/prover/olga"
PROVES = CallerRules(("pay", "prove"), "caller", ("example.com",), "arn:aws:iam::111122223333:role/prover")
SIMULATED = "success+1@simulator.amazonses.com"
OF_PEOPLE: list[dict[str, Any]] = [
    {"currency": "EUR", "up_to": "100", "approvers": [APPROVER]},
    {"currency": "EUR", "up_to": "200", "escalations": [{"after_seconds": 60, "to": [APPROVER]}]},
    {"currency": "EUR"},
]


def proof(rules: CallerRules = PROVES, caller: str = PROVER, **changes: Any) -> list[str]:
    """Submit a proof; return the pointers of its problems."""
    people = {"approvers": [SIMULATED], "requester": "ooto@simulator.amazonses.com"}
    document = any_input(order_id="prove-1", amount="250.00", **people)
    asked = any_request(request_id="prove-1", input=document) | {
        name: changes.pop(name) for name in ("request_id", "workflow") if name in changes
    }
    asked["input"] = changes.pop("input", asked["input"] | changes)
    try:
        assert stage(rules, Policy.from_document(OF_PEOPLE)).submit(asked, caller).started
    except ContractError as error:
        return [each.pointer for each in error.problems]
    return []


def test_a_proof_comes_from_the_stages_role_and_asks_the_simulator_only() -> None:
    assert proof() == []
    for caller in (CALLER, RITA, PROVER.replace("prover", "prover2"), ""):
        assert proof(caller=caller) == ["/request_id"]
    assert proof(CallerRules()) == ["/request_id"]
    assert proof(approvers=[SIMULATED, APPROVER, "a@simulator.amazonses.com.evil.example"]) == [
        "/input/approvers/1",
        "/input/approvers/2",
    ]
    assert proof(requester=REQUESTER) == ["/input/requester"]


def test_a_proof_starts_no_workflow_and_names_no_order_on_which_others_may_act() -> None:
    assert proof(workflow="identity-verification", input={"user_id": "u-1", "reviewers": [SIMULATED]}) == ["/workflow"]
    assert proof(order_id="1001") == ["/input/order_id"]


@pytest.mark.parametrize("amount", ["99.00", "150.00"])
def test_a_proof_of_an_amount_for_which_the_policy_names_people_is_refused(amount: str) -> None:
    assert proof(amount=amount) == ["/input/amount"]


def test_only_a_proof_may_wait_for_events_of_the_provider_prove_and_for_no_others() -> None:
    payment = PAYMENT | {"provider": "prove"}
    assert proof(workflow="payment", input=payment | {"order_id": "prove-1"}) == []
    assert proof(workflow="payment", input=PAYMENT | {"order_id": "prove-1"}) == ["/input/provider"]
    assert refusal(stage(PROVES), "payment", payment, PROVER).pointer == "/input/provider"
