"""What holds state: how it is protected, and that it stays the same resource."""

import pytest

from tests.infra.templates import StageNamed, Synthesised

STATEFUL = {
    ("AWS::DynamoDB::Table", "LedgerTable9343E4AA"),
    ("AWS::S3::Bucket", "AuditArchiveBucketDB93AD31"),
    ("AWS::S3::BucketPolicy", "AuditArchiveBucketPolicy09E9DEC6"),
    ("AWS::S3::Bucket", "EventsBucket147CB497"),
    ("AWS::S3::BucketPolicy", "EventsBucketPolicy6EED4EB8"),
    ("AWS::DynamoDB::Table", "DirectoryTableD64E6930"),
    ("AWS::KMS::Key", "CustomerKeyA9FF30A4"),
    ("AWS::Events::EventBus", "HandOffsBus10C3B731"),
    ("AWS::Events::Archive", "HandOffsArchive044C8F25"),
    ("AWS::SNS::Topic", "AlarmsTopic3A2DFEBA"),
}
"""Another logical id is another resource to CloudFormation: an empty table in the place of the ledger."""

IN_USE = {
    "public": {
        *("ApiCD79AAA0", "ApproverApprovalsWorkQueueAE7E73A5", "ExternalTasksWorkQueueD140060E"),
        *("Providersstripe04AED4CC", "ResultsInboundWorkQueueCF519F28"),
    },
    "workflow": {
        *("DurableHeldPaymentWorkflowFunction3E20ECB7", "DurableOrderApprovalWorkflowFunction768109B8"),
        *("DurablePaymentWorkflowFunctionE82CB923", "ExecutionsEndedWorkQueue49539FBC"),
        "HeldPaymentsHeldWorkQueue39A87BA2",
    },
}
"""A new one in their place loses the URL of review links, executions and messages in flight, or secrets."""

COUNTERS = "Limits/Table"
"""Counters of the running minute: nothing that anybody would miss."""


def test_stateful_resources_keep_their_logical_ids(prod: Synthesised) -> None:
    resources = prod.template("ledger")["Resources"]
    found = {(body["Type"], logical_id) for logical_id, body in resources.items()}
    assert found >= STATEFUL
    of_alarms = {(kind, logical_id) for kind, logical_id in found - STATEFUL if logical_id.startswith("Alarms")}
    assert found == STATEFUL | of_alarms


@pytest.mark.parametrize("name", IN_USE)
def test_resources_that_are_in_use_keep_their_logical_ids(prod: Synthesised, name: str) -> None:
    assert prod.template(name)["Resources"].keys() >= IN_USE[name]


def test_no_resource_that_holds_data_is_anywhere_else(prod: Synthesised) -> None:
    for kind in ("AWS::DynamoDB::Table", "AWS::S3::Bucket"):
        holding = [resource for resource in prod.of_type(kind) if resource.path != COUNTERS]
        assert {resource.stack for resource in holding} == {"countersign-prod-ledger"}


def test_the_table(stage: Synthesised) -> None:
    table = stage.one("AWS::DynamoDB::Table", "Ledger/Table").properties
    assert _keys(table["KeySchema"]) == {"HASH": "pk", "RANGE": "sk"}
    (index,) = table["GlobalSecondaryIndexes"]
    assert (index["IndexName"], _keys(index["KeySchema"])) == ("gsi1", {"HASH": "gsi1pk", "RANGE": "gsi1sk"})
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
    ("name", "protected", "policy"),
    [("prod", True, "RetainExceptOnCreate"), ("dev", False, "Delete"), ("local", False, "Delete")],
)
def test_protection_by_stage(stage_named: StageNamed, name: str, protected: bool, policy: str) -> None:
    stage = stage_named(name)
    for table in stage.of_type("AWS::DynamoDB::Table"):
        if table.path == COUNTERS:
            continue
        assert table.properties["DeletionProtectionEnabled"] is protected
        assert table.body["DeletionPolicy"] == policy
        assert table.body["UpdateReplacePolicy"] == policy.removesuffix("ExceptOnCreate")
    assert stage.stacks.ledger.termination_protection is protected
    logs = stage.of_type("AWS::Logs::LogGroup")
    assert {log.body["DeletionPolicy"] for log in logs} == {policy}


def test_the_archive_keeps_events_for_the_days_of_the_settings_and_the_embedded_cloud_has_none(
    stage_named: StageNamed,
) -> None:
    archive = stage_named("prod").one("AWS::Events::Archive").properties
    assert archive["RetentionDays"] == stage_named("prod").settings.hand_off.archive_days
    assert not stage_named("local").of_type("AWS::Events::Archive")


def test_a_failed_first_deploy_leaves_nothing_behind_and_protected_tables_come_last(prod: Synthesised) -> None:
    kept = {each.body["Type"] for each in prod.resources if each.body.get("DeletionPolicy") == "Retain"}
    assert kept == {"AWS::Lambda::Version"}, "it goes with its function"
    resources = prod.template("ledger")["Resources"]
    tables = {name: set(each.get("DependsOn", ())) for name, each in resources.items() if "Table" in each["Type"]}
    (first, before), (last, before_last) = sorted(tables.items(), key=lambda each: len(each[1] & tables.keys()))
    others = {name for name, each in resources.items() if each["Type"] != "AWS::CDK::Metadata"} - tables.keys()
    assert before == others
    assert first in before_last, f"{last} is the last"


def _keys(schema: list[dict[str, str]]) -> dict[str, str]:
    return {key["KeyType"]: key["AttributeName"] for key in schema}
