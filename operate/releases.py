"""The releases of a workflow: the published versions of its function, and the alias that new executions take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from operate.errors import OperateError, unknown_name
from operate.stage import Stage

NAMED = ("LEDGER_TABLE", "DIRECTORY_TABLE", "BUS_NAME", "BASE_URL", "ANSWERS_KEY", "DECIDER")
"""The variables that name resources of a version. The role has rights to the resources of the newest version only."""


@dataclass(frozen=True)
class Releases:
    """The published versions of a workflow.

    Attributes:
        function: The name of its function.
        live: The version of new executions.
        versions: The configuration of each version, by its number.
        revision: The alias's revision, which shows a concurrent change.
    """

    function: str
    live: int
    versions: Mapping[int, Mapping[str, Any]]
    revision: str

    @classmethod
    def of(cls, stage: Stage, workflow: str) -> Releases:
        """Return the releases of a workflow.

        Raises:
            OperateError: The stage has no workflow of this name, or the workflow has no alias.
        """
        deployed = stage.merged("Workflows")
        if workflow not in deployed:
            raise unknown_name("workflow", workflow, deployed)
        function, name = deployed[workflow].split(":")[-2:]
        client = stage.client("lambda")
        try:
            alias = client.get_alias(FunctionName=function, Name=name)
        except client.exceptions.ResourceNotFoundException as error:
            raise OperateError(f"{workflow} has no alias {name}", "Deploy the stage again.") from error
        return cls(function, int(alias["FunctionVersion"]), versions_of(stage, function), alias["RevisionId"])

    @property
    def before(self) -> int | None:
        """The version before that of new executions; None if no earlier version is published."""
        return max((number for number in self.versions if number < self.live), default=None)

    def named(self, version: int) -> dict[str, str]:
        """Return the resources that a version names, by variable, and its state's key by `KMSKeyArn`."""
        found = self.versions[version]
        names = {"KMSKeyArn": found.get("KMSKeyArn"), **found.get("Environment", {}).get("Variables", {})}
        return {name: names[name] for name in (*NAMED, "KMSKeyArn") if names.get(name)}

    def gone(self, version: int) -> Iterator[tuple[str, str]]:
        """Yield the variables of a version whose value differs in the version of new executions."""
        now = self.named(self.live)
        return ((name, value) for name, value in self.named(version).items() if value != now.get(name))


def versions_of(stage: Stage, function: str) -> dict[int, Mapping[str, Any]]:
    """Return the configuration of each published version of a function, by its number."""
    pages = stage.client("lambda").get_paginator("list_versions_by_function").paginate(FunctionName=function)
    found = [version for page in pages for version in page["Versions"] if version["Version"] != "$LATEST"]
    return {int(version["Version"]): version for version in found}
