"""The stage's own key, the resources that it encrypts, and the rights to use it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import jsii
from aws_cdk import AspectPriority, Aspects, CfnResource, IAspect, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct, IConstruct

from stacks.components.house.findings import Accepted, accept

_HOLDS_DATA: Mapping[str, str] = {
    "AWS::DynamoDB::Table": "sse_specification",
    "AWS::Events::Archive": "kms_key_identifier",
    "AWS::Lambda::Function": "kms_key_arn",
    "AWS::Logs::LogGroup": "kms_key_id",
    "AWS::SNS::Topic": "kms_master_key_id",
    "AWS::SQS::Queue": "kms_master_key_id",
    "AWS::SecretsManager::Secret": "kms_key_id",
}
"""The resource types that the key encrypts, and the property for it. Not the buses: a bus keeps an event only until its
delivery, and loses one that it cannot encrypt."""

_READ = ("kms:Decrypt",)
_WRITE = ("kms:Decrypt", "kms:GenerateDataKey")

_NEEDS: Mapping[str, tuple[str, ...]] = {
    # A table's own key is made with the table, and decrypted for every read and write:
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
    "dynamodb:*": _READ,
    # Starting an execution and sending a heartbeat need no right to the key:
    # https://docs.aws.amazon.com/lambda/latest/dg/durable-encryption.html
    "lambda:CheckpointDurableExecution": _READ,
    "lambda:GetDurableExecution*": _READ,
    "lambda:SendDurableExecutionCallbackFailure": _READ,
    "lambda:SendDurableExecutionCallbackSuccess": _READ,
    # https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
    "secretsmanager:GetSecretValue": _READ,
    # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    "sns:Publish": _WRITE,
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    "sqs:ReceiveMessage": _READ,
    "sqs:SendMessage": _WRITE,
}
"""The actions on the key that a right needs, through the right's service."""

_FOUND_WITHOUT: Mapping[str, tuple[str, str]] = {
    "AWS::DynamoDB::Table": ("", "CKV_AWS_119"),
    "AWS::Lambda::Function": ("", "CKV_AWS_173"),
    "AWS::Logs::LogGroup": ("CloudWatchLogGroupEncrypted", "CKV_AWS_158"),
    "AWS::SQS::Queue": ("", "CKV_AWS_27"),
    "AWS::SecretsManager::Secret": ("SecretsManagerUsingKMSKey", "CKV_AWS_149"),
}
"""The audits' findings on a stage without a key of its own: the rules of NIST's pack and of checkov."""

_KEYS_OF_AWS = "AWS's own keys encrypt it; a stage with real data sets customer_keys = true in its settings"


class CustomerKey(Construct):
    """A customer key of KMS, rotated every year.

    Services may use it for resources of the stage, and roles through the services that they have rights in. No role of
    the kit may use it directly.

    Args:
        stack_names: Pattern of the stage's stack names, and so of its log groups' names.
        removal_policy: Whether it outlives its stack; without the key its ciphertext is lost.

    Attributes:
        key: The key.
    """

    def __init__(self, scope: Construct, construct_id: str, *, stack_names: str, removal_policy: RemovalPolicy) -> None:
        super().__init__(scope, construct_id)
        self.key = kms.Key(
            self,
            "Key",
            description="Countersign: everything that the stage keeps",
            enable_key_rotation=True,
            removal_policy=removal_policy,
        )
        for statement in self._for_services(stack_names):
            self.key.add_to_resource_policy(statement)

    def cover(self, scope: IConstruct) -> None:
        """Encrypt the data in a scope under the key, and grant its roles the actions that they need.

        Aspects do this at synthesis, for a fork's resources too. A resource with a key of its own keeps it.
        """
        Aspects.of(scope).add(_Cover(self.key), priority=AspectPriority.MUTATING)

    def _for_services(self, stack_names: str) -> Iterator[iam.PolicyStatement]:
        stack = Stack.of(self)
        own_account = {"aws:SourceAccount": stack.account}
        functions = stack.format_arn(service="lambda", resource="function:*")
        log_groups = stack.format_arn(service="logs", resource=f"log-group:{stack_names}")
        # CloudWatch Logs needs all of these:
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
        yield _allow(
            f"logs.{stack.region}.amazonaws.com",
            ("kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"),
            {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": log_groups}},
        )
        # Durable executions: https://docs.aws.amazon.com/lambda/latest/dg/durable-encryption.html
        yield _allow(
            "lambda.amazonaws.com",
            _WRITE,
            {
                "StringEquals": own_account,
                "ArnLike": {"aws:SourceArn": functions, "kms:EncryptionContext:aws:lambda:FunctionArn": functions},
            },
        )
        # Rules that put events into queues, and the archive:
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/encryption-archives.html
        yield _allow("events.amazonaws.com", ("kms:DescribeKey",), {})
        yield _allow("events.amazonaws.com", (*_WRITE, "kms:ReEncrypt*"), {"StringEquals": own_account})


def _allow(service: str, actions: tuple[str, ...], conditions: dict[str, Any]) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        actions=list(actions),
        principals=[iam.ServicePrincipal(service)],
        resources=["*"],  # in a key policy: this key
        conditions=conditions,
    )


def leave_keys_to_aws(scope: IConstruct) -> None:
    """Accept the audits' findings on a stage whose data is encrypted under AWS's own keys.

    For audits only: visiting every construct takes a fifth of a synthesis.
    """
    Aspects.of(scope).add(_Leave())


@jsii.implements(IAspect)
class _Leave:
    def visit(self, node: IConstruct) -> None:
        if isinstance(node, CfnResource) and node.cfn_resource_type in _FOUND_WITHOUT:
            nist, checkov = _FOUND_WITHOUT[node.cfn_resource_type]
            accept(node, Accepted(_KEYS_OF_AWS, nist=nist, checkov=checkov))


@jsii.implements(IAspect)
class _Cover:
    def __init__(self, key: kms.Key) -> None:
        self._key = key
        self._granted: dict[str, set[tuple[str, str]]] = defaultdict(set)

    def visit(self, node: IConstruct) -> None:
        if isinstance(node, CfnResource):
            self._encrypt(node)
        elif isinstance(node, iam.Policy | iam.ManagedPolicy):
            self._grant(node)

    def _encrypt(self, resource: CfnResource) -> None:
        place = _HOLDS_DATA.get(resource.cfn_resource_type)
        if place is None or _has_a_key_of_its_own(resource):
            return
        key: Any = self._key.key_arn
        if isinstance(resource, dynamodb.CfnTable):
            key = dynamodb.CfnTable.SSESpecificationProperty(sse_enabled=True, sse_type="KMS", kms_master_key_id=key)
        # A property, not an override: the rules of cdk-nag do not see overrides.
        setattr(resource, place, key)
        if isinstance(resource, sqs.CfnQueue):
            resource.sqs_managed_sse_enabled = None
        if isinstance(resource, lambda_.CfnFunction) and resource.durable_config:
            resource.add_property_override("DurableConfig.KMSKeyArn", self._key.key_arn)

    def _grant(self, policy: iam.Policy | iam.ManagedPolicy) -> None:
        """Add the actions on the key that no other policy gives the role: the size of its policies is limited."""
        stack = Stack.of(policy)
        roles = json.dumps([stack.stack_name, stack.resolve(policy.node.default_child.roles)])  # type: ignore[union-attr]
        missing = _needs(stack.resolve(policy.document)) - self._granted[roles]
        self._granted[roles] |= missing
        for service in sorted({service for service, _ in missing}):
            policy.add_statements(
                iam.PolicyStatement(
                    actions=sorted(action for used_by, action in missing if used_by == service),
                    resources=[self._key.key_arn],
                    conditions={"StringEquals": {"kms:ViaService": f"{service}.{stack.region}.amazonaws.com"}},
                )
            )


def _needs(document: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return the actions on the key that a policy needs, each with its service."""
    return {
        (right.partition(":")[0], action)
        for statement in document["Statement"]
        if statement["Effect"] == "Allow"
        for right in _listed(statement["Action"])
        for pattern, actions in _NEEDS.items()
        if fnmatchcase(right, pattern)
        for action in actions
    }


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _has_a_key_of_its_own(resource: CfnResource) -> bool:
    """Tell whether a resource is a topic with a key other than SNS's own."""
    key = Stack.of(resource).resolve(resource.kms_master_key_id) if isinstance(resource, sns.CfnTopic) else None
    return key is not None and "alias/aws/" not in json.dumps(key)
