"""What carries messages to approvers: a topic and the right to publish to it only where a stage chooses them."""

from typing import Any

import pytest

from tests.infra.templates import DevWith, Synthesised, statements

pytestmark = pytest.mark.xdist_group("infra")

TOPIC = "Approver/Sns/Topic"


@pytest.fixture(scope="module")
def by_topic(dev_with: DevWith) -> Synthesised:
    return dev_with(("[mail]", '[mail]\nchannel = "sns"'))


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


def test_where_the_topic_is_chosen_the_approver_publishes_to_it_and_sends_no_mail(by_topic: Synthesised) -> None:
    assert sending(by_topic) == {f"Approver/Approver/Role: sns:Publish on {TOPIC}"}
    variables = environment(by_topic)
    assert (variables["CHANNEL"], variables["CHANNEL_SETTINGS"]) == ("sns", f'{{"topic":"{TOPIC}"}}')
    assert by_topic.outputs("public")["ApprovalsTopic"] == TOPIC


def test_the_topic_is_encrypted_at_rest_and_on_the_way(by_topic: Synthesised) -> None:
    topic = by_topic.properties(by_topic.one("AWS::SNS::Topic", TOPIC))
    assert "alias/aws/sns" in str(topic["KmsMasterKeyId"])
    (policy,) = [
        by_topic.properties(policy)["PolicyDocument"]["Statement"]
        for policy in by_topic.of_type("AWS::SNS::TopicPolicy")
        if by_topic.properties(policy)["Topics"] == [TOPIC]
    ]
    assert {"Bool": {"aws:SecureTransport": "false"}} in [statement.get("Condition") for statement in policy]


def test_nobody_is_subscribed_without_a_filter_by_the_stack_itself(by_topic: Synthesised) -> None:
    assert not by_topic.of_type("AWS::SNS::Subscription"), "who subscribes gets links; a stage's owner decides that"
