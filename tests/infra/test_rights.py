"""Everything that any role of the kit may do: a right that is not in this table fails here, and is argued about."""

import json
from collections import defaultdict

import pytest

from tests.infra.templates import Synthesised, statements

pytestmark = pytest.mark.xdist_group("infra")

TABLE = "Ledger/Table.Arn"
STREAM = (
    "dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator dynamodb:ListStreams"
    " on Ledger/Table.StreamArn"
)
READ_WRITE = (
    f"dynamodb:ConditionCheckItem dynamodb:GetItem dynamodb:PutItem dynamodb:Query dynamodb:UpdateItem on {TABLE}"
)
AUDIT_STAYS = (
    "NOT dynamodb:BatchWriteItem dynamodb:DeleteItem dynamodb:PartiQLDelete dynamodb:PartiQLUpdate dynamodb:UpdateItem"
    f' on {TABLE} if {{"ForAnyValue:StringLike": {{"dynamodb:LeadingKeys": ["AUDIT#*"]}}}}'
)
PUT_EVENTS = "events:PutEvents on HandOffs/Bus.Arn"

RIGHTS = {
    "Webhook/Role": {
        "logs:CreateLogStream logs:PutLogEvents on Webhook/Logs.Arn",
        READ_WRITE,
        AUDIT_STAYS,
    },
    "Approver/Approver/Role": {
        "logs:CreateLogStream logs:PutLogEvents on Approver/Approver/Logs.Arn",
        READ_WRITE,
        AUDIT_STAYS,
        "ses:SendEmail on arn:<Partition>:ses:<Region>:<AccountId>:identity/approvals@countersign.example",
        (
            "sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:GetQueueAttributes sqs:GetQueueUrl sqs:ReceiveMessage"
            " on Approver/Approvals/Work/Queue.Arn"
        ),
    },
    "Durable/OrderApproval/Workflow/Role": {
        "logs:CreateLogStream logs:PutLogEvents on Durable/OrderApproval/Workflow/Logs.Arn",
        READ_WRITE,
        AUDIT_STAYS,
        PUT_EVENTS,
        (
            "lambda:CheckpointDurableExecution lambda:GetDurableExecutionState"
            " on Durable/OrderApproval/Workflow/Function.Arn:*"
        ),
        "sqs:SendMessage on Durable/OrderApproval/DeadLetters.Arn",
    },
    "Requests/Role": {
        "logs:CreateLogStream logs:PutLogEvents on Requests/Logs.Arn",
        READ_WRITE,
        AUDIT_STAYS,
        "lambda:InvokeFunction on Durable/OrderApproval/Live",
    },
    "Relay/Relay/Role": {
        "logs:CreateLogStream logs:PutLogEvents on Relay/Relay/Logs.Arn",
        f"dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem on {TABLE}",
        AUDIT_STAYS,
        STREAM,
        (
            "lambda:SendDurableExecutionCallbackFailure lambda:SendDurableExecutionCallbackSuccess"
            " on Durable/OrderApproval/Workflow/Function.Arn:*"
        ),
        "sqs:GetQueueAttributes sqs:GetQueueUrl sqs:SendMessage on Relay/Decided/DeadLetters.Arn",
    },
    "Publisher/Publisher/Role": {
        "logs:CreateLogStream logs:PutLogEvents on Publisher/Publisher/Logs.Arn",
        f"dynamodb:DeleteItem on {TABLE}",
        AUDIT_STAYS,
        STREAM,
        PUT_EVENTS,
        "sqs:GetQueueAttributes sqs:GetQueueUrl sqs:SendMessage on Publisher/Tasks/DeadLetters.Arn",
    },
    "Executions/Executions/Role": {
        "logs:CreateLogStream logs:PutLogEvents on Executions/Executions/Logs.Arn",
        READ_WRITE,
        AUDIT_STAYS,
        (
            "sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:GetQueueAttributes sqs:GetQueueUrl sqs:ReceiveMessage"
            " on Executions/Ended/Work/Queue.Arn"
        ),
    },
}


def rights(stage: Synthesised) -> dict[str, set[str]]:
    found = defaultdict(set)
    for role, line in statements(stage):
        found[role].add(line)
    return dict(found)


def test_each_role_may_do_what_the_table_says_and_nothing_else(stage: Synthesised) -> None:
    assert rights(stage) == RIGHTS


def test_roles_have_no_other_source_of_rights_and_only_lambda_takes_them(stage: Synthesised) -> None:
    for role in stage.of_type("AWS::IAM::Role"):
        assert role.path in RIGHTS
        assert role.properties.keys() <= {"AssumeRolePolicyDocument", "Description", "Tags"}
        (trust,) = role.properties["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert not stage.of_type("AWS::IAM::ManagedPolicy")


def test_each_function_has_a_role_of_its_own(stage: Synthesised) -> None:
    roles = [stage.properties(function)["Role"] for function in stage.of_type("AWS::Lambda::Function")]
    assert sorted(roles) == sorted(f"{role}.Arn" for role in RIGHTS)


def test_the_only_wildcard_is_every_version_of_one_workflow(stage: Synthesised) -> None:
    for lines in rights(stage).values():
        for line in lines:
            resource = line.partition(" on ")[2].partition(" if ")[0]
            assert "*" not in resource.removesuffix("Durable/OrderApproval/Workflow/Function.Arn:*")


@pytest.mark.parametrize("role", ["Webhook/Role", "Approver/Approver/Role"])
def test_what_the_outside_touches_can_neither_invoke_nor_complete_callbacks(prod: Synthesised, role: str) -> None:
    assert "lambda:" not in json.dumps(sorted(rights(prod)[role]))


def test_only_the_relay_completes_callbacks(prod: Synthesised) -> None:
    may = {role for role, lines in rights(prod).items() if any("DurableExecutionCallback" in line for line in lines)}
    assert may == {"Relay/Relay/Role"}
