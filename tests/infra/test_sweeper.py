"""The sweeper's schedule, and its settings."""

from typing import Any

from tests.infra.templates import Synthesised


def schedule(stage: Synthesised) -> Any:
    return stage.properties(stage.one("AWS::Events::Rule", "Sweeper/Schedule"))


def test_the_interval_and_the_grace_are_those_of_the_stage(prod: Synthesised, strict: Synthesised) -> None:
    assert schedule(prod)["ScheduleExpression"] == "rate(5 minutes)"
    assert schedule(strict)["ScheduleExpression"] == "rate(1 minute)"
    assert prod.variables("Sweeper/Sweeper")["GRACE_SECONDS"] == "300"
    assert strict.variables("Sweeper/Sweeper")["GRACE_SECONDS"] == "90"


def test_the_schedule_invokes_nothing_else_and_keeps_what_it_could_not_invoke(stage: Synthesised) -> None:
    (target,) = schedule(stage)["Targets"]
    assert schedule(stage)["State"] == "ENABLED"
    assert "EventPattern" not in schedule(stage)
    assert target["Arn"] == "Sweeper/Sweeper/Function.Arn"
    assert target["DeadLetterConfig"] == {"Arn": "Sweeper/DeadLetters.Arn"}
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 300, "MaximumRetryAttempts": 2}


def test_only_the_api_and_the_schedule_invoke_a_function_from_outside(stage: Synthesised) -> None:
    permissions = map(stage.properties, stage.of_type("AWS::Lambda::Permission"))
    others = [each for each in permissions if each["Principal"] != "apigateway.amazonaws.com"]
    assert [(each["FunctionName"], each["Principal"], each["SourceArn"]) for each in others] == [
        ("Sweeper/Sweeper/Function.Arn", "events.amazonaws.com", "Sweeper/Schedule.Arn")
    ]


def test_a_failed_sweep_is_kept_in_a_queue_with_an_alarm(stage: Synthesised) -> None:
    assert stage.function("Sweeper/Sweeper")["DeadLetterConfig"] == {"TargetArn": "Sweeper/DeadLetters.Arn"}
    assert stage.one("AWS::CloudWatch::Alarm", "Alarms/DeadLetters-sweeper-dlq").properties["AlarmActions"]


def test_a_sweep_ends_by_itself_before_lambda_ends_it(stage: Synthesised) -> None:
    at_most = int(stage.variables("Sweeper/Sweeper")["AT_MOST_SECONDS"])
    assert 0 < at_most <= stage.function("Sweeper/Sweeper")["Timeout"] - 60


def test_it_can_start_what_the_requests_function_can(stage: Synthesised) -> None:
    requests = stage.function("Requests/Requests")
    startable = {name: {"function": each["function"]} for name, each in stage.tables(requests)["workflows"].items()}
    assert stage.tables(stage.function("Sweeper/Sweeper")) == {"workflows": startable}
