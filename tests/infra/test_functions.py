"""The house Function, and the workflows, which are durable ones."""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from countersign.domain.policy import Policy
from countersign.runtime import EXECUTION_MARGIN
from stacks.policies import policy_document
from stacks.settings import EXECUTION_MARGIN_SECONDS
from tests.infra.templates import Synthesised

pytestmark = pytest.mark.xdist_group("infra")

ENVIRONMENTS = {
    "approver": {"BASE_URL", "LEDGER_TABLE", "MAIL_SENDER", "STAGE"},
    "executions": {"LEDGER_TABLE"},
    "order_approval": {"BUS_NAME", "EXECUTION_TIMEOUT_SECONDS", "LEDGER_TABLE", "WORKFLOW"},
    "publisher": {"BUS_NAME", "LEDGER_TABLE"},
    "relay": {"LEDGER_TABLE"},
    "requests_api": {"LEDGER_TABLE", "WORKFLOWS"},
    "webhook": {"LEDGER_TABLE"},
}
POWERTOOLS = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_LOG_LEVEL"}


def functions(stage: Synthesised) -> dict[str, Any]:
    found = [stage.properties(function) for function in stage.of_type("AWS::Lambda::Function")]
    return {function["Handler"].removesuffix(".handler.handler"): function for function in found}


def test_each_function_and_its_environment(stage: Synthesised) -> None:
    found = {name: function["Environment"]["Variables"] for name, function in functions(stage).items()}
    variables_of = {name: set(variables) - POWERTOOLS - {"POLICY"} for name, variables in found.items()}
    assert variables_of == ENVIRONMENTS
    for name, variables in found.items():
        assert variables["POWERTOOLS_SERVICE_NAME"] == name.replace("_", "-")
        assert variables["POWERTOOLS_METRICS_NAMESPACE"] == "Countersign"
        assert variables["POWERTOOLS_LOG_LEVEL"] == "INFO"


def test_they_run_on_one_runtime_with_both_layers(stage: Synthesised) -> None:
    for function in functions(stage).values():
        assert function["Runtime"] == "python3.14"
        assert function["Architectures"] == ["arm64"]
        assert function["Layers"] == ["Layers/Countersign", "Layers/Vendor"]
        assert function["MemorySize"] == 512
        assert "TracingConfig" not in function


def test_layers_are_of_the_functions_own_stack(prod: Synthesised) -> None:
    for function in prod.of_type("AWS::Lambda::Function"):
        own = prod.templates[function.stack]["Resources"]
        assert all(layer["Ref"] in own for layer in function.properties["Layers"])


def test_every_function_logs_to_a_group_of_its_own_that_is_not_kept_for_ever(stage: Synthesised) -> None:
    groups = {log.path: log for log in stage.of_type("AWS::Logs::LogGroup")}
    used = [function["LoggingConfig"]["LogGroup"] for function in functions(stage).values()]
    assert sorted([*used, "ApiStage/AccessLog"]) == sorted(groups)
    for log in groups.values():
        assert log.properties["RetentionInDays"] == stage.settings.functions.log_retention_days


def test_they_log_json_at_the_stage_s_level(prod: Synthesised) -> None:
    for function in functions(prod).values():
        assert function["LoggingConfig"]["LogFormat"] == "JSON"
        assert function["LoggingConfig"]["ApplicationLogLevel"] == "INFO"


def test_functions_behind_the_api_end_before_it_stops_waiting(prod: Synthesised) -> None:
    assert functions(prod)["webhook"]["Timeout"] < 29
    assert functions(prod)["requests_api"]["Timeout"] < 29


def test_workflows_are_durable_with_their_settings(stage: Synthesised) -> None:
    for workflow in stage.settings.workflows.values():
        function = functions(stage)[workflow.function]
        assert function["DurableConfig"] == {
            "ExecutionTimeout": workflow.execution_timeout_seconds,
            "RetentionPeriodInDays": workflow.retention_days,
        }
        variables = function["Environment"]["Variables"]
        assert variables["EXECUTION_TIMEOUT_SECONDS"] == str(workflow.execution_timeout_seconds)
    durable = {name for name, function in functions(stage).items() if "DurableConfig" in function}
    assert durable == {workflow.function for workflow in stage.settings.workflows.values()}


def test_new_executions_start_on_the_current_version_and_old_versions_stay(prod: Synthesised) -> None:
    version = prod.one("AWS::Lambda::Version")
    alias = prod.one("AWS::Lambda::Alias").properties
    assert alias["Name"] == "live"
    assert alias["FunctionVersion"] == {"Fn::GetAtt": [version.logical_id, "Version"]}
    assert version.body["DeletionPolicy"] == version.body["UpdateReplacePolicy"] == "Retain"


def test_the_alias_moves_only_when_the_workflow_may_checkpoint(prod: Synthesised) -> None:
    policy = prod.one("AWS::IAM::Policy", "Durable/OrderApproval/Checkpoints")
    assert policy.logical_id in prod.one("AWS::Lambda::Alias").body["DependsOn"]


def test_the_relay_does_not_run_before_it_may_ring(prod: Synthesised) -> None:
    rights = prod.one("AWS::IAM::Policy", "Durable/OrderApproval/CallbacksFor-WorkflowStack-Relay-Relay-Role")
    assert rights.logical_id in prod.one("AWS::Lambda::Function", "Relay/Relay/Function").body["DependsOn"]


def test_starts_are_retried_and_kept_when_they_fail_for_good(prod: Synthesised) -> None:
    retries = prod.properties(prod.one("AWS::Lambda::EventInvokeConfig"))
    assert "Durable/OrderApproval/Live" in json.dumps(retries["Qualifier"])
    assert retries["MaximumRetryAttempts"] == 2
    assert retries["MaximumEventAgeInSeconds"] == 6 * 3_600
    target = functions(prod)["order_approval"]["DeadLetterConfig"]["TargetArn"]
    assert target == "Durable/OrderApproval/DeadLetters.Arn"


def test_requests_know_each_workflow_by_its_alias_and_default_deadline(prod: Synthesised) -> None:
    workflows = json.loads(functions(prod)["requests_api"]["Environment"]["Variables"]["WORKFLOWS"])
    assert workflows == {"order-approval": {"arn": "Durable/OrderApproval/Live", "deadline_seconds": 259_200}}
    assert json.loads(prod.outputs("workflow")["Workflows"]) == {"order-approval": "Durable/OrderApproval/Live"}


def test_policies_reach_the_workflows_that_have_one_and_requests_and_nobody_else(stage: Synthesised) -> None:
    policies = {name: policy_document(rows) for name, rows in stage.settings.policies.items()}
    expected: dict[str, Any] = {stage.settings.workflows[name].function: rows for name, rows in policies.items()}
    if policies:
        expected["requests_api"] = policies
    variables = {name: function["Environment"]["Variables"] for name, function in functions(stage).items()}
    found = {name: json.loads(given["POLICY"]) for name, given in variables.items() if "POLICY" in given}
    assert found == expected


def test_a_policy_is_a_part_of_the_workflow_s_version(stage_named: Callable[[str], Synthesised]) -> None:
    stage = stage_named("dev")
    policy = functions(stage)["order_approval"]["Environment"]["Variables"]["POLICY"]
    assert " " not in policy
    assert Policy.from_document(json.loads(policy)).terms(Decimal(50), "EUR").auto_approve
    version = stage.one("AWS::Lambda::Version").properties["FunctionName"]
    assert "Durable/OrderApproval/Workflow" in stage.resolve(version, "countersign-dev-workflow")


def test_the_embedded_cloud_has_no_policy(stage_named: Callable[[str], Synthesised]) -> None:
    assert stage_named("local").settings.policies == {}


def test_the_margin_that_settings_are_held_to_is_the_library_s() -> None:
    assert EXECUTION_MARGIN.total_seconds() == EXECUTION_MARGIN_SECONDS


def test_everything_that_can_be_tagged_says_what_it_belongs_to(prod: Synthesised) -> None:
    for function in functions(prod).values():
        tags = {tag["Key"]: tag["Value"] for tag in function["Tags"]}
        assert tags == {"application": "countersign", "stage": "prod"}


def test_no_stack_refers_to_a_later_one(prod: Synthesised) -> None:
    order = ["ledger", "webhook", "workflow", "monitoring"]
    for position, name in enumerate(order):
        referred = set(re.findall(r'"StackName": "countersign-prod-(\w+)"', json.dumps(prod.template(name))))
        assert referred <= set(order[:position])
