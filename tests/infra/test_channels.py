"""What carries messages to approvers: a topic and the right to publish to it only where a stage chooses them."""

from typing import Any

from tests.infra.templates import Synthesised, statements

TOPIC = "Approver/Sns/Topic"


def sending(stage: Synthesised) -> set[str]:
    """Return the rights to send messages to people, of every role."""
    return {f"{role}: {line}" for role, line in statements(stage) if line.startswith(("ses:", "sns:"))}


def environment(stage: Synthesised) -> dict[str, Any]:
    function = stage.properties(stage.one("AWS::Lambda::Function", "Approver/Approver/Function"))
    variables: dict[str, Any] = function["Environment"]["Variables"]
    return variables


def test_where_mail_is_chosen_there_is_no_topic_and_no_right_to_publish(stage: Synthesised) -> None:
    (right,) = sending(stage)
    assert right.startswith("Approver/Approver/Role: ses:SendEmail on ")
    assert not [topic for topic in stage.of_type("AWS::SNS::Topic") if topic.path == TOPIC]
    assert environment(stage)["CHANNEL"] == "email"
    assert "ApprovalsTopic" not in stage.outputs("public")


def test_where_the_topic_is_chosen_the_approver_publishes_to_it_and_sends_no_mail(varied: Synthesised) -> None:
    assert sending(varied) == {f"Approver/Approver/Role: sns:Publish on {TOPIC}"}
    variables = environment(varied)
    assert (variables["CHANNEL"], variables["CHANNEL_SETTINGS"]) == ("sns", f'{{"topic":"{TOPIC}"}}')
    assert varied.outputs("public")["ApprovalsTopic"] == TOPIC


def test_the_topic_is_encrypted_at_rest_and_on_the_way(varied: Synthesised) -> None:
    topic = varied.properties(varied.one("AWS::SNS::Topic", TOPIC))
    assert "alias/aws/sns" in str(topic["KmsMasterKeyId"])
    (policy,) = [
        varied.properties(policy)["PolicyDocument"]["Statement"]
        for policy in varied.of_type("AWS::SNS::TopicPolicy")
        if varied.properties(policy)["Topics"] == [TOPIC]
    ]
    assert {"Bool": {"aws:SecureTransport": "false"}} in [statement.get("Condition") for statement in policy]


def test_nobody_is_subscribed_without_a_filter_by_the_stack_itself(varied: Synthesised) -> None:
    topics = {varied.properties(each)["TopicArn"] for each in varied.of_type("AWS::SNS::Subscription")}
    assert TOPIC not in topics, "who subscribes gets links; a stage's owner decides that"
