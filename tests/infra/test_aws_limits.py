"""What AWS would refuse in the middle of a deploy is refused at synth, measured as each service measures it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from stacks import aws_limits as limits
from stacks.aws_limits import Excess, Limit, exceeded

STACK = "countersign-dev-workflow"
ATTACHED = {"ManagedPolicyArns": ["arn:one"], "Policies": [{"PolicyDocument": {"Version": "X" * 226}}]}
LEDGER = {
    "Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": ATTACHED}},
    "Outputs": {"Role": {"Value": {"Ref": "Role"}, "Export": {"Name": "role"}}},
}
FUNCTION = {"Type": "AWS::Lambda::Function"}
ROLE = {"Fn::ImportValue": "role"}

Template = dict[str, Any]


def found(template: Template) -> list[Excess]:
    """Return what a stack exceeds, beside one with a role."""
    return list(exceeded({"countersign-dev-ledger": LEDGER, STACK: template}))


def of(kind: str, number: int = 1, **properties: Any) -> Template:
    each = {"Type": kind, "Properties": properties}
    return {"Resources": {f"It{position}": each for position in range(number)}}


def document(size: int) -> dict[str, Any]:
    """Return a policy that has a size without its white space."""
    return {"Version": " " * 99 + "X" * (size - len('{"Version":"","Statement":[]}')), "Statement": []}


def dashboard(*widgets: Any) -> Template:
    return of("AWS::CloudWatch::Dashboard", DashboardBody=json.dumps({"widgets": [{"properties": w} for w in widgets]}))


def permission(size: int) -> dict[str, Any]:
    others = limits._permission_bytes({"FunctionName": f"{STACK}-It-0123456789abc", "SourceArn": ""})
    return {
        "Type": "AWS::Lambda::Permission",
        "Properties": {"FunctionName": {"Ref": "It"}, "SourceArn": "X" * (size - others)},
    }


AT: dict[Limit, Callable[[int], Template]] = {
    limits.RESOURCES: lambda size: of("AWS::SNS::Topic", size),
    limits.OUTPUTS: lambda size: {"Outputs": {str(each): {"Value": "X"} for each in range(size)}},
    limits.PARAMETERS: lambda size: {"Parameters": {str(each): {} for each in range(size)}},
    limits.ENVIRONMENT: lambda size: of("AWS::Lambda::Function", Environment={"Variables": {"A": "X" * (size - 8)}}),
    limits.RESOURCE_POLICY: lambda size: {"Resources": {"It": FUNCTION, "May": permission(size)}},
    limits.INLINE_POLICIES: lambda size: of("AWS::IAM::Policy", Roles=[ROLE], PolicyDocument=document(size - 240)),
    limits.MANAGED_POLICY: lambda size: of("AWS::IAM::ManagedPolicy", PolicyDocument=document(size)),
    limits.MANAGED_POLICIES: lambda size: of("AWS::IAM::ManagedPolicy", size - 1, Roles=[ROLE], PolicyDocument={}),
    limits.PATTERN: lambda size: of("AWS::Events::Rule", EventPattern={"source": ["X" * (size - 15)]}),
    limits.QUEUE_POLICY: lambda size: of("AWS::SQS::QueuePolicy", PolicyDocument=document(size - 99)),
    limits.QUEUE_STATEMENTS: lambda size: of("AWS::SQS::QueuePolicy", PolicyDocument={"Statement": [{}] * size}),
    limits.KEY_POLICY: lambda size: of("AWS::KMS::Key", KeyPolicy=document(size - 99)),
    limits.LOG_GROUPS: lambda size: of("AWS::Logs::QueryDefinition", LogGroupNames=["X"] * size),
    limits.WIDGETS: lambda size: dashboard(*[{}] * size),
    limits.METRICS: lambda size: dashboard(*[{"metrics": ["X"] * 500}] * 5, {"metrics": ["X"] * (size - 2_500)}),
    limits.METRICS_OF_A_WIDGET: lambda size: dashboard({"metrics": ["X"] * size}),
    limits.ALARMS_OF_A_WIDGET: lambda size: dashboard({"alarms": ["X"] * size}),
}
"""For each limit a template that has this much of it."""


@pytest.mark.parametrize("limit", AT, ids=lambda limit: limit.rule)
def test_a_stage_reaches_a_limit_and_does_not_exceed_it(limit: Limit) -> None:
    assert found(AT[limit](limit.most)) == []
    excess, *others = found(AT[limit](limit.most + 2))
    assert (excess.limit, excess.found, others) == (limit, limit.most + 2, [])


def test_a_template_is_measured_by_its_file() -> None:
    assert [excess.limit for excess in exceeded({STACK: {}}, {STACK: 1_000_001})] == [limits.TEMPLATE]


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ('"', 2),
        ({"Ref": "AWS::Region"}, len("ap-southeast-2")),
        ({"Fn::Join": ["/", ["a", {"Ref": "AWS::AccountId"}]]}, len("a/111122223333")),
        ({"Ref": "Named"}, len("countersign-dev-payment")),
        (
            {"Fn::GetAtt": ["Named", "Arn"]},
            len("arn:aws-cn:lambda:ap-southeast-2:111122223333:function:countersign-dev-payment"),
        ),
        ({"Ref": "UnnamedWithAnIdTooLongForTheNameOfAFunction"}, 64),
        ({"Fn::ImportValue": "of another app"}, 64),
        ({"Fn::GetStackOutput": {"StackName": "of-another-app", "OutputName": "It"}}, 64),
        ({"Fn::Select": [0, {"Fn::GetAZs": ""}]}, 64),
        ({"Fn::ImportValue": "role"}, len("countersign-dev-ledger-Role-0123456789abc")),
        ({"Fn::GetStackOutput": {"StackName": "countersign-dev-ledger", "OutputName": "Role"}}, 41),
    ],
    ids=str,
)
def test_a_name_that_is_not_known_before_the_deploy_counts_at_its_longest(value: Any, size: int) -> None:
    named = FUNCTION | {"Properties": {"FunctionName": "countersign-dev-payment"}}
    others = {"Named": named, "UnnamedWithAnIdTooLongForTheNameOfAFunction": FUNCTION}
    rest = "X" * (limits.ENVIRONMENT.most - len('{"A":""}') - size + 1)
    template = of("AWS::Lambda::Function", Environment={"Variables": {"A": {"Fn::Join": ["", [value, rest]]}}})
    (excess,) = found({"Resources": template["Resources"] | others})
    assert excess.found == limits.ENVIRONMENT.most + 1


def test_the_app_refuses_to_synthesise_and_names_the_stack_the_resource_the_size_the_limit_and_the_fix(
    refused: list[Any],
) -> None:
    (violation,) = (each for each in refused if each["ruleName"] == "Environment")
    assert (
        violation["description"]
        == "countersign-prod-public, FatEA66110E: 5,008 bytes of environment variables; AWS allows 4,096"
    )
    assert violation["suggestedFix"].startswith("give what grows with the settings to the function as `tables`")
    assert [each["constructPath"] for each in violation["violatingConstructs"]] == ["PublicStack/Fat/Resource"]
