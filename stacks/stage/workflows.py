"""Workflows of a stage: `[workflows.<name>]`, and `[patterns]`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated
from zlib import crc32

from countersign.domain.requests import EXECUTION_MARGIN
from stacks.stage.extensions import has_contract, has_function
from stacks.stage.fields import DefaultedTable, Folder, between, matching
from stacks.stage.problems import Problem

MAX_DEADLINE_SECONDS = 31_536_000
"""The longest deadline of a request: 365 days."""

MAX_EXECUTION_TIMEOUT_SECONDS = 31_622_400
"""Lambda's limit, 366 days: https://docs.aws.amazon.com/lambda/latest/dg/durable-configuration.html."""

MARGIN_SECONDS = int(EXECUTION_MARGIN.total_seconds())

PATTERNS_FOLDER = "patterns"
"""The folder of the callback patterns under `lambdas/`: each pattern is the module of its name."""

ON_THE_LEDGER = (
    "conditional-results",
    "contact-confirmation",
    "customer-input",
    "data-enrichment",
    "document-collection",
    "encrypted-payload",
    "fallback-service",
    "identity-verification",
    "long-job",
    "parallel-checks",
    "retry-callback",
)
"""The patterns whose tasks are in the ledger."""

ON_THE_RAW_SDK = ("split-callback", "two-lambdas")
"""The patterns whose callback a plain Lambda completes, without the ledger."""

_ENCRYPTED = "encrypted-payload"


SHARES = ("workflows-a", "workflows-b", "workflows-c", "workflows-d")
"""The stacks of workflows that the kit does not have. A stack holds 500 resources, and a workflow needs a dozen."""

OPTIONAL_STACKS = ("patterns", *SHARES)
"""The stacks that a stage has only while its settings have workflows for them."""


def share_of(name: str) -> str:
    """Return the stack of a workflow that the kit does not have. It depends on the workflow's name only."""
    return SHARES[crc32(name.encode()) % len(SHARES)]


class LifeSettings(DefaultedTable):
    """How long executions, their history and their requests last."""

    execution_timeout_seconds: Annotated[int, between(60, MAX_EXECUTION_TIMEOUT_SECONDS, "seconds")] = (
        MAX_EXECUTION_TIMEOUT_SECONDS
    )
    """Lambda's timeout of an execution. Deadlines of requests are cut to it, less an hour."""
    retention_days: Annotated[int, between(1, 90, "days")] = 90
    """How many days Lambda keeps the history of an execution that has ended."""
    deadline_seconds: Annotated[int, between(1, MAX_DEADLINE_SECONDS, "seconds")] = 259_200
    """The deadline of a request without one."""
    retired: bool = False
    """Whether new requests are refused with 410. Everything else stays for executions that still run. `doctor` reports
    when the last one has ended and the table can be removed."""

    @property
    def longest(self) -> int:
        """The longest deadline that an execution can keep, in seconds."""
        return self.execution_timeout_seconds - MARGIN_SECONDS


class WorkflowSettings(LifeSettings):
    """One durable workflow."""

    enabled: bool = True
    """Whether the stage deploys it; `false` leaves out a workflow of the kit."""
    function: Folder
    """The folder of its code, under `lambdas/` or `extensions/workflows/`."""
    module: Annotated[
        str, matching(r"[a-z][a-z0-9_]*", "the name of a module, without .py: lower-case letters, digits, _")
    ] = "handler"
    """The module of that folder whose `handler` is the entry point."""
    contract: Annotated[
        str, matching(r"([a-z][a-z0-9-]*)?", "the name of an input's schema: lower-case letters, digits, -")
    ] = ""
    """The name of its input's schema, without `.input.json`; empty for the workflow's own name."""
    encrypted: bool = False
    """Whether it may ask for encrypted answers. The stage then has a KMS key for these."""
    looks: bool = False
    """Whether it asks a provider with `look = true` for a payment once before the payment expires."""


class PatternSettings(LifeSettings):
    """The callback patterns of docs/patterns.md, each a workflow by its name."""

    @property
    def workflows(self) -> Mapping[str, WorkflowSettings]:
        """The settings of each pattern, by name."""
        return {
            name: WorkflowSettings(
                function=PATTERNS_FOLDER,
                module=name.replace("-", "_"),
                encrypted=name == _ENCRYPTED,
                **self.model_dump(),
            )
            for name in (*ON_THE_LEDGER, *ON_THE_RAW_SDK)
        }


def check_workflows(workflows: Mapping[str, WorkflowSettings], patterns: PatternSettings | None) -> Iterator[Problem]:
    """Report mistakes among the workflows that a stage deploys."""
    if not workflows:
        fix = "add [workflows.<name>], or enable one of the kit's"
        yield Problem("workflows", None, "at least one table [workflows.<name>]", fix)
    for name, workflow in workflows.items():
        yield from _check_deadline(f"workflows.{name}", workflow)
        yield from _check_code(name, workflow)
    if patterns:
        yield from _check_deadline("patterns", patterns)
        for name in sorted(patterns.workflows.keys() & workflows.keys()):
            allowed = "a name that no pattern has, because the stage deploys the patterns"
            yield Problem(f"workflows.{name}", name, allowed, "rename it, or remove [patterns]")


def _check_code(name: str, workflow: WorkflowSettings) -> Iterator[Problem]:
    folder, contract = workflow.function, workflow.contract or name
    if not has_function(folder, workflow.module):
        allowed = "a folder of lambdas/ or of extensions/workflows/"
        fix = f"correct the name, or write extensions/workflows/{folder}/{workflow.module}.py"
        yield Problem(f"workflows.{name}.function", folder, allowed, fix)
    if not has_contract(contract):
        allowed = "the name of an input's schema, of the kit or of an extension"
        place = f"extensions/workflows/{contract.replace('-', '_')}/input.json"
        yield Problem(f"workflows.{name}.contract", contract, allowed, f"correct the name, or write {place}")


def _check_deadline(key: str, life: LifeSettings) -> Iterator[Problem]:
    least = life.deadline_seconds + MARGIN_SECONDS
    if life.execution_timeout_seconds < least:
        yield Problem(
            f"{key}.execution_timeout_seconds",
            life.execution_timeout_seconds,
            f"at least {least}: deadline_seconds and {MARGIN_SECONDS} more, to act on the deadline",
            "raise it, or lower deadline_seconds",
        )
