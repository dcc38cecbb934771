"""No message is lost in silence: every queue and every target has somewhere for what fails."""

import json
from typing import Any

from countersign.services.deliveries import INBOX_PAUSE
from tests.infra.templates import Resource, Synthesised

DEAD_LETTERS = {
    *("Approver/Approvals/Work/DeadLetters", "Approver/Approvals/Undelivered"),
    *("ExternalTasks/Work/DeadLetters", "ExternalTasks/Undelivered", "Results/Inbound/Work/DeadLetters"),
    *("Results/Inbound/Undelivered", "Executions/Ended/Work/DeadLetters", "Executions/Ended/Undelivered"),
    *("Durable/OrderApproval/DeadLetters", "Relay/Decided/DeadLetters", "Publisher/Tasks/DeadLetters"),
    "Sweeper/DeadLetters",
}

OF_SETTLEMENTS = {"HeldPayments/Held/Work/DeadLetters", "HeldPayments/Held/Undelivered"}
"""Where the stage names operators."""

OF_LOOKS = {"Looks/DeadLetters"}
"""Where the stage asks a provider for payments."""

OF_PATTERNS = {"DeciderDeadLetters"}
"""Where the stage has the patterns, besides those of each."""


def dead_letters(stage: Synthesised) -> set[str]:
    settled = OF_SETTLEMENTS if stage.settings.payments.operators else set()
    decided = OF_PATTERNS if stage.patterns else set()
    looked = OF_LOOKS if any(provider.look for provider in stage.settings.providers.values()) else set()
    return {each for path in DEAD_LETTERS for each in stage.of_each_workflow(path)} | settled | decided | looked


def queues(stage: Synthesised) -> dict[str, Any]:
    return {queue.path: stage.properties(queue) for queue in stage.of_type("AWS::SQS::Queue")}


def test_every_queue_but_a_dead_letter_queue_has_one(stage: Synthesised) -> None:
    for path, queue in queues(stage).items():
        if path in dead_letters(stage):
            assert "RedrivePolicy" not in queue
            continue
        assert queue["RedrivePolicy"]["maxReceiveCount"] >= 5
        assert queue["RedrivePolicy"]["deadLetterTargetArn"].removesuffix(".Arn") in dead_letters(stage)


def test_every_dead_letter_queue_is_known_and_keeps_what_it_has_as_long_as_it_can(stage: Synthesised) -> None:
    kept = {path for path, queue in queues(stage).items() if "RedrivePolicy" not in queue}
    assert kept == dead_letters(stage)
    assert {queues(stage)[path]["MessageRetentionPeriod"] for path in kept} == {14 * 24 * 3600}


def test_every_queue_refuses_plain_http(stage: Synthesised) -> None:
    refusing = set()
    for policy in stage.of_type("AWS::SQS::QueuePolicy"):
        properties = stage.properties(policy)
        for statement in properties["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Deny" and statement["Principal"] == {"AWS": "*"}:
                assert statement["Action"] == "sqs:*"
                assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
                refusing |= set(properties["Queues"])
    assert refusing == set(queues(stage))


def test_only_rules_of_ours_may_send_to_a_queue_from_outside_its_account_roles(stage: Synthesised) -> None:
    rules = {f"{rule.path}.Arn" for rule in stage.of_type("AWS::Events::Rule")}
    for policy in stage.of_type("AWS::SQS::QueuePolicy"):
        for statement in stage.properties(policy)["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Allow":
                assert statement["Principal"] == {"Service": "events.amazonaws.com"}
                assert statement["Condition"]["ArnEquals"]["aws:SourceArn"] in rules


def test_messages_are_hidden_for_six_times_as_long_as_their_function_may_take(stage: Synthesised) -> None:
    timeouts = {function.path: function.properties["Timeout"] for function in stage.of_type("AWS::Lambda::Function")}
    fed = [mapping for mapping in mappings(stage) if mapping["EventSourceArn"].removesuffix(".Arn") in queues(stage)]
    assert len(fed) == (4 if stage.settings.payments.operators else 3)
    for mapping in fed:
        queue = queues(stage)[mapping["EventSourceArn"].removesuffix(".Arn")]
        window = mapping.get("MaximumBatchingWindowInSeconds", 0)
        assert queue["VisibilityTimeout"] >= 6 * timeouts[mapping["FunctionName"]] + window


def test_the_link_to_a_list_that_could_not_be_sent_is_tried_again_after_its_pause(stage: Synthesised) -> None:
    assert queues(stage)["Approver/Approvals/Work/Queue"]["VisibilityTimeout"] > INBOX_PAUSE.total_seconds()


def test_every_consumer_says_which_of_a_batch_have_failed(stage: Synthesised) -> None:
    assert all(mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"] for mapping in mappings(stage))


def test_every_rule_retries_and_keeps_what_it_could_not_deliver(stage: Synthesised) -> None:
    for rule in stage.of_type("AWS::Events::Rule"):
        for target in stage.properties(rule)["Targets"]:
            assert target["DeadLetterConfig"]["Arn"].removesuffix(".Arn") in dead_letters(stage)
            if "ScheduleExpression" in rule.properties:  # its next turn does what this one would have done
                continue
            assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185}


def test_consumers_on_the_stream_skip_nothing_in_silence(stage: Synthesised) -> None:
    on_stream = [mapping for mapping in mappings(stage) if mapping["EventSourceArn"] == "Ledger/Table.StreamArn"]
    assert len(on_stream) == 2, "DynamoDB advises at most two readers of a stream"
    for mapping in on_stream:
        assert mapping["StartingPosition"] == "TRIM_HORIZON"
        assert mapping["BisectBatchOnFunctionError"] is True
        assert 50 <= mapping["MaximumRetryAttempts"] <= 100, "an outage of minutes must not reach the dead letters"
        assert 3_600 <= mapping["MaximumRecordAgeInSeconds"] < 24 * 3_600
        assert mapping["DestinationConfig"]["OnFailure"]["Destination"].removesuffix(".Arn") in dead_letters(stage)


def test_no_function_that_somebody_waits_for_waits_for_more_records(stage: Synthesised) -> None:
    seconds = {each["FunctionName"]: each.get("MaximumBatchingWindowInSeconds", 0) for each in mappings(stage)}
    waiting = {name: window for name, window in seconds.items() if window}
    assert waiting == {"Publisher/Publisher/Function": 1, "Executions/Executions/Function": 5}


def test_the_outputs_name_every_queue(stage: Synthesised) -> None:
    outputs = [json.loads(stage.outputs(stack)["Queues"]) for stack in ("public", *stage.settings.workflow_stacks)]
    named = {name: path for output in outputs for name, path in output.items()}
    assert set(named.values()) == set(queues(stage))
    assert {path for name, path in named.items() if name.endswith("-dlq")} == dead_letters(stage)
    works = {"approvals", "external-tasks", "results", "executions"}
    assert works | {f"{name}-dlq" for name in works} <= named.keys()


def mappings(stage: Synthesised) -> list[Any]:
    found: list[Resource] = stage.of_type("AWS::Lambda::EventSourceMapping")
    return [stage.properties(mapping) for mapping in found]
