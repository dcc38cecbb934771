"""Who may start, wake and answer for an execution: the policies of each role, evaluated, whatever their wording."""

from collections.abc import Callable, Iterator

import pytest

from tests.infra.policies import Statement, may, statements_of_roles
from tests.infra.templates import Synthesised

COMPLETE = ("lambda:SendDurableExecutionCallbackFailure", "lambda:SendDurableExecutionCallbackSuccess")
HEARTBEAT = "lambda:SendDurableExecutionCallbackHeartbeat"
INVOKE = ("lambda:InvokeAsync", "lambda:InvokeFunction", "lambda:InvokeFunctionUrl")
TAKE_OVER = ("iam:PassRole", "lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration", "sts:AssumeRole")

ON_THE_RAW_SDK = {"split-callback", "two-lambdas"}
"""The patterns whose callback a plain Lambda completes by itself."""

RINGERS = {"Relay/Relay/Role", "Sweeper/Sweeper/Role"}
"""The relay rings, and the sweeper rings once more for a decision that nobody applied."""

ADMINISTRATOR: Statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def public_roles(stage: Synthesised) -> set[str]:
    """Return the roles of the functions behind routes that anybody may call."""
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
    assert not {"Roles", "Users", "Groups"} & properties.keys(), "the kit attaches it to nobody"
    (statement,) = properties["PolicyDocument"]["Statement"]
    every_workflow = f"arn:<Partition>:lambda:<Region>:<AccountId>:function:{stage.settings.prefix}*:*"
    assert statement["Resource"] == every_workflow
    return [{**statement, "Resource": "Durable/*:*"}]


def test_no_public_function_starts_or_answers_for_anything(stage: Synthesised) -> None:
    exposed = public_roles(stage)
    assert exposed == {"Review/Review/Role", "Webhook/Webhook/Role"}
    said = statements_of_roles(stage)
    for role in exposed | {"Approver/Approver/Role", "Results/Results/Role"}:
        refused = [
            (role, action, resource)
            for action in (*COMPLETE, *INVOKE, *TAKE_OVER)
            for resource in (*functions(stage), *executions(stage).values())
            if may(said[role], action, resource)
        ]
        assert refused == []


def test_only_relay_and_sweeper_complete_callbacks_and_a_decider_those_of_its_patterns(stage: Synthesised) -> None:
    said = statements_of_roles(stage)
    for workflow, execution in executions(stage).items():
        for action in COMPLETE:
            allowed = {role for role, statements in said.items() if may(statements, action, execution)}
            assert allowed == RINGERS | ({"Decider/Role"} if workflow in ON_THE_RAW_SDK else set())


def test_only_the_webhook_function_tells_of_heartbeats(stage: Synthesised) -> None:
    said = statements_of_roles(stage)
    for execution in executions(stage).values():
        assert {role for role in said if may(said[role], HEARTBEAT, execution)} == {"Webhook/Webhook/Role"}


@pytest.mark.parametrize("name", ["prod", "dev"])
def test_people_with_the_policy_complete_no_callback_whatever_else_they_may(
    stage_named: Callable[[str], Synthesised], name: str
) -> None:
    stage = stage_named(name)
    person = [ADMINISTRATOR, *deny_callbacks(stage)]
    for execution in executions(stage).values():
        for action in (*COMPLETE, HEARTBEAT):
            assert may([ADMINISTRATOR], action, execution)
            assert not may(person, action, execution)
        assert may(person, "lambda:StopDurableExecution", execution), "it takes nothing else from them"
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
