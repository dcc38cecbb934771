"""payment look: ask a provider by hand."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from countersign.domain.questions import Correlation
from countersign.testing.builders import PAYMENT_TASK_ID, TASK_ID
from tests.integration.conftest import Answer, Kit, Operation, answering
from tests.integration.operate.conftest import DeployedStage, Run


@pytest.fixture
def asked(kit: Kit, stage: DeployedStage) -> Iterator[Operation]:
    """Lambda's Invoke, on a stage that asks Stripe."""
    stage.change(providers={"stripe": stage.settings.providers["stripe"].model_copy(update={"look": True})})
    kit.open_payment(correlation=Correlation("stripe", "pi_1001", lookup_id="PL1001"))
    with answering("lambda", "Invoke", Answer(document={"status": "paid", "handling": "recorded"})) as operation:
        yield operation


def test_the_answer_of_the_provider_and_its_effect_are_printed(run: Run, asked: Operation) -> None:
    said = f"{PAYMENT_TASK_ID}: stripe says paid; the ledger has the answer\n"
    assert run("payment", "look", PAYMENT_TASK_ID) == (0, said, "")
    document = {"task_id": PAYMENT_TASK_ID, "status": "paid", "handling": "recorded"}
    assert json.loads(run("payment", "look", PAYMENT_TASK_ID, "--json")[1]) == document
    assert json.loads(asked.asked[0].body) == {"provider": "stripe", "external_id": "pi_1001", "lookup_id": "PL1001"}
    assert "countersign-dev-provider_looks" in asked.asked[0].url
    asked.by_default = Answer(document={"status": "ignored", "handling": "ignored", "reason": "test_mode"})
    assert "says ignored (test_mode); the answer has no effect" in run("payment", "look", PAYMENT_TASK_ID)[1]


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        ({"document": {"errorMessage": "x: slow"}, "headers": {"X-Amz-Function-Error": "Unhandled"}}, 4, "slow"),
        ({"document": {"errorMessage": "x: denied"}, "headers": {"X-Amz-Function-Error": "Unhandled"}}, 1, "API key"),
        ({"status": 403, "code": "AccessDeniedException"}, 1, "lambda:InvokeFunction"),
        ({"status": 404, "code": "ResourceNotFoundException"}, 1, "Deploy the stage"),
    ],
)
def test_a_failed_look_says_why_and_what_to_do(
    run: Run, asked: Operation, answer: dict[str, Any], status: int, words: str
) -> None:
    asked.by_default = Answer(**answer)
    found, _, errors = run("payment", "look", PAYMENT_TASK_ID)
    assert (found, "stripe did not say how the payment stands" in errors) == (status, True), errors
    assert words in errors


def test_only_a_payment_of_a_provider_that_the_stage_asks_is_looked_at(kit: Kit, run: Run, asked: Operation) -> None:
    kit.open_task()
    kit.open_payment(task_id="order-1002.payment", correlation=Correlation("adyen", "order-1002"))
    for task_id, words in (
        (TASK_ID, "does not wait for a provider"),
        ("order-1002.payment", "the stage does not ask the provider adyen"),
        ("unknown.payment", "unknown.payment"),
    ):
        status, _, errors = run("payment", "look", task_id)
        assert (status, words in errors) == (1, True), errors
    assert asked.asked == []
