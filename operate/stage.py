"""Find the stage that a command acts on, in an AWS account or on the embedded cloud, and its clients."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.session import get_session

from countersign.adapters.directory import DynamoDirectory
from countersign.functions.clients import made
from operate.embedded import aws as emulated
from operate.embedded.cloud import HOME, ROOT, Cloud
from operate.errors import OperateError, Status, code_of, explained, unknown_name, usage
from operate.ledger import OperatorLedger
from stacks.stage.extensions import ExtensionError
from stacks.stage.problems import SettingsError
from stacks.stage.settings import Settings
from stacks.stage.workflows import OPTIONAL_STACKS

SETTINGS = ROOT / "settings"
LOCAL = "local"
_TIME_OUTS_SECONDS = (5, 20)


@dataclass(frozen=True)
class Target:
    """The options that select a stage.

    Attributes:
        profile: A profile of the AWS configuration; empty for the environment's credentials.
        region: An AWS region; empty for that of `AWS_REGION`, or else the profile's.
        stage: Name of the stage.
        local: Whether to act on the embedded cloud.
        table: A table to use in place of the stage's own.
    """

    profile: str = ""
    region: str = ""
    stage: str = ""
    local: bool = False
    table: str = ""

    def find(self) -> Stage:
        """Return the embedded cloud with `--local`, or if it is up and no option names a stage; else the stage on AWS.

        Raises:
            OperateError: The options contradict each other or are not enough, or the embedded cloud is not up.
        """
        elsewhere = self.profile or self.region or self.stage or self.table
        if self.local or (not elsewhere and (HOME / "cloud.json").is_file()):
            return self._embedded_cloud()
        if not self.stage and not self.table:
            advice = "Name a file of settings/ with --stage. Or start the embedded cloud with `make up`."
            raise usage("no option says which stage to act on", advice)
        session = self._session()
        # As the CDK reads it; botocore itself reads AWS_DEFAULT_REGION only.
        region = self.region or os.environ.get("AWS_REGION") or session.get_config_variable("region")
        return Stage(
            self,
            self.stage,
            f"the stage {self.stage or self.table} in {region}",
            lambda service, attempts: made(session, service, attempts, _TIME_OUTS_SECONDS, region),
            session,
        )

    def _embedded_cloud(self) -> Stage:
        if self.profile or self.region or self.stage not in ("", LOCAL):
            raise usage("--local means the embedded cloud, without --profile, --region and --stage")
        cloud = Cloud.read(HOME)
        if cloud is None:
            problem = f"the embedded cloud is not up: {HOME / 'cloud.json'} cannot be read"
            raise OperateError(problem, "Start it with `make up`.", Status.NO_ACCESS)
        endpoint = cloud.endpoint_url
        label = f"the embedded cloud at {endpoint}"
        clients = (lambda service, _: emulated.client(service, endpoint), emulated.session())
        return Stage(self, LOCAL, label, *clients, cloud)

    def _session(self) -> Any:
        session = get_session()
        if self.profile:
            session.set_config_variable("profile", self.profile)
        try:
            if session.get_credentials() is None:
                raise NoCredentialsError
        except BotoCoreError as error:
            raise explained(error) or error from error
        return session


class Stage:
    """A stage, with the clients to act on it.

    Attributes:
        name: Its name; empty if the options name only a table.
        label: Its name in messages.
        session: The botocore session with the operator's credentials.
        cloud: The embedded cloud, for a stage on it.
        listed: Returns CloudFormation's list of the resources of a stack, by the stack's name.
    """

    def __init__(
        self,
        target: Target,
        name: str,
        label: str,
        make: Callable[[str, int], Any],
        session: Any = None,
        cloud: Cloud | None = None,
    ) -> None:
        """Take the options; `make` makes the client of a service for a number of attempts."""
        self.name, self.label, self.cloud, self.session = name, label, cloud, session
        self._table = target.table
        self._clients = cache(make)
        self.listed = cache(self._list)
        self._outputs: dict[str, Mapping[str, str]] = {}

    def client(self, service: str, attempts: int = 3) -> Any:
        """Return the client of a service; see `countersign.functions.clients.client`."""
        return self._clients(service, attempts)

    @cached_property
    def operator(self) -> str:
        """The IAM ARN of the person who runs the command, for the audit."""
        arn: str = self.client("sts").get_caller_identity()["Arn"]
        return arn

    @cached_property
    def settings(self) -> Settings:
        """The stage's settings.

        Raises:
            OperateError: The stage is unknown, or its settings are faulty.
        """
        try:
            return Settings.load(self._settings_file())
        except (ExtensionError, SettingsError) as error:
            raise usage(str(error)) from error

    def _settings_file(self) -> Path:
        file = SETTINGS / f"{self.name}.toml"
        if not file.is_file():
            raise unknown_name("stage", self.name, sorted(path.stem for path in SETTINGS.glob("*.toml")))
        return file

    def stack_name(self, stack: str) -> str:
        """Return the name of a stack in CloudFormation."""
        return f"{self.settings.prefix}{stack}"

    @property
    def region(self) -> str:
        """The region."""
        region: str = self.client("cloudformation").meta.region_name
        return region

    @property
    def wanted(self) -> tuple[str, ...]:
        """The stacks that the settings ask for, by their own part of their names."""
        return ("ledger", "public", *self.settings.workflow_stacks, "monitoring")

    @property
    def left_out(self) -> tuple[str, ...]:
        """The stacks that the settings do not ask for, and that may exist: the CDK deletes no stack by itself."""
        return tuple(stack for stack in OPTIONAL_STACKS if stack not in self.wanted)

    @cached_property
    def present(self) -> dict[str, dict[str, Any]]:
        """The stacks that exist, by their names in CloudFormation, with its descriptions."""
        found = {}
        for stack in (*self.wanted, *self.left_out):
            with suppress(OperateError):
                found[self.stack_name(stack)] = self.describe(stack)
        return found

    def owned(self, kind: str) -> list[str]:
        """Return the names of the resources of a CloudFormation type in the stacks that exist."""
        stacks = [stack for stack in (*self.wanted, *self.left_out) if self.stack_name(stack) in self.present]
        return self.resources(kind, *stacks) if stacks else []

    def outputs(self, stack: str) -> Mapping[str, str]:
        """Return the outputs of a stack.

        Raises:
            OperateError: The stack is not deployed.
        """
        if stack not in self._outputs:
            self._outputs[stack] = outputs_of(self.describe(stack))
        return self._outputs[stack]

    def merged(self, output: str) -> dict[str, str]:
        """Merge an output that several stacks have, each with a JSON object.

        Raises:
            OperateError: No stack is deployed.
        """
        if not self.present:
            self.describe(self.wanted[0])
        documents = (json.loads(outputs_of(stack).get(output, "{}")) for stack in self.present.values())
        return {name: value for document in documents for name, value in document.items()}

    def describe(self, stack: str) -> dict[str, Any]:
        """Return CloudFormation's description of a stack.

        Raises:
            OperateError: The stack is not deployed.
        """
        name = self.stack_name(stack)
        try:
            found: dict[str, Any] = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if code_of(error) != "ValidationError":
                raise
            advice = f"Check the account and --region, or deploy the stage with `make deploy STAGE={self.name}`."
            raise OperateError(f"{name} is not deployed in {self.label}", advice, Status.NO_ACCESS) from error
        return found

    def resources(self, kind: str, *stacks: str) -> list[str]:
        """Return the names of the resources of a CloudFormation type in these stacks, by default in all."""
        found = (resource for stack in stacks or self.wanted for resource in self.listed(self.stack_name(stack)))
        return [resource["PhysicalResourceId"] for resource in found if resource["ResourceType"] == kind]

    def _list(self, stack_name: str) -> list[dict[str, Any]]:
        """Return CloudFormation's list, without resources that a failed deploy deleted or never created."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack_name)
        found = (resource for page in pages for resource in page["StackResourceSummaries"])
        return [
            resource
            for resource in found
            if resource["ResourceStatus"] != "DELETE_COMPLETE" and resource.get("PhysicalResourceId")
        ]

    def functions(self) -> list[dict[str, Any]]:
        """Return the configuration of every function."""
        client, names = self.client("lambda"), self.resources("AWS::Lambda::Function")
        return [client.get_function_configuration(FunctionName=name) for name in names]

    @property
    def audit_bucket(self) -> str:
        """Name of the bucket with the copy of the audit; empty without one, or if the options name only a table."""
        return self.outputs("ledger").get("AuditBucketName", "") if self.name else ""

    @cached_property
    def ledger(self) -> OperatorLedger:
        """The ledger."""
        return OperatorLedger(self.client("dynamodb"), self._table or self.outputs("ledger")["TableName"])

    @property
    def directory(self) -> DynamoDirectory:
        """The directory of people."""
        return DynamoDirectory(self.client("dynamodb"), self._table or self.outputs("ledger")["DirectoryTableName"])


def outputs_of(description: Mapping[str, Any]) -> dict[str, str]:
    """Return the outputs of a stack by their names."""
    return {output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])}
