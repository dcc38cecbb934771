"""cdk-nag is on, and each finding that was accepted is in this table."""

from functools import cache
from typing import Any

import pytest
from aws_cdk import App, Validations
from aws_cdk import aws_sqs as sqs

from app import build
from stacks.components.house.sources import Sources
from stacks.stage.settings import Settings
from stacks.stage.workflows import SHARES
from tests import SETTINGS
from tests.infra.templates import DECIDED_BY_A_PLAIN_LAMBDA, Synthesised, construct_id

ACCEPTED = {
    *(
        (f"PublicStack/{route}", "AwsSolutions-APIG4")
        for route in (
            *(f"Review/{method} -{page}" for method in ("GET", "HEAD", "POST") for page in ("review", "inbox")),
            *("Review/POST -delegate", "Review/$default", "Webhook/POST -webhooks-{provider}"),
            *(f"Webhook/POST -callbacks-{said}" for said in ("succeed", "fail", "heartbeat")),
        )
    ),
    ("PublicStack/Limits/Table", "AwsSolutions-DDB3"),
    *(
        (queue, "AwsSolutions-SQS3")
        for queue in (
            "PublicStack/Approver/Approvals/Work/DeadLetters",
            *("PublicStack/Approver/Approvals/Undelivered", "PublicStack/ExternalTasks/Work/DeadLetters"),
            *("PublicStack/ExternalTasks/Undelivered", "PublicStack/Results/Inbound/Work/DeadLetters"),
            *("PublicStack/Results/Inbound/Undelivered", "WorkflowStack/Sweeper/DeadLetters"),
            *("WorkflowStack/Relay/Decided/DeadLetters", "WorkflowStack/Publisher/Tasks/DeadLetters"),
            *("WorkflowStack/Executions/Ended/Work/DeadLetters", "WorkflowStack/Executions/Ended/Undelivered"),
        )
    ),
}

ACCEPTED_WITH_OPERATORS = {
    ("WorkflowStack/HeldPayments/Held/Work/DeadLetters", "AwsSolutions-SQS3"),
    ("WorkflowStack/HeldPayments/Held/Undelivered", "AwsSolutions-SQS3"),
}

ACCEPTED_WITH_ARCHIVE = {
    ("LedgerStack/AuditArchive/Bucket", "AwsSolutions-S1"),
    (
        "WorkflowStack/Publisher/Publisher/Role",
        (
            "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::"
            '{"Fn::GetStackOutput":{"StackName":"countersign-prod-ledger","Region":{"Ref":"AWS::Region"},'
            '"OutputName":"AuditBucketName"}}/audit/*]'
        ),
    ),
}


ACCEPTED_BY_AUDITS = {
    *("DynamoDBInBackupPlan", "IAMNoInlinePolicy", "SecretsManagerRotationEnabled"),
    *("DynamoDBPITREnabled", "CKV_AWS_28"),  # of the limits' counters alone
    *("LambdaConcurrency", "CKV_AWS_115", "LambdaDLQ", "CKV_AWS_116", "LambdaInsideVPC", "CKV_AWS_117"),
}
"""What `make audit` asks for that the kit does otherwise, everywhere: NIST 800-53's rules, and checkov's."""

ACCEPTED_BY_AUDITS_OF_THE_COPY = {
    *("S3BucketLoggingEnabled", "CKV_AWS_18", "S3BucketReplicationEnabled", "S3DefaultEncryptionKMS"),
}


def accepted(stage: Synthesised) -> set[tuple[str, str]]:
    """Return the table, and what is accepted of each workflow, of the patterns, and of the secret of each provider."""
    found = {(f"PublicStack/Providers/{name}", "AwsSolutions-SMG4") for name in stage.settings.providers}
    for name in stage.workflows:
        found |= accepted_of(name, stage)
    if stage.patterns:
        found.add(("PatternsStack/DeciderDeadLetters", "AwsSolutions-SQS3"))
        for name in DECIDED_BY_A_PLAIN_LAMBDA:
            found.add(("PatternsStack/Decider/Role", every_version(name, stage)))
    return ACCEPTED | found


def accepted_of(name: str, stage: Synthesised) -> set[tuple[str, str]]:
    """Return what is accepted of one workflow: its queue, and the policies that name every version of it."""
    (stack,) = (each for each, members in stage.settings.workflow_stacks.items() if name in members)
    where = f"WorkflowsStack{stack[-1].upper()}" if stack in SHARES else f"{stack.title()}Stack"
    path = f"{where}/Durable/{construct_id(name)}"
    ringing = ("PublicStack/Heartbeats", *(f"WorkflowStack/{ringer}/Workflows" for ringer in ("Relay", "Sweeper")))
    return {
        (f"{path}/DeadLetters", "AwsSolutions-SQS3"),
        (f"{path}/Workflow/Role", every_version(name, stage)),
        *((f"{each}/{stack}-1", every_version(name, stage)) for each in ringing),
    }


def every_version(name: str, stage: Synthesised) -> str:
    arn = f"arn:<AWS::Partition>:lambda:<AWS::Region>:<AWS::AccountId>:function:{stage.settings.prefix}{name}"
    return f"AwsSolutions-IAM5[Resource::{arn}:*]"


@cache
def every_acknowledgement(stage: Synthesised) -> dict[tuple[str, str], str]:
    return {
        (node.node.path, finding.removeprefix("Annotation::")): reason
        for node in stage.app.node.find_all()
        for entry in node.node.metadata
        if entry.type == Validations.ACKNOWLEDGED_RULES_METADATA_KEY
        for finding, reason in entry.data.items()
    }


def acknowledged(stage: Synthesised, pack: str = "AwsSolutions") -> dict[tuple[str, str], str]:
    return {key: reason for key, reason in every_acknowledgement(stage).items() if key[1].startswith(pack)}


def test_each_accepted_finding_is_known(stage: Synthesised) -> None:
    archived = ACCEPTED_WITH_ARCHIVE if stage.stacks.ledger.archive else set()
    settled = ACCEPTED_WITH_OPERATORS if stage.settings.payments.operators else set()
    assert set(acknowledged(stage)) == accepted(stage) | archived | settled


def test_each_has_a_reason_in_a_sentence(stage: Synthesised) -> None:
    assert all(len(reason.split()) >= 8 for reason in acknowledged(stage).values())


def test_what_audits_find_and_the_kit_does_otherwise_is_known(stage: Synthesised) -> None:
    by_nist = acknowledged(stage, "NIST.800.53.R5-")
    by_checkov = [
        (resource.path, skip["id"], skip["comment"])
        for resource in stage.resources
        for skip in resource.body.get("Metadata", {}).get("checkov", {"skip": []})["skip"]
    ]
    assert all(len(reason.split()) >= 8 for reason in (*by_nist.values(), *(reason for *_, reason in by_checkov)))
    rules = {rule.removeprefix("NIST.800.53.R5-") for _, rule in by_nist} | {rule for _, rule, _ in by_checkov}
    archived = ACCEPTED_BY_AUDITS_OF_THE_COPY if stage.stacks.ledger.archive else set()
    assert rules == ACCEPTED_BY_AUDITS | archived


def test_a_finding_that_nobody_accepted_stops_the_synthesis(sources: Sources, context: dict[str, Any]) -> None:
    app = App(context=context)
    stacks = build(app, Settings.load(SETTINGS / "prod.toml"), sources)
    sqs.Queue(stacks.public, "Careless")
    with pytest.raises(RuntimeError, match=r"[Vv]alidation"):
        app.synth()
