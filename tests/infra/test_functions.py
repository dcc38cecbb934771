"""The house Function, and the workflows, which are durable ones."""

import json
import re
from typing import Any

from stacks.stage.policies import policy_document
from stacks.stage.settings import EMBEDDED
from tests.infra.templates import DECIDED_BY_A_PLAIN_LAMBDA, DevWith, StageNamed, Synthesised, construct_id

OF_A_WORKFLOW = {"BASE_URL", "BUS_NAME", "DIRECTORY_TABLE", "EXECUTION_TIMEOUT_SECONDS", "LEDGER_TABLE", "WORKFLOW"}
ENVIRONMENTS = {
    "approver": {"BASE_URL", "CHANNEL", "CHANNEL_SETTINGS", "LANGUAGE", "LEDGER_TABLE", "STAGE", "TIME_ZONE"},
    "executions": {"LEDGER_TABLE"},
    "publisher": {"BUS_NAME", "LEDGER_TABLE"},
    "relay": {"LEDGER_TABLE"},
    "bus_events": {"DEAD_LETTERS_URL", "LEDGER_TABLE"},
    "requests_api": {"DIRECTORY_TABLE", "LEDGER_TABLE", "LIMITS_TABLE", "WAITING"},
    "sweeper": {"AT_MOST_SECONDS", "GRACE_SECONDS", "LEDGER_TABLE"},
    "review": {"DIRECTORY_TABLE", "LANGUAGE", "LEDGER_TABLE", "LIMITS", "LIMITS_TABLE", "TIME_ZONE"},
    "webhook": {"BASE_URL", "EVENTS_BUCKET", "LEDGER_TABLE", "LIMITS", "LIMITS_TABLE", "PROVIDERS"},
    "webhook.replay": {"BASE_URL", "EVENTS_BUCKET", "KEEP_EVENTS_DAYS", "LEDGER_TABLE", "PROVIDERS"},
}
WHERE_PAYMENTS_ARE_SETTLED = {
    "held_payment": OF_A_WORKFLOW,
    "held_payments": {"LEDGER_TABLE", "WORKFLOW_ARN", "DEADLINE_SECONDS"},
}
TELEMETRY = {"METRICS_STAGE", "POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"}
OPTIONAL = {"AUDIT_BUCKET", "AUDIT_KEEP_DAYS", "DIRECTORY_TAGS"}
"""What a function reads where its stage says so; the tests of policies and of the audit's copy have it."""


def every_function(stage: Synthesised) -> list[Any]:
    return [stage.properties(function) for function in stage.of_type("AWS::Lambda::Function")]


def functions(stage: Synthesised) -> dict[str, Any]:
    """Return the functions by their folder, patterns by folder and module; of workflows that share one, the last."""
    return {folder_of(function): function for function in every_function(stage)}


UNHURRIED = {"approver", "executions", "publisher", "relay", "requests_api", "webhook.replay"}
"""Functions for which nobody waits, or that mostly wait, beside the workflows."""


def folder_of(function: Any) -> str:
    module: str = function["Handler"].removesuffix(".handler")
    return module.removesuffix(".handler")


def workflows(stage: Synthesised) -> dict[str, Any]:
    """Return the durable functions by their workflow."""
    durable = [function for function in every_function(stage) if "DurableConfig" in function]
    return {function["Environment"]["Variables"]["WORKFLOW"]: function for function in durable}


def workflow_folder(stage: Synthesised, name: str) -> str:
    if name in stage.patterns:
        return f"patterns.{name.replace('-', '_')}"
    return stage.settings.workflows[name].function


def workflow_folders(stage: Synthesised) -> set[str]:
    """Return the folders of the workflows that the settings name, the kit's own and a fork's, and the patterns."""
    folders = {workflow_folder(stage, name) for name in stage.workflows}
    assert folders >= {"order_approval", "payment"}
    return folders


def environments(stage: Synthesised) -> dict[str, set[str]]:
    """Return the variables that each function reads, beside those that it may have."""
    table = dict.fromkeys(workflow_folders(stage), OF_A_WORKFLOW) | ENVIRONMENTS
    if stage.settings.stage == EMBEDDED:
        table["requests_api"] = ENVIRONMENTS["requests_api"] | {"TELL_ERRORS"}
    table |= WHERE_PAYMENTS_ARE_SETTLED if stage.settings.payments.operators else {}
    if any(provider.look for provider in stage.settings.providers.values()):
        table |= {"looks": {"LEDGER_TABLE", "PROVIDERS"}}
        asking = {"payment", "webhook"} if stage.settings.unsigned_providers else {"payment"}
        table |= {folder: table[folder] | {"LOOKS_FUNCTION", "LOOKS_PROVIDERS"} for folder in asking}
    if stage.patterns:
        deciding = {workflow_folder(stage, name): OF_A_WORKFLOW | {"DECIDER"} for name in DECIDED_BY_A_PLAIN_LAMBDA}
        table |= {"patterns.decider": set(), **deciding}
    if stage.encrypted:
        sealing = {"webhook", *(workflow_folder(stage, name) for name in stage.encrypted)}
        table |= {folder: table[folder] | {"ANSWERS_KEY"} for folder in sealing}
    return table


def startable(stage: Synthesised) -> Any:
    """Return each workflow in the tables of the requests function."""
    return stage.tables(functions(stage)["requests_api"])["workflows"]


def test_each_function_and_its_environment(stage: Synthesised) -> None:
    assert functions(stage).keys() == environments(stage).keys()
    for function in every_function(stage):
        folder, variables = folder_of(function), function["Environment"]["Variables"]
        assert set(variables) - TELEMETRY - OPTIONAL == environments(stage)[folder]
        service = variables.get("WORKFLOW", folder.rpartition(".")[2].replace("_", "-"))
        assert variables["POWERTOOLS_SERVICE_NAME"] == service
        assert variables["METRICS_STAGE"] == f"countersign-{stage.settings.stage}"
        assert variables["POWERTOOLS_METRICS_NAMESPACE"] == "Countersign"


def test_every_function_has_one_runtime_both_layers_json_logs_and_the_tags_of_its_stage(stage: Synthesised) -> None:
    defaults = {
        "Runtime": "python3.13",
        "Architectures": ["arm64"],
        "Layers": ["Layers/Countersign", "Layers/Vendor"],
        "Tags": [{"Key": "application", "Value": "countersign"}, {"Key": "stage", "Value": stage.settings.stage}],
    }
    for function in every_function(stage):
        assert function.items() >= defaults.items()
        is_unhurried = "DurableConfig" in function or folder_of(function) in UNHURRIED
        assert function["MemorySize"] == (256 if is_unhurried else 512)
        levels = {"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "WARN"}
        assert function["LoggingConfig"].items() >= levels.items()
        assert "TracingConfig" not in function


def test_layers_are_of_the_functions_own_stack(prod: Synthesised) -> None:
    for function in prod.of_type("AWS::Lambda::Function"):
        own = prod.templates[function.stack]["Resources"]
        assert all(layer["Ref"] in own for layer in function.properties["Layers"])


def test_every_function_logs_to_a_group_of_its_own_that_is_not_kept_for_ever(stage: Synthesised) -> None:
    groups = {log.path: log for log in stage.of_type("AWS::Logs::LogGroup")}
    used = [function["LoggingConfig"]["LogGroup"] for function in every_function(stage)]
    assert sorted([*used, "ApiStage/AccessLog"]) == sorted(groups)
    for log in groups.values():
        assert log.properties["RetentionInDays"] == stage.settings.functions.log_retention_days


def test_functions_behind_the_api_end_before_it_stops_waiting(prod: Synthesised) -> None:
    for name in ("requests_api", "review", "webhook"):
        assert functions(prod)[name]["Timeout"] < 29


def test_workflows_are_durable_with_their_settings(stage: Synthesised) -> None:
    assert workflows(stage).keys() == set(stage.workflows)
    for name, function in workflows(stage).items():
        given = stage.settings.workflows.get(name) or stage.settings.patterns
        assert given
        assert folder_of(function) == workflow_folder(stage, name)
        durable = function["DurableConfig"]
        assert durable["ExecutionTimeout"] == given.execution_timeout_seconds
        assert durable["RetentionPeriodInDays"] == given.retention_days
        assert function["Environment"]["Variables"]["EXECUTION_TIMEOUT_SECONDS"] == str(given.execution_timeout_seconds)


def test_new_executions_start_on_the_current_version_and_old_versions_stay(prod: Synthesised) -> None:
    versions = {version.logical_id: version.body for version in prod.of_type("AWS::Lambda::Version")}
    aliases = [alias.properties for alias in prod.of_type("AWS::Lambda::Alias")]
    assert {alias["Name"] for alias in aliases} == {"live"}
    assert {alias["FunctionVersion"]["Fn::GetAtt"][0] for alias in aliases} == versions.keys()
    for body in versions.values():
        assert body["DeletionPolicy"] == body["UpdateReplacePolicy"] == "Retain"


def test_a_workflow_is_made_only_when_it_may_checkpoint(prod: Synthesised) -> None:
    policy = prod.one("AWS::IAM::Policy", "Durable/OrderApproval/Workflow/Role/DefaultPolicy")
    assert "lambda:CheckpointDurableExecution" in json.dumps(policy.body)
    function = prod.one("AWS::Lambda::Function", "Durable/OrderApproval/Workflow/Function")
    assert policy.logical_id in function.body["DependsOn"]


def test_the_relay_does_not_run_before_it_may_ring(prod: Synthesised) -> None:
    rights = prod.one("AWS::IAM::Policy", "Relay/Relay/Role/DefaultPolicy")
    assert rights.logical_id in prod.one("AWS::Lambda::Function", "Relay/Relay/Function").body["DependsOn"]


def test_starts_are_retried_and_kept_when_they_fail_for_good(stage: Synthesised) -> None:
    retries = [stage.properties(each) for each in stage.of_type("AWS::Lambda::EventInvokeConfig")]
    for name, function in workflows(stage).items():
        path = f"Durable/{construct_id(name)}"
        (own,) = (each for each in retries if f"{path}/Live" in json.dumps(each["Qualifier"]))
        assert (own["MaximumRetryAttempts"], own["MaximumEventAgeInSeconds"]) == (2, 6 * 3_600)
        assert function["DeadLetterConfig"]["TargetArn"] == f"{path}/DeadLetters.Arn"


def test_requests_have_each_workflow_s_alias_default_deadline_and_contract(
    prod: Synthesised, stage_named: StageNamed
) -> None:
    kit = {"order-approval", "approval", "payment", "held-payment", "refund"}
    assert startable(prod).keys() == prod.settings.workflows.keys() >= kit
    for stage in (prod, stage_named("local")):
        assert startable(stage).keys() == set(stage.workflows)
        for name in kit | set(stage.patterns):
            function = f"{stage.settings.prefix}{name}:live"
            seconds = 604_800 if name == "refund" else 259_200
            defaults = {"deadline_seconds": seconds, "contract": name, "retired": False}
            assert startable(stage)[name] == {"function": function, **defaults}
        outputs = [json.loads(stage.outputs(stack)["Workflows"]) for stack in stage.settings.workflow_stacks]
        aliases = {name: f"Durable/{construct_id(name)}/Workflow/Function.Arn:live" for name in stage.workflows}
        assert {name: arn for output in outputs for name, arn in output.items()} == aliases
    shared = startable(stage_named("local"))["expense-approval"]
    assert (shared["function"], shared["contract"]) == ("countersign-local-expense-approval:live", "order-approval")


def test_only_workflows_with_a_policy_and_requests_have_policies(stage: Synthesised) -> None:
    policies: dict[str, Any] = {name: policy_document(rows) for name, rows in stage.settings.policies.items()}
    found = {name: stage.tables(function)["policy"] for name, function in workflows(stage).items()}
    assert {name: rows for name, rows in found.items() if rows} == policies
    assert stage.tables(functions(stage)["requests_api"])["policies"] == policies
    with_tables = {folder_of(function) for function in every_function(stage) if stage.tables(function)}
    assert with_tables == {*workflow_folders(stage), "requests_api", "sweeper", "approver", "review"}


def test_functions_that_read_the_directory_compare_tags_as_the_settings_say(stage: Synthesised) -> None:
    tags = {
        name: function["Environment"]["Variables"].get("DIRECTORY_TAGS")
        for name, function in functions(stage).items()
        if "DIRECTORY_TABLE" in function["Environment"]["Variables"]
    }
    expected = "separate" if stage.settings.directory.separate_tags else None
    assert tags == dict.fromkeys((*workflow_folders(stage), "requests_api", "review"), expected)


def test_operators_are_in_the_version_of_the_workflow_that_asks_them_and_nowhere_else(stage_named: StageNamed) -> None:
    stage = stage_named("local")
    operators = {name: stage.tables(function)["operators"] for name, function in workflows(stage).items()}
    expected = {"held-payment": list(stage.settings.payments.operators)}
    assert {name: people for name, people in operators.items() if people} == expected
    held_payments = functions(stage)["held_payments"]["Environment"]["Variables"]
    arn = "Durable/HeldPayment/Workflow/Function.Arn:live"
    assert (held_payments["WORKFLOW_ARN"], held_payments["DEADLINE_SECONDS"]) == (arn, "259200")


def test_no_stack_refers_to_a_later_one(stage: Synthesised) -> None:
    prefix = stage.settings.prefix
    workflows = {name: {"ledger", "public"} for name in stage.settings.workflow_stacks}
    earlier: dict[str, set[str]] = {
        "ledger": set(),
        "public": {"ledger"},
        **workflows,
        "monitoring": {"ledger", "public", *workflows},
    }
    assert stage.templates.keys() == {f"{prefix}{name}" for name in earlier}
    for name, allowed in earlier.items():
        references = rf'"(?:StackName|Fn::ImportValue)": "{prefix}([\w-]+)'
        assert set(re.findall(references, json.dumps(stage.template(name)))) <= allowed


def test_retirement_changes_the_requests_function_and_nothing_else(stage_named: StageNamed, dev_with: DevWith) -> None:
    own = "order-approval.retention_days = 7"
    retired = dev_with((own, f"{own}\norder-approval.retired = true"), ("[patterns]\n", "[patterns]\nretired = true\n"))
    before, after = (
        {(each.stack, each.logical_id): each for each in stage.resources} for stage in (stage_named("dev"), retired)
    )
    assert before.keys() == after.keys()
    changed = {each.path for place, each in after.items() if each.body != before[place].body}
    assert changed == {"Requests/Requests/Function"}
    assert {name for name, each in startable(retired).items() if each["retired"]} == {
        "order-approval",
        *retired.patterns,
    }
