"""Refuse at synth what AWS refuses in the middle of a deploy: a stage beyond the limits of its services.

Names that AWS makes are unknown before the deploy, so sizes are estimated with the longest names.

Sources of the limits:
    CloudFormation: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    Lambda: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html. Environment variables are measured
        as JSON, with escaped quotes; Lambda's message "exceeded the 4KB limit. String measured: …" shows it.
    IAM: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    EventBridge: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
    SQS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html
    KMS: https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
    CloudWatch: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html; for alarms in a
        widget https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
    CloudWatch Logs: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import (
    IPolicyValidationContext,
    IPolicyValidationPlugin,
    PolicyValidationPluginReport,
    PolicyViolatingResource,
    PolicyViolation,
)

Template = Mapping[str, Any]
Place = tuple[str, str]
"""A resource: the name of its stack, and its logical id."""

_PARTITION, _REGION, _ACCOUNT = "aws-cn", "ap-southeast-2", "111122223333"
_PSEUDO = {
    "AWS::Partition": _PARTITION,
    "AWS::Region": _REGION,
    "AWS::AccountId": _ACCOUNT,
    "AWS::URLSuffix": "amazonaws.com.cn",
}
_SUFFIX = "X" * 13
_UNKNOWN = "X" * 64
_LONGEST_NAMES = {"AWS::Lambda::Function": 64, "AWS::IAM::Role": 64, "AWS::SQS::Queue": 80, "AWS::S3::Bucket": 63}
_NAMES = ("FunctionName", "TableName", "QueueName", "RoleName", "BucketName", "TopicName", "ManagedPolicyName", "Name")
_REFS_ARE_ARNS = (
    "AWS::IAM::ManagedPolicy",
    "AWS::Lambda::Alias",
    "AWS::Lambda::LayerVersion",
    "AWS::SNS::Topic",
    "AWS::SecretsManager::Secret",
)


@dataclass(frozen=True)
class Limit:
    """A limit of AWS.

    Attributes:
        rule: Its name, by which a construct can acknowledge it, for example after AWS has raised the quota.
        most: The highest value that AWS accepts.
        unit: What is counted, for the message.
        fix: What to do.
    """

    rule: str
    most: int
    unit: str
    fix: str


@dataclass(frozen=True)
class Excess:
    """A limit that is exceeded.

    Attributes:
        limit: The limit.
        stack: The name of the stack.
        resource: The logical id of the resource; empty for the stack itself.
        found: The value.
    """

    limit: Limit
    stack: str
    resource: str
    found: int

    def __str__(self) -> str:
        whose = f"{self.stack}, {self.resource}" if self.resource else self.stack
        return f"{whose}: {self.found:,} {self.limit.unit}; AWS allows {self.limit.most:,}"


_SPREAD = "deploy fewer workflows in this stage, or move constructs into a stack of their own"
_FEWER = "name fewer resources in the function's rights, or give the rights in customer-managed policies of the role"

RESOURCES = Limit("Resources", 500, "resources in the stack", _SPREAD)
OUTPUTS = Limit(
    "Outputs",
    200,
    "outputs of the stack",
    "use fewer of its resources in other stacks, or refer to them by literal names",
)
PARAMETERS = Limit("Parameters", 200, "parameters of the stack", _SPREAD)
TEMPLATE = Limit("Template", 1_000_000, "bytes of template", _SPREAD)
ENVIRONMENT = Limit(
    "Environment",
    4_096,
    "bytes of environment variables",
    "give what grows with the settings to the function as `tables`, which are a part of its code",
)
RESOURCE_POLICY = Limit(
    "ResourcePolicy", 20_480, "bytes of permissions to invoke the function", "let fewer routes and rules invoke it"
)
INLINE_POLICIES = Limit("InlinePolicies", 10_240, "bytes of inline policies of the role", _FEWER)
MANAGED_POLICY = Limit("ManagedPolicy", 6_144, "bytes of policy", "spread its statements over several policies")
MANAGED_POLICIES = Limit(
    "ManagedPolicies",
    10,
    "managed policies attached to the role",
    "name more resources in each policy, or ask AWS for up to 20 and acknowledge this limit on the role",
)
PATTERN = Limit("EventPattern", 2_048, "characters of event pattern", "spread its values over several rules")
QUEUE_POLICY = Limit("QueuePolicy", 8_192, "bytes of queue policy", "let fewer rules send to the queue")
QUEUE_STATEMENTS = Limit("QueuePolicyStatements", 20, "statements in the queue policy", QUEUE_POLICY.fix)
KEY_POLICY = Limit("KeyPolicy", 32_768, "bytes of key policy", "name fewer principals and conditions in it")
LOG_GROUPS = Limit("LogGroups", 50, "log groups in the query", "spread the log groups over several queries")
_SPLIT = "spread its graphs over several dashboards"
WIDGETS = Limit("Widgets", 500, "widgets on the dashboard", _SPLIT)
METRICS = Limit("Metrics", 2_500, "metrics on the dashboard", _SPLIT)
METRICS_OF_A_WIDGET = Limit("MetricsOfAWidget", 500, "metrics in one graph of the dashboard", "spread them over graphs")
ALARMS_OF_A_WIDGET = Limit("AlarmsOfAWidget", 100, "alarms in one widget of the dashboard", "spread them over widgets")


@jsii.implements(IPolicyValidationPlugin)
class AwsLimits:
    """Checks the templates of an app against the limits, when they are synthesised."""

    @property
    def name(self) -> str:
        """Its name in the report."""
        return "AwsLimits"

    @property
    def version(self) -> None:
        """It has no version of its own."""

    @property
    def rule_ids(self) -> None:
        """A report names its rules."""

    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        """Report every limit that the templates exceed."""
        files = [Path(path) for path in context.template_paths]
        named = _stack_names(files[0].with_name("manifest.json"))
        templates = {named[file.name]: json.loads(file.read_bytes()) for file in files}
        place = {named[file.name]: file for file in files}
        sizes = {stack: file.stat().st_size for stack, file in place.items()}
        violations = [
            PolicyViolation(
                rule_name=excess.limit.rule,
                description=str(excess),
                fix=excess.limit.fix,
                violating_resources=[_violating(excess, place[excess.stack])],
            )
            for excess in exceeded(templates, sizes)
        ]
        return PolicyValidationPluginReport(success=not violations, violations=violations)


def _stack_names(manifest: Path) -> dict[str, str]:
    """Return the name of each stack, by the name of its template's file."""
    artifacts = json.loads(manifest.read_bytes())["artifacts"]
    return {
        each["properties"]["templateFile"]: each["properties"]["stackName"]
        for each in artifacts.values()
        if each["type"] == "aws:cloudformation:stack"
    }


def _violating(excess: Excess, template: Path) -> PolicyViolatingResource:
    if excess.resource:
        return PolicyViolatingResource(
            resource_logical_id=excess.resource, template_path=str(template), locations=["Properties"]
        )
    return PolicyViolatingResource(construct_path=template.name.partition(".")[0], locations=[excess.limit.rule])


def exceeded(templates: Mapping[str, Template], sizes: Mapping[str, int] | None = None) -> Iterator[Excess]:
    """Yield every limit that an app exceeds.

    Args:
        templates: The templates, by the names of their stacks.
        sizes: The sizes of their files in bytes, likewise.
    """
    yield from _of_stacks(templates, sizes or {})
    stage = _Stage(templates)
    for place, found in _of_resources(stage):
        for limit, value in found:
            if value > limit.most:
                yield Excess(limit, *place, value)


def _of_stacks(templates: Mapping[str, Template], sizes: Mapping[str, int]) -> Iterator[Excess]:
    for stack, template in templates.items():
        found = {limit: len(template.get(limit.rule, ())) for limit in (RESOURCES, OUTPUTS, PARAMETERS)}
        for limit, value in (found | {TEMPLATE: sizes.get(stack, 0)}).items():
            if value > limit.most:
                yield Excess(limit, stack, "", value)


Found = Sequence[tuple[Limit, int]]


def _of_resources(stage: _Stage) -> Iterator[tuple[Place, Found]]:
    for place, resource in stage.resources.items():
        if measure := _MEASURES.get(resource["Type"]):
            yield place, measure(stage.resolved(resource.get("Properties", {}), place[0]))
    inline = stage.by_owner("AWS::IAM::Policy", "Roles", "PolicyDocument")
    managed = stage.by_owner("AWS::IAM::ManagedPolicy", "Roles", "PolicyDocument")
    for place, resource in stage.resources.items():
        if resource["Type"] == "AWS::IAM::Role":
            properties = stage.resolved(resource["Properties"], place[0])
            documents = inline[place] + [policy["PolicyDocument"] for policy in properties.get("Policies", ())]
            attached = len(managed[place]) + len(properties.get("ManagedPolicyArns", ()))
            yield place, [(INLINE_POLICIES, sum(map(_policy_bytes, documents))), (MANAGED_POLICIES, attached)]
    for function, permissions in stage.by_owner("AWS::Lambda::Permission", "FunctionName").items():
        yield function, [(RESOURCE_POLICY, sum(map(_permission_bytes, permissions)))]


def _compact(document: Any) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def _bytes(document: Any) -> int:
    return len(_compact(document).encode())


def _policy_bytes(document: Any) -> int:
    """Return the size of an IAM policy; IAM does not count white space."""
    return len(re.sub(r"\s", "", _compact(document)).encode())


def _permission_bytes(properties: Mapping[str, Any]) -> int:
    """Return the size of the statement that Lambda makes of a permission, with its id and its condition."""
    arn = f"arn:{_PARTITION}:lambda:{_REGION}:{_ACCOUNT}:function:{'X' * 64}:live"
    statement = {"Sid": "X" * 64, "Effect": "Allow", "Resource": arn, "Condition": {"ArnLike": {"AWS:SourceArn": ""}}}
    return _bytes(statement | dict(properties))


def _environment(properties: Mapping[str, Any]) -> Found:
    return [(ENVIRONMENT, _bytes(properties.get("Environment", {}).get("Variables", {})))]


def _managed_policy(properties: Mapping[str, Any]) -> Found:
    return [(MANAGED_POLICY, _policy_bytes(properties["PolicyDocument"]))]


def _pattern(properties: Mapping[str, Any]) -> Found:
    return [(PATTERN, len(_compact(properties.get("EventPattern", {}))))]


def _queue_policy(properties: Mapping[str, Any]) -> Found:
    document = properties["PolicyDocument"]
    return [(QUEUE_POLICY, _bytes(document)), (QUEUE_STATEMENTS, len(document["Statement"]))]


def _key_policy(properties: Mapping[str, Any]) -> Found:
    return [(KEY_POLICY, _bytes(properties["KeyPolicy"]))]


def _query(properties: Mapping[str, Any]) -> Found:
    return [(LOG_GROUPS, len(properties.get("LogGroupNames", ())))]


def _dashboard(properties: Mapping[str, Any]) -> Found:
    widgets = [widget["properties"] for widget in json.loads(properties["DashboardBody"])["widgets"]]
    metrics = [len(widget.get("metrics", ())) for widget in widgets]
    alarms = [len(widget.get("alarms", ())) for widget in widgets]
    return [
        (WIDGETS, len(widgets)),
        (METRICS, sum(metrics)),
        (METRICS_OF_A_WIDGET, max(metrics, default=0)),
        (ALARMS_OF_A_WIDGET, max(alarms, default=0)),
    ]


_MEASURES: Mapping[str, Callable[[Mapping[str, Any]], Found]] = {
    "AWS::CloudWatch::Dashboard": _dashboard,
    "AWS::Events::Rule": _pattern,
    "AWS::IAM::ManagedPolicy": _managed_policy,
    "AWS::KMS::Key": _key_policy,
    "AWS::Lambda::Function": _environment,
    "AWS::Logs::QueryDefinition": _query,
    "AWS::SQS::QueuePolicy": _queue_policy,
}


class _Stage:
    """The templates of an app, with estimates for the values of CloudFormation's functions.

    Attributes:
        resources: Every resource, by its place.
    """

    def __init__(self, templates: Mapping[str, Template]) -> None:
        self._templates = templates
        self.resources: dict[Place, Any] = {
            (stack, logical_id): resource
            for stack, template in templates.items()
            for logical_id, resource in template.get("Resources", {}).items()
        }
        self._exports = {
            output["Export"]["Name"]: (stack, output["Value"])
            for stack, template in templates.items()
            for output in template.get("Outputs", {}).values()
            if "Export" in output
        }

    def by_owner(self, kind: str, owner: str, content: str = "") -> dict[Place, list[Any]]:
        """Return the resources of a type, by the resources to which their property `owner` attaches them.

        Args:
            kind: The type.
            owner: The property that names one owner, or a list of them.
            content: The property to return of each; by default all.
        """
        found: dict[Place, list[Any]] = defaultdict(list)
        for (stack, _), resource in self.resources.items():
            if resource["Type"] == kind:
                properties = resource["Properties"]
                listed = properties.get(owner, [])
                document = self.resolved(properties[content] if content else properties, stack)
                for each in listed if isinstance(listed, list) else [listed]:
                    if place := self._place(each, stack):
                        found[place].append(document)
        return found

    def resolved(self, value: Any, stack: str) -> Any:
        """Return a value with text in place of CloudFormation's functions."""
        if isinstance(value, list):
            return [self.resolved(each, stack) for each in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1 and re.match(r"(Ref|Fn::\w+)$", key := next(iter(value))):
            return self._text(key, value[key], stack)
        return {name: self.resolved(each, stack) for name, each in value.items()}

    def _text(self, function: str, argument: Any, stack: str) -> str:
        if function == "Fn::Join":
            return str(argument[0]).join(str(self.resolved(each, stack)) for each in argument[1])
        if function == "Ref" and argument in _PSEUDO:
            return _PSEUDO[argument]
        if imported := self._imported(function, argument):
            return str(self.resolved(imported[1], imported[0]))
        place = self._place({function: argument}, stack)
        if place is None:
            return _UNKNOWN
        return self._name(place) if function == "Ref" else self._attribute(place, argument[1])

    def _imported(self, function: str, argument: Any) -> tuple[str, Any] | None:
        """Return the stack that outputs a value, and the value; None for a value of another app."""
        if function == "Fn::ImportValue":
            return self._exports.get(str(argument))
        if function == "Fn::GetStackOutput" and argument["StackName"] in self._templates:
            stack = argument["StackName"]
            return stack, self._templates[stack]["Outputs"][argument["OutputName"]]["Value"]
        return None

    def _place(self, value: Any, stack: str) -> Place | None:
        """Return the resource that a value refers to; None if it refers to no resource."""
        if not isinstance(value, dict) or len(value) != 1:
            return None
        ((function, argument),) = value.items()
        if imported := self._imported(function, argument):
            return self._place(imported[1], imported[0])
        logical_id = argument[0] if function == "Fn::GetAtt" else argument
        return (stack, logical_id) if (stack, str(logical_id)) in self.resources else None

    def _name(self, place: Place) -> str:
        """Return the value of `Ref`: the given name, the longest name that CloudFormation makes, or an ARN."""
        resource = self.resources[place]
        kind, properties = resource["Type"], resource.get("Properties", {})
        given = next((properties[name] for name in _NAMES if name in properties), None)
        made = f"{place[0]}-{place[1]}-{_SUFFIX}"[: _LONGEST_NAMES.get(kind, 255)]
        name = str(self.resolved(given, place[0])) if given else made
        if kind == "AWS::SQS::Queue":
            return f"https://sqs.{_REGION}.amazonaws.com/{_ACCOUNT}/{name}"
        return self._arn(kind, name) if kind in _REFS_ARE_ARNS else name

    def _attribute(self, place: Place, attribute: str) -> str:
        name = self._name(place).rpartition("/")[2]
        if attribute.endswith("Arn"):
            return name if name.startswith("arn:") else self._arn(self.resources[place]["Type"], name)
        if attribute == "ApiEndpoint":
            return f"https://{'X' * 10}.execute-api.{_REGION}.amazonaws.com"
        return name

    def _arn(self, kind: str, name: str) -> str:
        _, service, resource = kind.lower().split("::")
        return f"arn:{_PARTITION}:{service}:{_REGION}:{_ACCOUNT}:{resource}:{name}"
