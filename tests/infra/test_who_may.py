"""The roles that may start an execution or complete its callbacks: their policies, evaluated as IAM does."""

from collections.abc import Callable, Iterator

import pytest

from tests.infra.policies import Statement, may, statements_of_roles
from tests.infra.templates import DECIDED_BY_A_PLAIN_LAMBDA, Synthesised

COMPLETE = ("lambda:SendDurableExecutionCallbackFailure", "lambda:SendDurableExecutionCallbackSuccess")
HEARTBEAT = "lambda:SendDurableExecutionCallbackHeartbeat"
INVOKE = ("lambda:InvokeAsync", "lambda:InvokeFunction", "lambda:InvokeFunctionUrl")
TAKE_OVER = ("iam:PassRole", "lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration", "sts:AssumeRole")

RINGERS = {"Relay/Relay/Role", "Sweeper/Sweeper/Role"}
"""The sweeper rings again for a decision that the workflow did not apply."""

ADMINISTRATOR: Statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def public_roles(stage: Synthesised) -> set[str]:
    """Return the roles of the functions behind routes without authorization."""
    uris = {
        each.path: stage.properties(each)["IntegrationUri"] for each in stage.of_type("AWS::ApiGatewayV2::Integration")
    }
    routes = [stage.properties(route) for route in stage.of_type("AWS::ApiGatewayV2::Route")]
    return {
        role_of(stage, uris[route["Target"].removeprefix("integrations/")].removesuffix(".Arn"))
        for route in routes
        if route["AuthorizationType"] == "NONE"
    }


def role_of(stage: Synthesised, function: str) -> str:
    role: str = stage.properties(stage.one("AWS::Lambda::Function", function))["Role"]
    return role.removesuffix(".Arn")


def functions(stage: Synthesised) -> Iterator[str]:
    """Yield every function as policies may name it: itself, its latest code, a version, an alias."""
    for function in stage.of_type("AWS::Lambda::Function"):
        yield from (f"{function.path}.Arn{suffix}" for suffix in ("", ":$LATEST", ":1", ":live"))
    yield from (alias.path for alias in stage.of_type("AWS::Lambda::Alias"))


def executions(stage: Synthesised) -> dict[str, str]:
    """Return an execution of each workflow, by the workflow's name."""
    return {
        stage.properties(function)["Environment"]["Variables"]["WORKFLOW"]: (
            f"{function.path}.Arn:1/durable-execution/ORDER-1/0"
        )
        for function in stage.of_type("AWS::Lambda::Function")
        if "DurableConfig" in function.properties
    }


def deny_callbacks(stage: Synthesised) -> list[Statement]:
    properties = stage.properties(stage.one("AWS::IAM::ManagedPolicy", "DenyCallbacks/Policy"))
    assert not {"Roles", "Users", "Groups"} & properties.keys(), "the kit attaches it to no role"
    (statement,) = properties["PolicyDocument"]["Statement"]
    every_workflow = f"arn:<Partition>:lambda:<Region>:<AccountId>:function:{stage.settings.prefix}*:*"
    assert statement["Resource"] == every_workflow
    return [{**statement, "Resource": "Durable/*:*"}]


def test_no_public_function_invokes_or_changes_a_function(stage: Synthesised) -> None:
    exposed = public_roles(stage)
    assert exposed == {"Review/Review/Role", "Webhook/Webhook/Role"}
    said = statements_of_roles(stage)
    for role in exposed | {"Approver/Approver/Role", "Results/Results/Role"}:
        granted = [
            (role, action, resource)
            for action in (*INVOKE, *TAKE_OVER)
            for resource in functions(stage)
            if may(said[role], action, resource)
        ]
        assert granted == []


def test_relay_and_sweeper_complete_callbacks_a_decider_those_of_its_patterns_and_the_webhook_sends_heartbeats(
    stage: Synthesised,
) -> None:
    said = statements_of_roles(stage)
    for workflow, execution in executions(stage).items():
        ringers = RINGERS | ({"Decider/Role"} if workflow in DECIDED_BY_A_PLAIN_LAMBDA else set())
        allowed = {
            action: {role for role in said if may(said[role], action, execution)} for action in (*COMPLETE, HEARTBEAT)
        }
        assert allowed == {**dict.fromkeys(COMPLETE, ringers), HEARTBEAT: {"Webhook/Webhook/Role"}}


@pytest.mark.parametrize("name", ["prod", "dev"])
def test_administrators_with_the_policy_complete_no_callback(
    stage_named: Callable[[str], Synthesised], name: str
) -> None:
    stage = stage_named(name)
    person = [ADMINISTRATOR, *deny_callbacks(stage)]
    for execution in executions(stage).values():
        for action in (*COMPLETE, HEARTBEAT):
            assert may([ADMINISTRATOR], action, execution)
            assert not may(person, action, execution)
        assert may(person, "lambda:StopDurableExecution", execution), "it denies nothing else"
    assert stage.outputs("workflow")["DenyCallbacksPolicy"] == "DenyCallbacks/Policy"


def test_the_policy_is_a_setting(stage_named: Callable[[str], Synthesised]) -> None:
    assert "DenyCallbacksPolicy" not in stage_named("local").outputs("workflow")


@pytest.mark.parametrize(
    ("statement", "permitted"),
    [
        ({"Action": "lambda:Invoke*", "Resource": "*"}, True),
        ({"Action": ["s3:GetObject", "LAMBDA:invokefunction"], "Resource": ["a", "Durable/?/Function.Arn:*"]}, True),
        ({"Action": "lambda:InvokeFunction", "Resource": "Durable/A/Function.Arn"}, False),
        ({"NotAction": "s3:*", "Resource": "*"}, True),
        ({"NotAction": ["lambda:*"], "Resource": "*"}, False),
        ({"Action": "*", "NotResource": "Durable/*"}, False),
        ({"Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}, True),
    ],
)
def test_policies_are_read_as_iam_does(statement: dict[str, object], permitted: bool) -> None:
    asked = ("lambda:InvokeFunction", "Durable/A/Function.Arn:1")
    allow, deny = {**statement, "Effect": "Allow"}, {**statement, "Effect": "Deny"}
    assert may([allow], *asked) is permitted
    assert may([ADMINISTRATOR, deny], *asked) is (not permitted or "Condition" in statement)
