"""The limits of the public routes: where requests are counted, and how much of the account a flood can take."""

import json
from collections.abc import Callable
from typing import Any

from tests.infra.templates import Synthesised


def function(stage: Synthesised, name: str) -> Any:
    return stage.properties(stage.one("AWS::Lambda::Function", f"{name}/{name}/Function"))


def rates(stage: Synthesised, name: str) -> Any:
    return json.loads(function(stage, name)["Environment"]["Variables"]["LIMITS"])


def test_requests_are_counted_in_a_table_of_its_own_that_forgets_and_dies_with_its_stack(stage: Synthesised) -> None:
    table = stage.one("AWS::DynamoDB::Table", "Limits/Table")
    assert table.properties["KeySchema"] == [{"AttributeName": "pk", "KeyType": "HASH"}]
    assert table.properties["BillingMode"] == "PAY_PER_REQUEST"
    assert table.properties["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert "StreamSpecification" not in table.properties
    assert table.body["DeletionPolicy"] == table.body["UpdateReplacePolicy"] == "Delete"
    for name in ("Review", "Webhook"):
        assert function(stage, name)["Environment"]["Variables"]["LIMITS_TABLE"] == "Limits/Table"


def test_each_public_function_is_told_its_own_rates(stage: Synthesised) -> None:
    limits = stage.settings.limits
    assert rates(stage, "Review") == limits.review.model_dump()
    assert rates(stage, "Webhook") == limits.callbacks.model_dump()


def test_only_the_public_functions_have_a_concurrency_of_its_own_and_only_where_the_account_has_some_to_spare(
    stage_named: Callable[[str], Synthesised],
) -> None:
    for name, reserved in (("local", None), ("dev", None), ("prod", 100)):
        stage = stage_named(name)
        found = {
            each.path: each.properties.get("ReservedConcurrentExecutions")
            for each in stage.of_type("AWS::Lambda::Function")
        }
        assert [found.pop(f"{name}/{name}/Function") for name in ("Review", "Webhook")] == [reserved] * 2
        assert set(found.values()) == {None}


def test_a_stage_may_say_otherwise(strict: Synthesised) -> None:
    assert function(strict, "Review")["ReservedConcurrentExecutions"] == 7
    assert rates(strict, "Review") == {"per_source": 20, "per_token": 10}


def test_one_network_cannot_take_all_that_the_api_lets_through(prod: Synthesised) -> None:
    """What the API's throttles let through is everybody's; one network gets a part of it only."""
    throttles, limits = prod.settings.throttles, prod.settings.limits
    assert 2 * limits.review.per_source <= 60 * throttles.review.rate_per_second
    assert limits.callbacks.per_source <= 60 * throttles.callbacks.rate_per_second
