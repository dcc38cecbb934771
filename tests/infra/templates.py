"""Synthesised stacks, in a form that assertions can read."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from aws_cdk import App, Validations

from app import Stacks, build
from countersign.functions.environment import TABLES_FILE
from stacks.components.flow.durable_workflow import DurableWorkflow
from stacks.components.house.sources import Sources
from stacks.stage.settings import Settings


@dataclass(frozen=True)
class Resource:
    stack: str
    logical_id: str
    body: Mapping[str, Any]

    @property
    def path(self) -> str:
        """The construct that made it, without its stack."""
        path: str = self.body["Metadata"]["aws:cdk:path"]
        return path.partition("/")[2].removesuffix("/Resource")

    @property
    def properties(self) -> Mapping[str, Any]:
        properties: Mapping[str, Any] = self.body.get("Properties", {})
        return properties


class Synthesised:
    """One stage, as `cdk synth` makes it.

    Args:
        settings: Its settings.
        sources: Its code.
        context: The context of the app.
        by_rules: Whether CloudFormation's own rules check it, which a stage like another one need not take time for.
    """

    def __init__(
        self, settings: Settings, sources: Sources, context: Mapping[str, Any], *, by_rules: bool = True
    ) -> None:
        app = App(context=dict(context), tree_metadata=False, builtin_cloud_formation_validation=by_rules)
        self.settings = settings
        self.stacks: Stacks = build(app, settings, sources)
        self.app = app
        self.assembly = app.synth()
        self.templates: dict[str, Mapping[str, Any]] = {
            stack.stack_name: stack.template for stack in self.assembly.stacks
        }

    def template(self, name: str) -> Mapping[str, Any]:
        """Return the template of a stack, by its own part of its name."""
        return self.templates[f"{self.settings.prefix}{name}"]

    @cached_property
    def resources(self) -> tuple[Resource, ...]:
        return tuple(
            Resource(stack, logical_id, body)
            for stack, template in self.templates.items()
            for logical_id, body in template["Resources"].items()
        )

    def of_type(self, kind: str) -> list[Resource]:
        return [resource for resource in self.resources if resource.body["Type"] == kind]

    def one(self, kind: str, path: str = "") -> Resource:
        found = [resource for resource in self.of_type(kind) if not path or resource.path == path]
        assert len(found) == 1, f"{kind} {path}: {[resource.path for resource in found]}"
        return found[0]

    def function(self, path: str) -> Any:
        """Return the properties of a function, by its construct."""
        return self.properties(self.one("AWS::Lambda::Function", f"{path}/Function"))

    def variables(self, path: str) -> dict[str, str]:
        """Return the environment variables of a function, by its construct."""
        variables: dict[str, str] = self.function(path)["Environment"]["Variables"]
        return variables

    @cached_property
    def acknowledged(self) -> dict[tuple[str, str], str]:
        """The reason of each accepted finding of cdk-nag, by its construct and its rule."""
        files = Path(self.assembly.directory).glob("*.metadata.json")
        entries = [item for file in files for item in json.loads(file.read_bytes()).items()]
        return {
            (path.removeprefix("/"), finding.removeprefix("Annotation::")): reason
            for path, known in entries
            for entry in known
            if entry["type"] == Validations.ACKNOWLEDGED_RULES_METADATA_KEY
            for finding, reason in entry["data"].items()
        }

    @property
    def patterns(self) -> tuple[str, ...]:
        """The names of the patterns, where the stage has them."""
        return tuple(self.stacks.patterns.workflows) if self.stacks.patterns else ()

    @property
    def workflows(self) -> tuple[str, ...]:
        """The name of every workflow: of those in the settings, and of the patterns."""
        return (*self.settings.workflows, *self.patterns)

    @property
    def groups(self) -> list[list[DurableWorkflow]]:
        """The workflows of each alarm over several: at most ten of one stack, in the order of the stacks."""
        built = {stack.stack_name: list(stack.workflows.values()) for stack in self.stacks.shares}
        for stack in (self.stacks.workflow, self.stacks.patterns):
            built |= {stack.stack_name: list(stack.workflows.values())} if stack else {}
        in_order = [built[name] for name in self.templates if name in built]
        return [workflows[start : start + 10] for workflows in in_order for start in range(0, len(workflows), 10)]

    @cached_property
    def alarms(self) -> dict[str, Any]:
        """Every alarm by its name. Those over several workflows are numbered, as `groups` are in order."""
        found: dict[str, Any] = {}
        numbers: dict[str, int] = defaultdict(int)
        for alarm in self.of_type("AWS::CloudWatch::Alarm"):
            name = alarm.path.removeprefix("Alarms/")
            if "Metrics" in alarm.properties:
                name = name.partition("-")[0]
                numbers[name] += 1
                name += f"-{numbers[name]}" if numbers[name] > 1 else ""
            assert name not in found
            found[name] = self.properties(alarm)
        return found

    @property
    def encrypted(self) -> set[str]:
        """The names of the workflows that may ask for encrypted answers."""
        of_settings = {name for name, workflow in self.settings.workflows.items() if workflow.encrypted}
        return of_settings | ({"encrypted-payload"} & set(self.patterns))

    def of_each_workflow(self, line: str) -> set[str]:
        """Return a line that is about `OrderApproval` once for every workflow of the stage."""
        return {line.replace("OrderApproval", construct_id(name)) for name in self.workflows}

    def tables(self, function: Mapping[str, Any]) -> Any:
        """Return the tables in a function's code, by its properties; None for a function without any."""
        file = self.asset(function["Code"]) / TABLES_FILE
        return json.loads(file.read_bytes()) if file.is_file() else None

    def asset(self, code: Mapping[str, Any]) -> Path:
        """Return the folder that is deployed as the code of a function, or as the content of a layer."""
        return self._assets[code["S3Key"].removesuffix(".zip")]

    @cached_property
    def _assets(self) -> dict[str, Path]:
        folder = Path(self.assembly.directory)
        manifests = [json.loads(file.read_bytes()) for file in folder.glob("*.assets.json")]
        return {key: folder / file["source"]["path"] for each in manifests for key, file in each["files"].items()}

    def outputs(self, name: str) -> Mapping[str, Any]:
        """Return the outputs of a stack that are meant for people: not those that another stack refers to."""
        template = self.template(name)
        stack = f"{self.settings.prefix}{name}"
        return {
            key: self.resolve(output["Value"], stack)
            for key, output in template["Outputs"].items()
            if not key.startswith("PublishOutput") and "Export" not in output
        }

    def resolve(self, value: Any, stack: str) -> Any:
        """Put readable text in the place of CloudFormation's functions, such as `Ledger/Table.Arn` for a GetAtt."""
        if isinstance(value, list):
            return [self.resolve(item, stack) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((function, argument),) = value.items()
            reading = _FUNCTIONS.get(function)
            if reading:
                return reading(self, argument, stack)
        return {key: self.resolve(item, stack) for key, item in value.items()}

    def properties(self, resource: Resource) -> Any:
        return self.resolve(resource.properties, resource.stack)

    def _path(self, logical_id: str, stack: str) -> str:
        if logical_id.startswith("AWS::"):
            return f"<{logical_id.removeprefix('AWS::')}>"
        return Resource(stack, logical_id, self.templates[stack]["Resources"][logical_id]).path

    def _ref(self, argument: str, stack: str) -> str:
        return self._path(argument, stack)

    def _attribute(self, argument: list[str], stack: str) -> str:
        return f"{self._path(argument[0], stack)}.{argument[1]}"

    def _join(self, argument: list[Any], stack: str) -> str:
        text = str(argument[0]).join(str(self.resolve(item, stack)) for item in argument[1])
        return re.sub(rf"{_FUNCTIONS_ARN}{self.settings.prefix}([a-z0-9-]+)", self._workflow_arn, text)

    def _workflow_arn(self, name: re.Match[str]) -> str:
        return f"Durable/{construct_id(name[1])}/Workflow/Function.Arn" if name[1] in self.workflows else name[0]

    def _select(self, argument: list[Any], stack: str) -> str:
        index, parts = argument
        ((function, split),) = parts.items()
        assert function == "Fn::Split"
        return f"{self.resolve(split[1], stack)}[{index}]"

    def _import(self, name: str, _: str) -> Any:
        other, _, _ = name.partition(":")
        (value,) = (
            output["Value"]
            for output in self.templates[other]["Outputs"].values()
            if output.get("Export", {}).get("Name") == name
        )
        return self.resolve(value, other)

    def _output(self, argument: dict[str, Any], stack: str) -> Any:
        other = argument["StackName"]
        return self.resolve(self.templates[other]["Outputs"][argument["OutputName"]]["Value"], other)


DECIDED_BY_A_PLAIN_LAMBDA = {"split-callback", "two-lambdas"}
"""The patterns that have a function of their own complete their callback, without the ledger."""


def construct_id(name: str) -> str:
    """Return what the construct of a workflow is called: `OrderApproval` for `order-approval`."""
    return name.title().replace("-", "")


_FUNCTIONS_ARN = "arn:<Partition>:lambda:<Region>:<AccountId>:function:"
_FUNCTIONS: dict[str, Callable[[Synthesised, Any, str], Any]] = {
    "Ref": Synthesised._ref,
    "Fn::GetAtt": Synthesised._attribute,
    "Fn::Join": Synthesised._join,
    "Fn::Select": Synthesised._select,
    "Fn::GetStackOutput": Synthesised._output,
    "Fn::ImportValue": Synthesised._import,
}


def statements(stage: Synthesised) -> Iterator[tuple[str, str]]:
    """Yield every right as the role's path and a line: `actions on resources`, after NOT where it is denied.

    Rights in several functions are a line each.
    """
    for policy in (*stage.of_type("AWS::IAM::Policy"), *stage.of_type("AWS::IAM::ManagedPolicy")):
        properties = stage.properties(policy)
        for role in properties.get("Roles", ()):
            for statement in properties["PolicyDocument"]["Statement"]:
                functions = statement["Resource"] if "lambda:" in str(statement["Action"]) else None
                each_function = functions if isinstance(functions, list) else [statement["Resource"]]
                yield from ((role, line({**statement, "Resource": resource})) for resource in each_function)


def line(statement: Mapping[str, Any]) -> str:
    """Return a statement as a line."""
    denied = "" if statement["Effect"] == "Allow" else "NOT "
    condition = f" if {json.dumps(statement['Condition'])}" if "Condition" in statement else ""
    return f"{denied}{_words(statement['Action'])} on {_words(statement['Resource'])}{condition}"


def _words(value: str | list[str]) -> str:
    return value if isinstance(value, str) else " ".join(sorted(value))


DevWith = Callable[..., Synthesised]
"""The dev stage with changes of its settings: pairs of what is written and what instead, and `more` at the end."""

StageNamed = Callable[[str], Synthesised]
"""The stage of a settings file."""
