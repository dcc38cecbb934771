"""cdk-nag is on, and each finding that was accepted is in this table."""

from typing import Any

import pytest
from aws_cdk import App, Validations
from aws_cdk import aws_sqs as sqs

from app import SETTINGS, build
from stacks.components.sources import Sources
from stacks.settings import Settings
from tests.infra.templates import Synthesised

pytestmark = pytest.mark.xdist_group("infra")

WORKFLOW = "WorkflowStack/Durable/OrderApproval"
EVERY_VERSION = "AwsSolutions-IAM5[Resource::<{}.Arn>:*]"

ACCEPTED = {
    ("WebhookStack/Webhook/GET -review", "AwsSolutions-APIG4"),
    ("WebhookStack/Webhook/HEAD -review", "AwsSolutions-APIG4"),
    ("WebhookStack/Webhook/POST -review", "AwsSolutions-APIG4"),
    ("WebhookStack/Webhook/POST -delegate", "AwsSolutions-APIG4"),
    ("WebhookStack/Webhook/GET -inbox", "AwsSolutions-APIG4"),
    ("WebhookStack/Webhook/HEAD -inbox", "AwsSolutions-APIG4"),
    ("WebhookStack/Webhook/POST -inbox", "AwsSolutions-APIG4"),
    ("WebhookStack/Limits/Table", "AwsSolutions-DDB3"),
    ("WebhookStack/Approver/Approvals/Work/DeadLetters", "AwsSolutions-SQS3"),
    ("WebhookStack/Approver/Approvals/Undelivered", "AwsSolutions-SQS3"),
    ("WebhookStack/ExternalTasks/Work/DeadLetters", "AwsSolutions-SQS3"),
    ("WebhookStack/ExternalTasks/Undelivered", "AwsSolutions-SQS3"),
    ("WebhookStack/Webhook/POST -webhooks-{provider}", "AwsSolutions-APIG4"),
    ("WebhookStack/Webhook/POST -callbacks-succeed", "AwsSolutions-APIG4"),
    ("WebhookStack/Webhook/POST -callbacks-fail", "AwsSolutions-APIG4"),
    ("WebhookStack/Webhook/POST -callbacks-heartbeat", "AwsSolutions-APIG4"),
    ("WebhookStack/Results/Inbound/Work/DeadLetters", "AwsSolutions-SQS3"),
    ("WebhookStack/Results/Inbound/Undelivered", "AwsSolutions-SQS3"),
    ("WorkflowStack/Durable/OrderApproval/DeadLetters", "AwsSolutions-SQS3"),
    (f"{WORKFLOW}/HeartbeatFor-WebhookStack-Webhook-Role", EVERY_VERSION),
    (f"{WORKFLOW}/Checkpoints", EVERY_VERSION),
    (f"{WORKFLOW}/CallbacksFor-WorkflowStack-Relay-Relay-Role", EVERY_VERSION),
    (f"{WORKFLOW}/CallbacksFor-WorkflowStack-Sweeper-Sweeper-Role", EVERY_VERSION),
    ("WorkflowStack/Sweeper/DeadLetters", "AwsSolutions-SQS3"),
    ("WorkflowStack/Relay/Decided/DeadLetters", "AwsSolutions-SQS3"),
    ("WorkflowStack/Publisher/Tasks/DeadLetters", "AwsSolutions-SQS3"),
    ("WorkflowStack/Executions/Ended/Work/DeadLetters", "AwsSolutions-SQS3"),
    ("WorkflowStack/Executions/Ended/Undelivered", "AwsSolutions-SQS3"),
}

ACCEPTED_WITH_OPERATORS = {
    ("WorkflowStack/Settlements/Held/Work/DeadLetters", "AwsSolutions-SQS3"),
    ("WorkflowStack/Settlements/Held/Undelivered", "AwsSolutions-SQS3"),
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


def accepted(stage: Synthesised) -> set[tuple[str, str]]:
    """Return the table, with each workflow in the place of the one that it names, and the secret of each provider."""
    secrets = {(f"LedgerStack/Providers/{name}", "AwsSolutions-SMG4") for name in stage.settings.providers}
    return secrets | {
        (path, finding.format(function(stage, path)) if finding == EVERY_VERSION else finding)
        for line, finding in ACCEPTED
        for path in stage.of_each_workflow(line)
    }


def function(stage: Synthesised, path: str) -> str:
    """Return the logical id of the function of the workflow that a construct's path is in."""
    workflow = "/".join(path.split("/")[1:3])
    return stage.one("AWS::Lambda::Function", f"{workflow}/Workflow/Function").logical_id


def acknowledged(stage: Synthesised) -> dict[tuple[str, str], str]:
    return {
        (node.node.path, finding.removeprefix("Annotation::")): reason
        for node in stage.app.node.find_all()
        for entry in node.node.metadata
        if entry.type == Validations.ACKNOWLEDGED_RULES_METADATA_KEY
        for finding, reason in entry.data.items()
    }


def test_each_accepted_finding_is_known(stage: Synthesised) -> None:
    archived = ACCEPTED_WITH_ARCHIVE if stage.stacks.ledger.archive else set()
    settled = ACCEPTED_WITH_OPERATORS if stage.settings.payments.operators else set()
    assert set(acknowledged(stage)) == accepted(stage) | archived | settled


def test_each_has_a_reason_in_a_sentence(stage: Synthesised) -> None:
    assert all(len(reason.split()) >= 8 for reason in acknowledged(stage).values())


def test_a_finding_that_nobody_accepted_stops_the_synthesis(sources: Sources, context: dict[str, Any]) -> None:
    app = App(context=context)
    stacks = build(app, Settings.load(SETTINGS / "dev.toml"), sources)
    sqs.Queue(stacks.webhook, "Careless")
    with pytest.raises(RuntimeError, match=r"[Vv]alidation"):
        app.synth()
