"""Where a command acts: a stage in an AWS account, or the embedded cloud; and as whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from countersign.functions.clients import made
from operate.embedded import aws as emulated
from operate.embedded.cloud import HOME, ROOT, Cloud
from operate.errors import OperateError, Status, explained, unknown_name, usage
from operate.ledger import OperatorLedger
from stacks.stage.extensions import ExtensionError
from stacks.stage.problems import SettingsError
from stacks.stage.settings import Settings

SETTINGS = ROOT / "settings"
STACKS = ("ledger", "public", "workflow", "monitoring")
"""The stacks of a stage, as `countersign-<stage>-<stack>` are called."""

LOCAL = "local"
_TIME_OUTS_SECONDS = (5, 20)


@dataclass(frozen=True)
class Target:
    """The options that say where.

    Attributes:
        profile: A profile of the AWS configuration; empty for the environment's credentials.
        region: An AWS region; empty for the profile's own.
        stage: Name of the stage.
        local: Whether it is the embedded cloud.
        table: A table to use in place of the stage's own.
    """

    profile: str = ""
    region: str = ""
    stage: str = ""
    local: bool = False
    table: str = ""

    def find(self) -> Stage:
        """Return the embedded cloud if it is asked for, or if nothing is said and one is up; an AWS account otherwise.

        Raises:
            OperateError: What is said contradicts itself, or there is nothing of that name.
        """
        if self.local:
            return self._embedded()
        said = self.profile or self.region or self.stage or self.table
        return Account(self) if said or not _cloud_is_up() else EmbeddedCloud(self, _cloud())

    def _embedded(self) -> Stage:
        if self.profile or self.region or self.stage not in ("", LOCAL):
            raise usage("--local is the embedded cloud; it goes with none of --profile, --region, --stage")
        return EmbeddedCloud(self, _cloud())


class Stage:
    """A stage, with the clients to act on it.

    Attributes:
        label: What messages call it.
        name: Its name.
    """

    label: str
    name: str

    def __init__(self, target: Target) -> None:
        self._target = target
        self._clients: dict[tuple[str, int], Any] = {}

    def client(self, service: str, attempts: int = 3) -> Any:
        """Return the client of a service; see `countersign.functions.clients.client`."""
        key = (service, attempts)
        if key not in self._clients:
            self._clients[key] = self._make(service, attempts)
        return self._clients[key]

    def _make(self, service: str, attempts: int) -> Any:
        raise NotImplementedError

    @cached_property
    def operator(self) -> str:
        """The IAM ARN of whoever runs this, as AWS knows them: the audit names them by it."""
        arn: str = self.client("sts").get_caller_identity()["Arn"]
        return arn

    @cached_property
    def settings(self) -> Settings:
        """What the stage should be.

        Raises:
            OperateError: There is no such stage, or its settings cannot be used.
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
        """Return what a stack of this stage is called."""
        return f"countersign-{self.name}-{stack}"

    @cached_property
    def outputs(self) -> Mapping[str, Mapping[str, str]]:
        """The outputs of each stack.

        Raises:
            OperateError: The stage is not there.
        """
        self._settings_file()
        return {stack: outputs_of(self.describe(stack)) for stack in STACKS}

    def describe(self, stack: str) -> dict[str, Any]:
        """Return what CloudFormation says of a stack.

        Raises:
            OperateError: It is not there.
        """
        from botocore.exceptions import ClientError

        name = self.stack_name(stack)
        try:
            (found,) = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            raise OperateError(
                f"{name} is not deployed in {self.label}",
                f"Is it the right account and --region? `make deploy STAGE={self.name}` deploys it.",
                Status.NO_ACCESS,
            ) from error
        description: dict[str, Any] = found
        return description

    def resources(self, stack: str, kind: str) -> list[dict[str, str]]:
        """Return the resources of a CloudFormation type that a stack has."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources")
        found = (
            resource
            for page in pages.paginate(StackName=self.stack_name(stack))
            for resource in page["StackResourceSummaries"]
        )
        return [resource for resource in found if resource["ResourceType"] == kind]

    @property
    def stacks_of_functions(self) -> tuple[str, ...]:
        """The stacks that have functions: that of the patterns is not in every stage."""
        return ("public", "patterns", "workflow") if self.settings.patterns else ("public", "workflow")

    @property
    def ledger_table(self) -> str:
        """Name of the ledger's table."""
        return self._target.table or self.outputs["ledger"]["TableName"]

    @property
    def directory_table(self) -> str:
        """Name of the directory's table."""
        return self._target.table or self.outputs["ledger"]["DirectoryTableName"]

    @property
    def audit_bucket(self) -> str:
        """Name of the bucket of the audit's copy; empty where the stage keeps none, or where only a table is named."""
        return self.outputs["ledger"].get("AuditBucketName", "") if self.name else ""

    @cached_property
    def ledger(self) -> OperatorLedger:
        """The ledger."""
        return OperatorLedger(self.client("dynamodb"), self.ledger_table)


class Account(Stage):
    """A stage in an AWS account."""

    def __init__(self, target: Target) -> None:
        """Find credentials and a region.

        Raises:
            OperateError: There are none, or nothing says which stage it is.
        """
        super().__init__(target)
        if not target.stage and not target.table:
            raise usage(
                "nothing says which stage this is about",
                "Name one of settings/ with --stage; or start the embedded cloud with `make up`, and use --local.",
            )
        self.name = target.stage
        self._session = self._signed_in()
        region = target.region or self._session.get_config_variable("region")
        self.label = f"the stage {target.stage or target.table} in {region}"

    def _signed_in(self) -> Any:
        from botocore.exceptions import BotoCoreError, NoCredentialsError
        from botocore.session import get_session

        session = get_session()
        if self._target.profile:
            session.set_config_variable("profile", self._target.profile)
        try:
            if session.get_credentials() is None:
                raise NoCredentialsError
        except BotoCoreError as error:
            raise explained(error) or error from error
        return session

    def _make(self, service: str, attempts: int) -> Any:
        return made(self._session, service, attempts, _TIME_OUTS_SECONDS, self._target.region or None)


class EmbeddedCloud(Stage):
    """The embedded cloud of `make up`; the AWS configuration is not read.

    Attributes:
        cloud: What `.local/cloud.json` says.
    """

    def __init__(self, target: Target, cloud: Cloud) -> None:
        super().__init__(target)
        self.label, self.name = f"the embedded cloud at {cloud.endpoint_url}", LOCAL
        self.cloud = cloud

    def _make(self, service: str, attempts: int) -> Any:  # noqa: ARG002  an emulator on this machine is there or not
        return emulated.client(service, self.cloud.endpoint_url)


def outputs_of(description: Mapping[str, Any]) -> dict[str, str]:
    """Return the outputs of a stack by their names."""
    return {output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])}


def _cloud_is_up() -> bool:
    return (HOME / "cloud.json").is_file()


def _cloud() -> Cloud:
    cloud = Cloud.read(HOME)
    if cloud is None:
        raise OperateError(
            f"the embedded cloud is not up: {HOME / 'cloud.json'} cannot be read",
            "`make up` starts it.",
            Status.NO_ACCESS,
        )
    return cloud
