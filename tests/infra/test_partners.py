"""Providers whose events come over EventBridge: a bus, a rule and a right only where a stage names them."""

import json
from typing import Any

from countersign.testing.builders import task_result
from tests.infra.templates import Synthesised
from tests.infra.test_events import matches

SOURCE = "aws.partner/stripe.com/ed_1001"


def variables(stage: Synthesised) -> Any:
    return stage.properties(stage.one("AWS::Lambda::Function", "Results/Results/Function"))["Environment"]["Variables"]


def test_without_a_partner_there_is_the_kit_s_bus_alone(stage: Synthesised) -> None:
    assert [bus.path for bus in stage.of_type("AWS::Events::EventBus")] == ["HandOffs/Bus"]
    assert "PARTNERS" not in variables(stage)


def test_a_partner_s_event_source_gets_its_bus_and_its_events_go_whole_to_the_queue(varied: Synthesised) -> None:
    bus = varied.properties(varied.one("AWS::Events::EventBus", "Results/StripeBus"))
    assert bus["Name"] == bus["EventSourceName"] == SOURCE
    rule = varied.properties(varied.one("AWS::Events::Rule", "Results/Inbound/StripeRule"))
    assert rule["EventBusName"] == "Results/StripeBus"
    (target,) = rule["Targets"]
    assert target["Arn"] == "Results/Inbound/Work/Queue.Arn"
    assert "InputPath" not in target
    assert matches(rule["EventPattern"], task_result(source=SOURCE))
    assert not matches(rule["EventPattern"], task_result())


def test_what_cannot_be_delivered_from_a_partner_is_kept(varied: Synthesised) -> None:
    rule = varied.properties(varied.one("AWS::Events::Rule", "Results/Inbound/StripeRule"))
    (target,) = rule["Targets"]
    assert target["DeadLetterConfig"]["Arn"] == "Results/Inbound/Undelivered.Arn"
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185}


def test_the_rules_of_both_buses_may_send_to_the_queue_and_nobody_else(varied: Synthesised) -> None:
    allowed = {
        statement["Condition"]["ArnEquals"]["aws:SourceArn"]
        for policy in varied.of_type("AWS::SQS::QueuePolicy")
        if varied.properties(policy)["Queues"] == ["Results/Inbound/Work/Queue"]
        for statement in varied.properties(policy)["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    }
    assert allowed == {"Results/Inbound/Rule.Arn", "Results/Inbound/StripeRule.Arn"}


def test_the_function_knows_the_partner_by_its_source(varied: Synthesised) -> None:
    assert json.loads(variables(varied)["PARTNERS"]) == {
        SOURCE: {"name": "stripe", "scheme": "stripe", "accounts": {"account": "acct_1"}}
    }
