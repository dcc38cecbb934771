"""Providers whose events come over EventBridge: a bus, a rule and a right only where a stage names them."""

import json

from countersign.testing.builders import task_result
from tests.infra.templates import Synthesised
from tests.infra.test_events import matches

SOURCE = "aws.partner/stripe.com/ed_1001"


def test_without_a_partner_there_is_the_kit_s_bus_alone(stage: Synthesised) -> None:
    assert [bus.path for bus in stage.of_type("AWS::Events::EventBus")] == ["HandOffs/Bus"]
    assert "PARTNERS" not in stage.variables("Results/Results")


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


def test_the_function_finds_the_partner_by_its_source(varied: Synthesised) -> None:
    assert json.loads(varied.variables("Results/Results")["PARTNERS"]) == {
        SOURCE: {"name": "stripe", "scheme": "stripe", "accounts": {"account": "acct_1"}}
    }
