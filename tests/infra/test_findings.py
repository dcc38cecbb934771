"""cdk-nag is on, and each finding that was accepted is in this table."""

from typing import Any

from tests.infra.templates import Synthesised

ELSEWHERE = {
    "AwsSolutions-APIG4": "test_api has the routes without authorization",
    "AwsSolutions-L1": "test_functions has the runtime of every function",
    "AwsSolutions-IAM5": "test_rights has every right, with its wildcards",
    "AwsSolutions-SQS3": "test_queues has the queues without a dead-letter queue",
}
"""Findings that are accepted in many places, and the table of these places."""

ACCEPTED_BY_AUDITS = {
    *("DynamoDBInBackupPlan", "IAMNoInlinePolicy", "SecretsManagerRotationEnabled"),
    *("DynamoDBPITREnabled", "CKV_AWS_28"),  # of the limits' counters alone
    *("LambdaConcurrency", "CKV_AWS_115", "LambdaDLQ", "CKV_AWS_116", "LambdaInsideVPC", "CKV_AWS_117"),
}
"""What `make audit` asks for that the kit does otherwise, everywhere: NIST 800-53's rules, and checkov's."""

ACCEPTED_BY_AUDITS_OF_BUCKETS = {
    *("S3BucketLoggingEnabled", "CKV_AWS_18", "S3BucketReplicationEnabled", "S3DefaultEncryptionKMS"),
    *("S3BucketVersioningEnabled", "CKV_AWS_21"),  # of the kept events alone
}


def acknowledged(stage: Synthesised, pack: str = "AwsSolutions") -> dict[tuple[str, str], str]:
    return {key: reason for key, reason in stage.acknowledged.items() if key[1].startswith(pack)}


def test_each_accepted_finding_is_known(stage: Synthesised) -> None:
    secrets = [each.path for each in stage.of_type("AWS::SecretsManager::Secret")]
    accepted = {(f"PublicStack/{path}", "AwsSolutions-SMG4") for path in secrets}
    accepted |= {("LedgerStack/Events/Bucket", "AwsSolutions-S1")}
    accepted |= {("LedgerStack/AuditArchive/Bucket", "AwsSolutions-S1")} if stage.stacks.ledger.archive else set()
    found = {(path, rule) for path, rule in acknowledged(stage) if rule.partition("[")[0] not in ELSEWHERE}
    assert found == accepted | {("PublicStack/Limits/Table", "AwsSolutions-DDB3")}


def test_each_accepted_finding_has_a_reason_in_a_sentence(stage: Synthesised) -> None:
    assert all(len(reason.split()) >= 8 for reason in acknowledged(stage).values())


def test_each_accepted_finding_of_audits_is_known(stage: Synthesised) -> None:
    by_nist = acknowledged(stage, "NIST.800.53.R5-")
    by_checkov = [
        (resource.path, skip["id"], skip["comment"])
        for resource in stage.resources
        for skip in resource.body.get("Metadata", {}).get("checkov", {"skip": []})["skip"]
    ]
    assert all(len(reason.split()) >= 8 for reason in (*by_nist.values(), *(reason for *_, reason in by_checkov)))
    rules = {rule.removeprefix("NIST.800.53.R5-") for _, rule in by_nist} | {rule for _, rule, _ in by_checkov}
    assert rules == ACCEPTED_BY_AUDITS | ACCEPTED_BY_AUDITS_OF_BUCKETS


def test_an_unknown_finding_stops_the_synthesis(refused: list[Any]) -> None:
    (violation,) = (each for each in refused if each["ruleName"] == "AwsSolutions-SQS3")
    assert [each["constructPath"] for each in violation["violatingConstructs"]] == ["PublicStack/Careless/Resource"]
