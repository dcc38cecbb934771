"""What `make destroy` leaves in the account."""

from __future__ import annotations

from collections.abc import Iterator

from operate.stage import Stage

_LASTING = {
    "AWS::DynamoDB::Table": "table",
    "AWS::KMS::Key": "key",
    "AWS::Logs::LogGroup": "log group",
    "AWS::S3::Bucket": "bucket",
    "AWS::SecretsManager::Secret": "secret",
    "AWS::Events::Archive": "archive of events",
}
"""The types of resources with data, and a word for each. Versions of functions go with their function."""
_DELETE = "aws cloudformation delete-stack --stack-name"
_UNPROTECT = "aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name"


_WAIT = "aws cloudformation wait stack-delete-complete --stack-name"


def in_the_way(stage: Stage) -> Iterator[tuple[str, str]]:
    """Yield each stack that the settings leave out, with the command that deletes it.

    The CDK does not know it, and CloudFormation deletes no stack whose exports it imports.
    """
    for name in map(stage.stack_name, stage.left_out):
        if name in stage.present:
            yield name, f"{_DELETE} {name} && {_WAIT} {name}"


def remains(stage: Stage) -> Iterator[str]:
    """Yield a sentence for each stack that CloudFormation refuses to delete, and for each resource that it retains."""
    for name, description in stage.present.items():
        if description.get("EnableTerminationProtection"):
            yield f"the stack {name}, which is protected; before you delete it: {_UNPROTECT} {name}"
        yield from _retained(stage, name)


def _retained(stage: Stage, stack: str) -> Iterator[str]:
    template = stage.client("cloudformation").get_template(StackName=stack)["TemplateBody"]["Resources"]
    for resource in stage.listed(stack):
        kind = _LASTING.get(resource["ResourceType"], "")
        policy = template.get(resource["LogicalResourceId"], {}).get("DeletionPolicy", "")
        if kind and policy.startswith("Retain"):
            yield f"the {kind} {resource['PhysicalResourceId']}"
