"""What carries messages to approvers: a topic and the right to publish to it only where a stage chooses them."""

import json
from email.header import Header

from countersign.adapters.event_bus import SOURCE
from countersign.testing.builders import ses_event
from tests.infra.templates import Synthesised, statements
from tests.infra.test_events import matches

TOPIC = "Approver/Sns/Topic"
CONFIGURATION_SET = "Approver/Email/ConfigurationSet"


def sending(stage: Synthesised) -> set[str]:
    """Return the rights to send messages to people, of every role."""
    return {f"{role}: {line}" for role, line in statements(stage) if line.startswith(("ses:", "sns:"))}


def test_where_mail_is_chosen_there_is_no_topic_and_no_right_to_publish(stage: Synthesised) -> None:
    (right,) = sending(stage)
    configuration_set, identity = right.removeprefix("Approver/Approver/Role: ses:SendEmail on ").split(" ")
    assert identity.endswith(f":identity/{stage.settings.mail.sender}")
    assert configuration_set.endswith(f":configuration-set/{CONFIGURATION_SET}")
    assert not [topic for topic in stage.of_type("AWS::SNS::Topic") if topic.path == TOPIC]
    assert stage.variables("Approver/Approver")["CHANNEL"] == "email"
    assert "ApprovalsTopic" not in stage.outputs("public")


def test_with_slack_the_approver_also_sends_mail_and_reads_the_token_and_the_directory(bare: Synthesised) -> None:
    variables = bare.variables("Approver/Approver")
    assert (variables["CHANNEL"], variables["CHANNEL_SETTINGS"]) == ("slack", "{}")
    assert json.loads(variables["MAIL_SETTINGS"])["configuration_set"] == CONFIGURATION_SET
    assert list(json.loads(variables["CHANNEL_SECRET"])) == ["slack"]
    assert {"DIRECTORY_TABLE"} <= variables.keys()
    rights = {line.partition(" on ")[0] for role, line in statements(bare) if role == "Approver/Approver/Role"}
    assert {"ses:SendEmail", "secretsmanager:GetSecretValue", "dynamodb:BatchGetItem"} <= rights
    assert "ChannelSecret" in bare.outputs("public")
    assert [each for each in bare.of_type("AWS::Events::Rule") if each.path.endswith("ReportsRule")]


def test_the_end_of_an_approval_takes_the_links_out_of_slack_and_mail_stages_have_no_rule_for_it(
    bare: Synthesised, prod: Synthesised
) -> None:
    rule = bare.properties(bare.one("AWS::Events::Rule", "Approver/Approvals/EndedRule"))
    ended = {"source": SOURCE, "detail-type": "TaskDecided", "detail": {"kind": "TaskDecided", "task_kind": "approval"}}
    assert matches(rule["EventPattern"], ended)
    for other in ({"detail-type": "TaskApplied"}, {"detail": {"kind": "TaskDecided", "task_kind": "payment"}}):
        assert not matches(rule["EventPattern"], ended | other)
    assert not [each for each in prod.of_type("AWS::Events::Rule") if each.path.endswith("EndedRule")]


def test_where_the_topic_is_chosen_the_approver_publishes_to_it_and_sends_no_mail(varied: Synthesised) -> None:
    assert sending(varied) == {f"Approver/Approver/Role: sns:Publish on {TOPIC}"}
    variables = varied.variables("Approver/Approver")
    assert (variables["CHANNEL"], variables["CHANNEL_SETTINGS"]) == ("sns", f'{{"topic":"{TOPIC}"}}')
    assert varied.outputs("public")["ApprovalsTopic"] == TOPIC


def test_the_topic_is_encrypted_at_rest_and_on_the_way(varied: Synthesised) -> None:
    assert "alias/aws/sns" in str(varied.properties(varied.one("AWS::SNS::Topic", TOPIC))["KmsMasterKeyId"])
    (policy,) = [
        varied.properties(policy)["PolicyDocument"]["Statement"]
        for policy in varied.of_type("AWS::SNS::TopicPolicy")
        if varied.properties(policy)["Topics"] == [TOPIC]
    ]
    assert {"Bool": {"aws:SecureTransport": "false"}} in [statement.get("Condition") for statement in policy]


def test_the_stack_subscribes_no_one_to_the_topic(varied: Synthesised) -> None:
    topics = {varied.properties(each)["TopicArn"] for each in varied.of_type("AWS::SNS::Subscription")}
    assert TOPIC not in topics, "who subscribes gets links; a stage's owner decides that"


def test_what_ses_reports_about_mails_of_the_stage_s_own_configuration_set_is_taken_from_aws_s_bus(
    prod: Synthesised,
) -> None:
    destination = prod.one("AWS::SES::ConfigurationSetEventDestination").properties
    assert set(destination["EventDestination"]["MatchingEventTypes"]) == {
        *("bounce", "complaint", "reject", "deliveryDelay")
    }
    rule = prod.properties(prod.one("AWS::Events::Rule", "Results/Inbound/ReportsRule"))
    assert "EventBusName" not in rule
    for event_type in ("Bounce", "Complaint", "Reject", "DeliveryDelay"):
        event = ses_event(event_type)
        event["detail"]["mail"]["tags"]["ses:configuration-set"] = [CONFIGURATION_SET]
        assert matches(rule["EventPattern"], event | {"account": "<AccountId>"})
        assert not matches(rule["EventPattern"], event), "of an account that may put events on the bus"
    assert not matches(rule["EventPattern"], ses_event() | {"account": "<AccountId>"}), "of another stage"


def test_pages_and_mails_have_the_brand_and_mail_names_its_sender_and_where_answers_go(strict: Synthesised) -> None:
    assert json.loads(strict.variables("Approver/Approver")["CHANNEL_SETTINGS"]) == {
        "sender": f"{Header('Käufe, Nord', 'utf-8').encode()} <approvals@countersign.example>",
        "reply_to": "help@countersign.example",
        "configuration_set": CONFIGURATION_SET,
    }
    for path in ("Approver/Approver", "Review/Review"):
        assert strict.tables(strict.function(path))["brand"]["name"] == "Käufe, Nord"


def test_no_reputation_is_watched_and_no_report_taken_where_no_mail_is_sent(varied: Synthesised) -> None:
    alarms = {each.path.rpartition("/")[2] for each in varied.of_type("AWS::CloudWatch::Alarm")}
    assert not alarms & {"MailsBounced", "MailBounceRate", "MailComplaintRate"}
    assert not [each for each in varied.of_type("AWS::Events::Rule") if each.path.endswith("ReportsRule")]
