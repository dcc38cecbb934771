"""The limits of the public routes: where requests are counted, and how much of the account a flood can take."""

import json

from tests.infra.templates import StageNamed, Synthesised


def test_requests_are_counted_in_a_table_with_a_ttl_that_is_deleted_with_its_stack(stage: Synthesised) -> None:
    table = stage.one("AWS::DynamoDB::Table", "Limits/Table")
    assert table.properties["KeySchema"] == [{"AttributeName": "pk", "KeyType": "HASH"}]
    assert table.properties["BillingMode"] == "PAY_PER_REQUEST"
    assert table.properties["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert "StreamSpecification" not in table.properties
    assert table.body["DeletionPolicy"] == table.body["UpdateReplacePolicy"] == "Delete"
    for name in ("Review", "Webhook"):
        assert stage.variables(f"{name}/{name}")["LIMITS_TABLE"] == "Limits/Table"


def test_each_public_function_has_its_own_rates(stage: Synthesised, strict: Synthesised) -> None:
    assert strict.settings.limits != stage.settings.limits
    for each in (stage, strict):
        limits = each.settings.limits
        for name, limit in (("Review", limits.review), ("Webhook", limits.callbacks)):
            assert json.loads(each.variables(f"{name}/{name}")["LIMITS"]) == limit.model_dump()


def test_only_the_public_functions_reserve_concurrency_and_only_where_the_settings_say_so(
    stage_named: StageNamed, strict: Synthesised
) -> None:
    stages = {stage_named("local"): None, stage_named("dev"): None, stage_named("prod"): 100, strict: 7}
    for stage, reserved in stages.items():
        found = {
            each.path: each.properties.get("ReservedConcurrentExecutions")
            for each in stage.of_type("AWS::Lambda::Function")
        }
        assert [found.pop(f"{name}/{name}/Function") for name in ("Review", "Webhook")] == [reserved] * 2
        assert set(found.values()) == {None}


def test_one_network_cannot_take_all_that_the_api_lets_through(prod: Synthesised) -> None:
    """What the API's throttles let through is everybody's; one network gets a part of it only."""
    throttles, limits = prod.settings.throttles, prod.settings.limits
    assert 2 * limits.review.per_source <= 60 * throttles.review.rate_per_second
    assert limits.callbacks.per_source <= 60 * throttles.callbacks.rate_per_second
