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
EVERY_VERSION = "AwsSolutions-IAM5[Resource::<DurableOrderApprovalWorkflowFunction768109B8.Arn>:*]"

ACCEPTED = {
    ("WebhookStack/Webhook/GET -review", "AwsSolutions-APIG4"),
    ("WebhookStack/Webhook/HEAD -review", "AwsSolutions-APIG4"),
    ("WebhookStack/Webhook/POST -review", "AwsSolutions-APIG4"),
    ("WebhookStack/Approver/Approvals/Work/DeadLetters", "AwsSolutions-SQS3"),
    ("WebhookStack/Approver/Approvals/Undelivered", "AwsSolutions-SQS3"),
    ("WebhookStack/ExternalTasks/Work/DeadLetters", "AwsSolutions-SQS3"),
    ("WebhookStack/ExternalTasks/Undelivered", "AwsSolutions-SQS3"),
    ("WorkflowStack/Durable/OrderApproval/DeadLetters", "AwsSolutions-SQS3"),
    (f"{WORKFLOW}/Checkpoints", EVERY_VERSION),
    (f"{WORKFLOW}/CallbacksFor-WorkflowStack-Relay-Relay-Role", EVERY_VERSION),
    ("WorkflowStack/Relay/Decided/DeadLetters", "AwsSolutions-SQS3"),
    ("WorkflowStack/Publisher/Tasks/DeadLetters", "AwsSolutions-SQS3"),
    ("WorkflowStack/Executions/Ended/Work/DeadLetters", "AwsSolutions-SQS3"),
    ("WorkflowStack/Executions/Ended/Undelivered", "AwsSolutions-SQS3"),
}


def acknowledged(stage: Synthesised) -> dict[tuple[str, str], str]:
    return {
        (node.node.path, finding.removeprefix("Annotation::")): reason
        for node in stage.app.node.find_all()
        for entry in node.node.metadata
        if entry.type == Validations.ACKNOWLEDGED_RULES_METADATA_KEY
        for finding, reason in entry.data.items()
    }


def test_each_accepted_finding_is_known(stage: Synthesised) -> None:
    assert set(acknowledged(stage)) == ACCEPTED


def test_each_has_a_reason_in_a_sentence(stage: Synthesised) -> None:
    assert all(len(reason.split()) >= 8 for reason in acknowledged(stage).values())


def test_a_finding_that_nobody_accepted_stops_the_synthesis(sources: Sources, context: dict[str, Any]) -> None:
    app = App(context=context)
    stacks = build(app, Settings.load(SETTINGS / "dev.toml"), sources)
    sqs.Queue(stacks.webhook, "Careless")
    with pytest.raises(RuntimeError, match=r"[Vv]alidation"):
        app.synth()
