"""What holds state: how it is protected, and that it stays the same resource."""

from collections.abc import Callable

import pytest

from tests.infra.templates import Synthesised

STATEFUL = {
    ("AWS::DynamoDB::Table", "LedgerTable9343E4AA"),
    ("AWS::S3::Bucket", "AuditArchiveBucketDB93AD31"),
    ("AWS::S3::BucketPolicy", "AuditArchiveBucketPolicy09E9DEC6"),
    ("AWS::DynamoDB::Table", "DirectoryTableD64E6930"),
    ("AWS::SecretsManager::Secret", "Providersstripe04AED4CC"),
    ("AWS::KMS::Key", "CustomerKeyA9FF30A4"),
    ("AWS::Events::EventBus", "HandOffsBus10C3B731"),
    ("AWS::Events::Archive", "HandOffsArchive044C8F25"),
}
"""Another logical id is another resource to CloudFormation: an empty table in the place of the ledger."""

IN_USE = {
    "public": {
        "ApiCD79AAA0",
        "ApproverApprovalsWorkQueueAE7E73A5",
        "ExternalTasksWorkQueueD140060E",
        "ResultsInboundWorkQueueCF519F28",
    },
    "workflow": {
        "DurableHeldPaymentWorkflowFunction3E20ECB7",
        "DurableOrderApprovalWorkflowFunction768109B8",
        "DurablePaymentWorkflowFunctionE82CB923",
        "ExecutionsEndedWorkQueue49539FBC",
        "HeldPaymentsHeldWorkQueue39A87BA2",
    },
    "monitoring": {"AlarmsTopic3A2DFEBA"},
}
"""A new one in their place loses the URL of review links, executions and messages in flight, or subscriptions."""

COUNTERS = "Limits/Table"
"""Counters of the running minute: nothing that anybody would miss."""


def test_stateful_resources_keep_their_logical_ids(prod: Synthesised) -> None:
    resources = prod.template("ledger")["Resources"]
    found = {(body["Type"], logical_id) for logical_id, body in resources.items()}
    assert found >= STATEFUL
    assert {kind for kind, _ in found - STATEFUL} <= {"AWS::SecretsManager::Secret"}, "a fork has providers of its own"


@pytest.mark.parametrize("name", IN_USE)
def test_resources_that_are_in_use_keep_their_logical_ids(prod: Synthesised, name: str) -> None:
    assert prod.template(name)["Resources"].keys() >= IN_USE[name]


def test_no_resource_that_holds_data_is_anywhere_else(prod: Synthesised) -> None:
    for kind in ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SecretsManager::Secret"):
        holding = [resource for resource in prod.of_type(kind) if resource.path != COUNTERS]
        assert {resource.stack for resource in holding} == {"countersign-prod-ledger"}


def test_the_table(stage: Synthesised) -> None:
    table = stage.one("AWS::DynamoDB::Table", "Ledger/Table").properties
    assert _keys(table["KeySchema"]) == {"HASH": "pk", "RANGE": "sk"}
    (index,) = table["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "gsi1"
    assert _keys(index["KeySchema"]) == {"HASH": "gsi1pk", "RANGE": "gsi1sk"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"]["SSEEnabled"] is True
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert "TableName" not in table


def test_the_directory_is_a_table_of_its_own_and_its_name_an_output(stage: Synthesised) -> None:
    table = stage.one("AWS::DynamoDB::Table", "Directory/Table").properties
    assert _keys(table["KeySchema"]) == {"HASH": "address"}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"]["SSEEnabled"] is True
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert stage.outputs("ledger")["DirectoryTableName"] == "Directory/Table"


@pytest.mark.parametrize(
    ("name", "protected", "policy"), [("prod", True, "Retain"), ("dev", False, "Delete"), ("local", False, "Delete")]
)
def test_protection_by_stage(
    stage_named: Callable[[str], Synthesised], name: str, protected: bool, policy: str
) -> None:
    stage = stage_named(name)
    for table in stage.of_type("AWS::DynamoDB::Table"):
        if table.path == COUNTERS:
            continue
        assert table.properties["DeletionProtectionEnabled"] is protected
        assert table.body["DeletionPolicy"] == table.body["UpdateReplacePolicy"] == policy
    assert stage.stacks.ledger.termination_protection is protected
    logs = stage.of_type("AWS::Logs::LogGroup")
    assert {log.body["DeletionPolicy"] for log in logs} == {policy}


def test_the_archive_keeps_no_callback_token_and_the_embedded_cloud_has_none(
    stage_named: Callable[[str], Synthesised],
) -> None:
    archive = stage_named("prod").one("AWS::Events::Archive").properties
    assert archive["RetentionDays"] == stage_named("prod").settings.hand_off.archive_days
    assert archive["EventPattern"]["detail"] == {"callback": {"token": [{"exists": False}]}}
    assert not stage_named("local").of_type("AWS::Events::Archive")


def _keys(schema: list[dict[str, str]]) -> dict[str, str]:
    return {key["KeyType"]: key["AttributeName"] for key in schema}
