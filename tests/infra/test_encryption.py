"""Under whose keys data is kept, by stage, and that roles have of the stage's key what they need and no more."""

from typing import Any

import pytest

from tests.infra.templates import Resource, StageNamed, Synthesised, statements

KEY = "CustomerKey/Key.Arn"

KEEPS_DATA = {
    "AWS::DynamoDB::Table": ("SSESpecification", "KMSMasterKeyId"),
    "AWS::Events::Archive": ("KmsKeyIdentifier",),
    "AWS::Lambda::Function": ("KmsKeyArn",),
    "AWS::Logs::LogGroup": ("KmsKeyId",),
    "AWS::SNS::Topic": ("KmsMasterKeyId",),
    "AWS::SQS::Queue": ("KmsMasterKeyId",),
    "AWS::SecretsManager::Secret": ("KmsKeyId",),
}
KEEPS_NOTHING = {
    *(
        *("AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::Route"),
        "AWS::ApiGatewayV2::Stage",
    ),
    *("AWS::CDK::Metadata", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard"),
    *("AWS::Events::EventBus", "AWS::Events::Rule"),  # an event is there until it is delivered
    *("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role", "AWS::KMS::Key"),
    *("AWS::Lambda::Alias", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::EventSourceMapping"),
    *("AWS::Lambda::LayerVersion", "AWS::Lambda::Permission", "AWS::Lambda::Version"),
    "AWS::Logs::QueryDefinition",
    *("AWS::SES::ConfigurationSet", "AWS::SES::ConfigurationSetEventDestination"),
    *("AWS::S3::BucketPolicy", "AWS::SNS::Subscription", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy"),
}
UNDER_S3_S_OWN_KEY = "AWS::S3::Bucket"
"""The copy of the audit: a person who deletes a key of the stage makes entries unreadable that Object Lock keeps."""

OWN_KEYS = {"Alarms/Topic": "Alarms/Key.Arn"}
"""CloudWatch must be able to use the key of the alarms' topic."""


def through(service: str, *actions: str) -> str:
    condition = f'{{"StringEquals": {{"kms:ViaService": "{service}.<Region>.amazonaws.com"}}}}'
    return f"{' '.join(actions)} on {KEY} if {condition}"


def read(service: str) -> str:
    return through(service, "kms:Decrypt")


def write(service: str) -> str:
    return through(service, "kms:Decrypt", "kms:GenerateDataKey")


RIGHTS = {
    "Review/Review/Role": {read("dynamodb")},
    "Webhook/Webhook/Role": {read("dynamodb"), read("secretsmanager"), through("s3", "kms:GenerateDataKey")},
    "Replay/Replay/Role": {read("dynamodb"), read("secretsmanager"), read("s3")},
    "Approver/Approver/Role": {read("dynamodb"), read("sqs")},
    "Results/Results/Role": {read("dynamodb"), write("sqs")},
    "Requests/Requests/Role": {read("dynamodb")},
    "Looks/Looks/Role": {read("dynamodb"), read("secretsmanager"), write("sqs")},
    "Relay/Relay/Role": {read("dynamodb"), read("lambda"), write("sqs")},
    "Publisher/Publisher/Role": {read("dynamodb"), write("sqs")},
    "Executions/Executions/Role": {read("dynamodb"), read("lambda"), read("sqs")},
    "HeldPayments/HeldPayments/Role": {read("dynamodb"), read("sqs")},
    "Sweeper/Sweeper/Role": {read("dynamodb"), read("lambda"), write("sqs")},
}
OF_A_WORKFLOW = {read("dynamodb"), read("lambda"), write("sqs")}
"""Its dead-letter queue is written with its role."""


@pytest.fixture(params=["prod", "fork"])
def encrypted(request: pytest.FixtureRequest) -> Synthesised:
    stage: Synthesised = request.getfixturevalue(request.param)
    return stage


def key_of(stage: Synthesised, resource: Resource) -> Any:
    value = stage.properties(resource)
    for name in KEEPS_DATA[resource.body["Type"]]:
        value = value.get(name, {})
    return value


def key_rights(stage: Synthesised) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for role, line in statements(stage):
        if KEY in line:
            found.setdefault(role, set()).add(line)
    return found


def test_with_a_key_of_ones_own_all_data_is_under_it(encrypted: Synthesised) -> None:
    for resource in encrypted.resources:
        kind = resource.body["Type"]
        if resource.path == "Events/Bucket":
            (rule,) = encrypted.properties(resource)["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            assert rule["ServerSideEncryptionByDefault"] == {"KMSMasterKeyID": KEY, "SSEAlgorithm": "aws:kms"}
        elif kind in KEEPS_DATA:
            assert key_of(encrypted, resource) == OWN_KEYS.get(resource.path, KEY), resource.path
        else:
            assert kind in KEEPS_NOTHING | {UNDER_S3_S_OWN_KEY}, "does it keep data?"


def test_the_data_of_durable_executions_is_under_it(encrypted: Synthesised) -> None:
    durable = [each for each in encrypted.of_type("AWS::Lambda::Function") if "DurableConfig" in each.properties]
    assert len(durable) == len(encrypted.workflows)
    for function in durable:
        assert encrypted.properties(function)["DurableConfig"]["KMSKeyArn"] == KEY


def test_queues_have_one_kind_of_encryption(encrypted: Synthesised) -> None:
    assert all("SqsManagedSseEnabled" not in queue.properties for queue in encrypted.of_type("AWS::SQS::Queue"))


def test_the_key_is_rotated_and_outlives_a_protected_stage(
    prod: Synthesised, fork: Synthesised, stage_named: StageNamed
) -> None:
    key = prod.one("AWS::KMS::Key", "CustomerKey/Key")
    assert key.stack == "countersign-prod-ledger"
    assert key.properties["EnableKeyRotation"] is True
    assert (key.body["DeletionPolicy"], key.body["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert fork.one("AWS::KMS::Key", "CustomerKey/Key").body["DeletionPolicy"] == "Delete"


def test_services_use_the_key_for_this_account_and_the_stage_s_logs_only(prod: Synthesised) -> None:
    policy = prod.properties(prod.one("AWS::KMS::Key", "CustomerKey/Key"))["KeyPolicy"]["Statement"]
    account, logs, durable, describe, events = policy
    assert account["Principal"] == {"AWS": "arn:<Partition>:iam::<AccountId>:root"}
    assert logs["Principal"] == {"Service": "logs.<Region>.amazonaws.com"}
    (pattern,) = logs["Condition"]["ArnLike"].values()
    assert pattern == "arn:<Partition>:logs:<Region>:<AccountId>:log-group:countersign-prod-*"
    assert all(group.stack.startswith("countersign-prod-") for group in prod.of_type("AWS::Logs::LogGroup"))
    assert (durable["Principal"], describe["Action"]) == ({"Service": "lambda.amazonaws.com"}, "kms:DescribeKey")
    assert events["Action"] == ["kms:Decrypt", "kms:GenerateDataKey", "kms:ReEncrypt*"]
    for statement in (durable, events):
        assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "<AccountId>"}


def test_each_role_uses_the_key_for_its_own_services_only(prod: Synthesised) -> None:
    workflows = prod.of_each_workflow("Durable/OrderApproval/Workflow/Role")
    assert key_rights(prod) == RIGHTS | dict.fromkeys(workflows, OF_A_WORKFLOW)


def test_patterns_and_the_topic_use_the_key(fork: Synthesised) -> None:
    rights = key_rights(fork)
    assert rights["Decider/Role"] == {read("lambda"), write("sqs")}
    assert rights["Approver/Approver/Role"] == {read("dynamodb"), read("sqs"), write("sns")}
    assert rights["Durable/EncryptedPayload/Workflow/Role"] == OF_A_WORKFLOW
    assert rights.keys() == {role for role, _ in statements(fork)}


@pytest.mark.parametrize("name", ["dev", "local"])
def test_without_a_key_of_ones_own_no_role_uses_a_key_and_data_is_encrypted(stage_named: StageNamed, name: str) -> None:
    stage = stage_named(name)
    assert key_rights(stage) == {}
    assert "CustomerKey/Key" not in {key.path for key in stage.of_type("AWS::KMS::Key")}
    assert all(queue.properties["SqsManagedSseEnabled"] for queue in stage.of_type("AWS::SQS::Queue"))
    for table in stage.of_type("AWS::DynamoDB::Table"):
        assert table.properties["SSESpecification"] == {"SSEEnabled": True}
