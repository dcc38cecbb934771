"""Everything that any role of the kit may do: a right that is not in this table fails here, and is argued about."""

import json
from collections import defaultdict

from countersign.adapters.keys import question_key
from tests.infra.templates import DECIDED_BY_A_PLAIN_LAMBDA, StageNamed, Synthesised, construct_id, line, statements

TABLE = "Ledger/Table.Arn"
STREAM = (
    "dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator dynamodb:ListStreams"
    " on Ledger/Table.StreamArn"
)
READ_TASKS = f"dynamodb:BatchGetItem on {TABLE}"
READ = f"dynamodb:BatchGetItem dynamodb:GetItem dynamodb:Query on {TABLE}"
SENDER = "approvals@countersign.example"
SES = "arn:<Partition>:ses:<Region>:<AccountId>"
AUDIT_STAYS = (
    "NOT dynamodb:BatchWriteItem dynamodb:DeleteItem dynamodb:PartiQLDelete dynamodb:PartiQLUpdate dynamodb:UpdateItem"
    f' on {TABLE} if {{"ForAnyValue:StringLike": {{"dynamodb:LeadingKeys": ["AUDIT#*"]}}}}'
)


def items(actions: str, *prefixes: str) -> str:
    """Return the line that allows actions on the ledger's items of these prefixes, and on no request without keys."""
    keys = json.dumps([f"{prefix}#*" for prefix in prefixes])
    is_one_of = f'"ForAllValues:StringLike": {{"dynamodb:LeadingKeys": {keys}}}'
    return f'{actions} on {TABLE} if {{{is_one_of}, "Null": {{"dynamodb:LeadingKeys": "false"}}}}'


def never_read(*prefixes: str) -> str:
    """Return the line that denies reading the ledger's items of these prefixes."""
    keys = json.dumps([f"{prefix}#*" for prefix in prefixes])
    return f'NOT {READ} if {{"ForAnyValue:StringLike": {{"dynamodb:LeadingKeys": {keys}}}}}'


WRITE = "dynamodb:PutItem dynamodb:UpdateItem"
PARKED = items("dynamodb:DeleteItem", "EXTERNAL")
DIRECTORY = "dynamodb:BatchGetItem on Directory/Table.Arn"
PUT_EVENTS = "events:PutEvents on HandOffs/Bus.Arn"
CONSUME = "sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:GetQueueAttributes sqs:GetQueueUrl sqs:ReceiveMessage"
START = "lambda:InvokeFunction on Durable/OrderApproval/Workflow/Function.Arn:live"
COMPLETE = (
    "lambda:SendDurableExecutionCallbackFailure lambda:SendDurableExecutionCallbackSuccess"
    " on Durable/OrderApproval/Workflow/Function.Arn:*"
)

EVENTS_BUCKET = "arn:<Partition>:s3:::Events/Bucket"
KEPT_EVENTS = f"{EVENTS_BUCKET}/events/*"

RIGHTS = {
    "Review/Review/Role": {
        "logs:CreateLogStream logs:PutLogEvents on Review/Review/Logs.Arn",
        *(READ, never_read("TOKEN"), items(WRITE, "AUDIT", "TASK"), AUDIT_STAYS),
        *(f"dynamodb:Query on {TABLE}/index/gsi1", DIRECTORY, "dynamodb:UpdateItem on Limits/Table.Arn"),
    },
    "Webhook/Webhook/Role": {
        "logs:CreateLogStream logs:PutLogEvents on Webhook/Webhook/Logs.Arn",
        READ,
        never_read("LINK", "STATUS"),
        items(f"dynamodb:ConditionCheckItem {WRITE}", "AUDIT", "EVENT", "EXTERNAL", "TASK"),
        AUDIT_STAYS,
        "dynamodb:UpdateItem on Limits/Table.Arn",
        f"s3:PutObject on {KEPT_EVENTS}",
    },
    "Replay/Replay/Role": {
        "logs:CreateLogStream logs:PutLogEvents on Replay/Replay/Logs.Arn",
        READ,
        never_read("LINK", "STATUS"),
        items(f"dynamodb:ConditionCheckItem {WRITE}", "AUDIT", "EVENT", "EXTERNAL", "TASK"),
        AUDIT_STAYS,
        f"s3:GetObject on {KEPT_EVENTS}",
        f"s3:ListBucket on {EVENTS_BUCKET}",
    },
    "Approver/Approver/Role": {
        "logs:CreateLogStream logs:PutLogEvents on Approver/Approver/Logs.Arn",
        READ,
        items(WRITE, "AUDIT", "LINK", "STATUS", "TASK"),
        AUDIT_STAYS,
        f"ses:SendEmail on {SES}:configuration-set/Approver/Email/ConfigurationSet {SES}:identity/{SENDER}",
        f"{CONSUME} on Approver/Approvals/Work/Queue.Arn",
    },
    "Results/Results/Role": {
        "logs:CreateLogStream logs:PutLogEvents on Results/Results/Logs.Arn",
        READ,
        never_read("LINK", "STATUS"),
        items(f"dynamodb:ConditionCheckItem {WRITE}", "AUDIT", "EVENT", "EXTERNAL", "TASK"),
        AUDIT_STAYS,
        "sqs:SendMessage on Results/Inbound/Work/DeadLetters.Arn",
        f"{CONSUME} on Results/Inbound/Work/Queue.Arn",
    },
    "Requests/Requests/Role": {
        "logs:CreateLogStream logs:PutLogEvents on Requests/Requests/Logs.Arn",
        *(READ, items(WRITE, "ASK", "AUDIT", "REQUEST", "TASK"), AUDIT_STAYS),
        *(f"dynamodb:Query on {TABLE}/index/gsi1", DIRECTORY, "dynamodb:UpdateItem on Limits/Table.Arn"),
    },
    "Relay/Relay/Role": {
        "logs:CreateLogStream logs:PutLogEvents on Relay/Relay/Logs.Arn",
        *(READ_TASKS, items(WRITE, "AUDIT", "TASK"), AUDIT_STAYS, STREAM, COMPLETE),
        "sqs:GetQueueAttributes sqs:GetQueueUrl sqs:SendMessage on Relay/Decided/DeadLetters.Arn",
    },
    "Publisher/Publisher/Role": {
        "logs:CreateLogStream logs:PutLogEvents on Publisher/Publisher/Logs.Arn",
        *(items("dynamodb:DeleteItem", "TASK"), AUDIT_STAYS, STREAM, PUT_EVENTS),
        "sqs:GetQueueAttributes sqs:GetQueueUrl sqs:SendMessage on Publisher/Tasks/DeadLetters.Arn",
    },
    "Sweeper/Sweeper/Role": {
        "logs:CreateLogStream logs:PutLogEvents on Sweeper/Sweeper/Logs.Arn",
        READ,
        items(WRITE, "AUDIT", "EVENT", "EXTERNAL", "REQUEST", "TASK"),
        *(f"dynamodb:Query on {TABLE}/index/gsi1", PARKED, AUDIT_STAYS, f"lambda:GetDurableExecution {COMPLETE}"),
        "sqs:SendMessage on Sweeper/DeadLetters.Arn",
    },
    "Executions/Executions/Role": {
        "logs:CreateLogStream logs:PutLogEvents on Executions/Executions/Logs.Arn",
        READ,
        items(WRITE, "AUDIT", "REQUEST", "TASK"),
        AUDIT_STAYS,
        "lambda:GetDurableExecution on Durable/OrderApproval/Workflow/Function.Arn:*",
        f"{CONSUME} on Executions/Ended/Work/Queue.Arn",
    },
}

ENTRIES = "arn:<Partition>:s3:::AuditArchive/Bucket/audit/*"
APPEND = {
    f"s3:GetObject s3:PutObject on {ENTRIES}",
    f'NOT s3:PutObject on {ENTRIES} if {{"Null": {{"s3:if-none-match": "true"}}}}',
    (
        "NOT s3:BypassGovernanceRetention s3:DeleteObject s3:DeleteObjectVersion s3:PutObjectLegalHold"
        f" s3:PutObjectRetention on {ENTRIES}"
    ),
}
"""What the publisher may do besides where the stage keeps a copy of the audit: add to it, and never change it."""

OF_A_WORKFLOW = {
    "logs:CreateLogStream logs:PutLogEvents on Durable/OrderApproval/Workflow/Logs.Arn",
    READ,
    items(f"dynamodb:ConditionCheckItem {WRITE}", "AUDIT", "EVENT", "EXTERNAL", "QUESTION", "REQUEST", "TASK", "TOKEN"),
    *(PARKED, AUDIT_STAYS, DIRECTORY, PUT_EVENTS),
    (
        "lambda:CheckpointDurableExecution lambda:GetDurableExecutionState"
        " on Durable/OrderApproval/Workflow/Function.Arn:*"
    ),
    "sqs:SendMessage on Durable/OrderApproval/DeadLetters.Arn",
}

OF_SETTLEMENTS = {
    "logs:CreateLogStream logs:PutLogEvents on HeldPayments/HeldPayments/Logs.Arn",
    *(f"dynamodb:GetItem on {TABLE}", items(WRITE, "REQUEST"), AUDIT_STAYS),
    START.replace("OrderApproval", "HeldPayment"),
    f"{CONSUME} on HeldPayments/Held/Work/Queue.Arn",
}
"""Where the stage names operators."""

CUSTOMER_KEY = " on CustomerKey/Key.Arn if "
"""The key that a stage's data may be under; test_encryption has the table of who may use it, and through what."""

HEARTBEAT = "lambda:SendDurableExecutionCallbackHeartbeat on Durable/OrderApproval/Workflow/Function.Arn:*"

OF_THE_DECIDER = {
    "logs:CreateLogStream logs:PutLogEvents on Decider/Logs.Arn",
    "sqs:SendMessage on DeciderDeadLetters.Arn",
    *(COMPLETE.replace("OrderApproval", construct_id(name)) for name in DECIDED_BY_A_PLAIN_LAMBDA),
}
"""Where the stage has the patterns."""

INVOKE_THE_DECIDER = "lambda:InvokeFunction on Decider/Function.Arn"
OPEN_ANSWERS = "kms:Decrypt kms:Encrypt on Answers/Key.Arn"
SEAL_ANSWERS = "kms:Encrypt on Answers/Key.Arn"

OF_LOOKS = {
    "logs:CreateLogStream logs:PutLogEvents on Looks/Looks/Logs.Arn",
    READ,
    never_read("LINK", "STATUS"),
    items(f"dynamodb:ConditionCheckItem {WRITE}", "AUDIT", "EVENT", "EXTERNAL", "TASK"),
    AUDIT_STAYS,
    "sqs:SendMessage on Looks/DeadLetters.Arn",
}
"""Where the stage asks a provider for payments."""


def secrets(stage: Synthesised) -> str:
    signing = sorted(
        f"Providers/{name}" for name in stage.settings.providers.keys() - stage.settings.unsigned_providers
    )
    return f"secretsmanager:GetSecretValue on {' '.join(signing)}"


def api_keys(stage: Synthesised) -> str:
    return " ".join(sorted(f"LookKeys/{name}" for name, each in stage.settings.providers.items() if each.look))


def asks(stage: Synthesised) -> str:
    function = f"function:{stage.settings.prefix}provider_looks"
    return f"lambda:InvokeFunction on arn:<Partition>:lambda:<Region>:<AccountId>:{function}"


def allowed(stage: Synthesised) -> dict[str, set[str]]:
    """Return the table of a stage: what is about OrderApproval holds for each of its workflows."""
    table = {role: {each for line in lines for each in stage.of_each_workflow(line)} for role, lines in RIGHTS.items()}
    for starter in ("Requests/Requests/Role", "Sweeper/Sweeper/Role"):
        table[starter] |= stage.of_each_workflow(START)
    webhook = table["Webhook/Webhook/Role"]
    webhook |= {secrets(stage), *stage.of_each_workflow(HEARTBEAT)}
    webhook |= {asks(stage)} if stage.settings.unsigned_providers else set()
    webhook |= {SEAL_ANSWERS} if stage.encrypted else set()
    table["Replay/Replay/Role"] |= {secrets(stage)}
    for name in stage.workflows:
        own = {line.replace("OrderApproval", construct_id(name)) for line in OF_A_WORKFLOW}
        own |= {OPEN_ANSWERS} if name in stage.encrypted else set()
        own = without_tasks(own) if name in DECIDED_BY_A_PLAIN_LAMBDA else own
        table[f"Durable/{construct_id(name)}/Workflow/Role"] = own
    if keys := api_keys(stage):
        table["Looks/Looks/Role"] = OF_LOOKS | {f"secretsmanager:GetSecretValue on {keys}"}
        table["Durable/Payment/Workflow/Role"] |= {asks(stage)}
    if stage.patterns:
        table["Decider/Role"] = OF_THE_DECIDER
    if stage.settings.payments.operators:
        table["HeldPayments/HeldPayments/Role"] = OF_SETTLEMENTS
    return table


def without_tasks(rights: set[str]) -> set[str]:
    """Return the rights of a workflow that has no task on the ledger, and records its result there."""
    others = {line for line in rights if f" on {TABLE}" not in line}
    return others | {items("dynamodb:UpdateItem", "REQUEST"), AUDIT_STAYS, INVOKE_THE_DECIDER}


def rights(stage: Synthesised) -> dict[str, set[str]]:
    found = defaultdict(set)
    for role, right in statements(stage):
        if CUSTOMER_KEY not in right:
            found[role].add(right)
    return dict(found)


def test_each_role_may_do_what_the_table_says_and_nothing_else(stage: Synthesised) -> None:
    besides = {"Publisher/Publisher/Role": APPEND if stage.stacks.ledger.archive else set()}
    assert rights(stage) == {role: lines | besides.get(role, set()) for role, lines in allowed(stage).items()}


def test_relay_and_sweeper_complete_callbacks_a_decider_those_of_its_patterns_and_the_webhook_sends_heartbeats(
    stage: Synthesised,
) -> None:
    ringers = {"Relay/Relay/Role", "Sweeper/Sweeper/Role"} | ({"Decider/Role"} if stage.patterns else set())
    assert who_may(stage, "CallbackSuccess") == who_may(stage, "CallbackFailure") == ringers
    assert who_may(stage, "CallbackHeartbeat") == {"Webhook/Webhook/Role"}


def test_no_public_function_starts_an_execution_and_no_function_changes_code_or_roles(stage: Synthesised) -> None:
    exposed = {f"{name}/{name}/Role" for name in ("Review", "Webhook", "Approver", "Results")}
    may_ask = {"Webhook/Webhook/Role"} if stage.settings.unsigned_providers else set()
    assert exposed & who_may(stage, "lambda:Invoke") == may_ask, "of a provider that signs nothing"
    for action in ("lambda:Update", "iam:", "sts:"):
        assert who_may(stage, action) == set()


def test_only_workflows_may_write_what_people_are_asked(stage: Synthesised) -> None:
    prefix = question_key("order-1001.approval")["pk"].partition("#")[0]
    assert {role.partition("/")[0] for role in who_may(stage, f'"{prefix}#*"')} == {"Durable"}


def who_may(stage: Synthesised, action: str) -> set[str]:
    return {role for role, lines in rights(stage).items() if any(action in line for line in lines)}


def test_the_policy_for_people_denies_completing_callbacks_and_is_a_setting(stage: Synthesised) -> None:
    wanted, functions = stage.settings.people.deny_callbacks, f"function:{stage.settings.prefix}*:*"
    denied = {
        "Action": "lambda:SendDurableExecutionCallback*",
        "Effect": "Deny",
        "Resource": f"arn:<Partition>:lambda:<Region>:<AccountId>:{functions}",
    }
    policies = [each for each in stage.of_type("AWS::IAM::ManagedPolicy") if each.path == "DenyCallbacks/Policy"]
    for policy in map(stage.properties, policies):
        assert policy["PolicyDocument"]["Statement"] == [denied]
        assert not {"Roles", "Users", "Groups"} & policy.keys(), "the kit attaches it to no role"
    assert len(policies) == wanted
    assert stage.outputs("workflow").get("DenyCallbacksPolicy") == ("DenyCallbacks/Policy" if wanted else None)


def test_the_policy_of_the_prover_reads_and_writes_items_of_proofs_only(stage_named: StageNamed) -> None:
    local = stage_named("local")
    (policy,) = [each for each in local.of_type("AWS::IAM::ManagedPolicy") if each.path == "Prover/Policy"]
    assert local.outputs("public")["ProvePolicy"] == "Prover/Policy"
    granted = policy.properties["PolicyDocument"]["Statement"]
    allowed_on = {json.dumps(each["Action"]): each.get("Condition") for each in granted if each["Effect"] == "Allow"}
    written = ["AUDIT#prove-*", "LINK#prove-*", "TASK#prove-*"]
    read = sorted([*written, "QUESTION#prove-*", "REQUEST#prove-*"])
    of_proofs = [
        {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": keys}, "Null": {"dynamodb:LeadingKeys": "false"}}
        for keys in (read, written)
    ]
    assert allowed_on == {
        '["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"]': of_proofs[0],
        '["dynamodb:PutItem", "dynamodb:UpdateItem"]': of_proofs[1],
        '"dynamodb:Query"': None,
    }, "the index has keys and task ids only"
    denied = [each for each in granted if each["Effect"] == "Deny"]
    no_envelope = {"ForAnyValue:StringEquals": {"dynamodb:Attributes": ["envelope"]}}
    assert [each["Action"] for each in denied if each["Condition"] == no_envelope] == [
        ["dynamodb:PutItem", "dynamodb:UpdateItem"]
    ]


def test_the_policy_of_operators_replays_kept_events_and_never_records_one(stage: Synthesised) -> None:
    (policy,) = [each for each in stage.of_type("AWS::IAM::ManagedPolicy") if each.path == "Replay/Policy"]
    assert (stage.outputs("public")["EventsPolicy"], stage.outputs("public")["ReplayFunction"]) == (
        "Replay/Policy",
        "Replay/Replay/Function",
    )
    granted = [line(each) for each in stage.properties(policy)["PolicyDocument"]["Statement"]]
    assert {each for each in granted if CUSTOMER_KEY not in each} == {
        f"s3:GetObject on {KEPT_EVENTS}",
        f"s3:ListBucket on {EVENTS_BUCKET}",
        items("dynamodb:BatchGetItem", "EVENT", "EXTERNAL"),
        AUDIT_STAYS,
        (
            "NOT dynamodb:BatchWriteItem dynamodb:DeleteItem dynamodb:PartiQLDelete dynamodb:PartiQLInsert"
            f" dynamodb:PartiQLUpdate {WRITE} on {TABLE}"
            ' if {"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": ["EVENT#*"]}}'
        ),
        "lambda:InvokeFunction on Replay/Replay/Function.Arn",
    }


def test_roles_have_no_other_source_of_rights_and_only_lambda_takes_them(stage: Synthesised) -> None:
    for role in stage.of_type("AWS::IAM::Role"):
        assert role.path in allowed(stage)
        assert role.properties.keys() <= {"AssumeRolePolicyDocument", "Description", "Tags"}, "no policy of AWS's"
        (trust,) = role.properties["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_each_function_has_a_role_of_its_own(stage: Synthesised) -> None:
    roles = [stage.properties(function)["Role"] for function in stage.of_type("AWS::Lambda::Function")]
    assert sorted(roles) == sorted(f"{role}.Arn" for role in allowed(stage))
