"""The copy of the audit: locked for years where a stage is protected, and not there where a stage wants none."""

from typing import Any

import pytest

from tests.infra.templates import Synthesised

BUCKET = "AuditArchive/Bucket"


def default_retention(stage: Synthesised) -> Any:
    bucket = stage.one("AWS::S3::Bucket", BUCKET).properties
    assert bucket["ObjectLockEnabled"] is True
    assert bucket["ObjectLockConfiguration"]["ObjectLockEnabled"] == "Enabled"
    return bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]


def test_the_copy_of_a_protected_stage_is_locked_and_outlives_its_stack(prod: Synthesised) -> None:
    assert default_retention(prod) == {"Mode": "COMPLIANCE", "Days": 3650}
    bucket = prod.one("AWS::S3::Bucket", BUCKET).body
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_the_copy_of_an_unprotected_stage_can_be_deleted(varied: Synthesised) -> None:
    assert default_retention(varied) == {"Mode": "GOVERNANCE", "Days": 2}
    bucket = varied.one("AWS::S3::Bucket", BUCKET).body
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Delete"


def test_the_bucket_is_private_encrypted_and_keeps_every_version(prod: Synthesised) -> None:
    bucket = prod.one("AWS::S3::Bucket", BUCKET).properties
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert "LifecycleConfiguration" not in bucket, "nothing removes a copy, not even when its time has passed"


def test_the_bucket_s_policy_requires_tls_and_allows_nothing(prod: Synthesised) -> None:
    policy = prod.properties(prod.one("AWS::S3::BucketPolicy", f"{BUCKET}/Policy"))
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", {"AWS": "*"}, "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [f"{BUCKET}.Arn", f"{BUCKET}.Arn/*"]


def test_the_publisher_and_the_outputs_have_the_bucket_s_name(prod: Synthesised) -> None:
    assert prod.variables("Publisher/Publisher")["AUDIT_BUCKET"] == BUCKET
    assert prod.outputs("ledger")["AuditBucketName"] == BUCKET


@pytest.mark.parametrize("name", ["dev", "local"])
def test_a_stage_that_keeps_no_copy_has_nothing_of_it(stage_named: Any, name: str) -> None:
    stage = stage_named(name)
    assert [each.path for each in stage.of_type("AWS::S3::Bucket")] == ["Events/Bucket"]
    assert "AUDIT_BUCKET" not in stage.variables("Publisher/Publisher")
    assert "AuditBucketName" not in stage.outputs("ledger")
