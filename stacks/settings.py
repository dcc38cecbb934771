"""What a stage deploys: `settings/<stage>.toml`, checked into frozen dataclasses.

A mistake is refused before anything is synthesised. To add a setting, add a field: its type, its rule and
its place in the file follow from it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stacks.policies import PolicyRow, check_policies
from stacks.settings_file import Rule, SettingsError, between, matching, one_of, read, setting, table

MAX_DEADLINE_SECONDS = 31_536_000
"""The longest deadline of a request: 365 days."""

MAX_EXECUTION_TIMEOUT_SECONDS = 31_622_400
"""Lambda's limit, 366 days: https://docs.aws.amazon.com/lambda/latest/dg/durable-configuration.html."""

EXECUTION_MARGIN_SECONDS = 3_600
"""What an execution keeps after its last deadline, to read the ledger and record the result."""

CHANNEL_NAMES = ("email", "sns")
"""What can carry messages to approvers."""

_API_ID = "{api_id}"
_LOG_RETENTION_DAYS = (1, 3, 7, 14, 30, 90, 180, 365, 731, 1827, 3653)
_ADDRESS = r"[^@\s]+@[^@\s]+\.[^@\s]+"
_BASE_URL = Rule(
    "an https URL, or an http one of localhost, with {api_id} as its only placeholder; empty for the API's own",
    lambda value: not value or _is_base_url(value),
)


def _is_base_url(value: str) -> bool:
    url = value.replace(_API_ID, "api-id")
    return (
        re.fullmatch(r"(https://[\w.-]+|http://(localhost|127\.0\.0\.1|\[::1\]))(:\d+)?(/[\w.$~/-]*)?", url) is not None
    )


@dataclass(frozen=True)
class LedgerSettings:
    """The ledger.

    Attributes:
        protected: Deletion protection for the table, termination protection for its stack, and data and logs that
            outlive their stacks.
    """

    protected: bool


@dataclass(frozen=True)
class HandOffSettings:
    """The hand-off bus.

    Attributes:
        archive_days: How long its events can be replayed; 0 for no archive.
    """

    archive_days: int = setting(between(0, 3_650, "days"))


@dataclass(frozen=True)
class FunctionSettings:
    """What all functions have in common.

    Attributes:
        log_retention_days: How long logs are kept, the access log of the API included.
        tracing: Whether X-Ray traces them.
    """

    log_retention_days: int = setting(one_of(_LOG_RETENTION_DAYS))
    tracing: bool = False


@dataclass(frozen=True)
class Throttle:
    """How much a route of the API takes, over all callers, before it answers 429.

    Attributes:
        rate_per_second: Requests per second in the long run.
        burst: Requests at once.
    """

    rate_per_second: int = setting(between(1, 10_000, "requests per second"))
    burst: int = setting(between(1, 5_000, "requests"))


@dataclass(frozen=True)
class ThrottleSettings:
    """The throttles of the API.

    Attributes:
        default: Any route that names no other.
        requests: Starting requests and reading them.
        review: The review page and the decision, for each method.
    """

    default: Throttle
    requests: Throttle
    review: Throttle


@dataclass(frozen=True)
class MailSettings:
    """Messages to approvers.

    Attributes:
        sender: The From address of mail.
        identities: The SES identities that sending touches, by name: that of the sender (its address or its domain),
            and in the SES sandbox those of the recipients too. The sender's address, if none is named.
        channel: What carries them: `email`, or `sns`, a topic whose subscriptions pick their people's by filter.
    """

    sender: str = setting(matching(_ADDRESS, "an e-mail address"))
    identities: tuple[str, ...] = ()
    channel: str = setting(one_of(CHANNEL_NAMES), default="email")


@dataclass(frozen=True)
class AlarmSettings:
    """Who hears alarms.

    Attributes:
        email: An address that is subscribed to the alarm topic; empty for none.
    """

    email: str = setting(matching(f"({_ADDRESS})?", "an e-mail address, or nothing"), default="")


@dataclass(frozen=True)
class WorkflowSettings:
    """One durable workflow.

    Attributes:
        function: Its folder under `lambdas/`.
        execution_timeout_seconds: How long Lambda lets an execution live. It bounds the deadline that a request may ask
            for: later deadlines are cut to it, less the margin.
        retention_days: How long Lambda keeps the history of a closed execution.
        deadline_seconds: The deadline of a request that names none.
    """

    function: str = setting(matching(r"[a-z][a-z0-9_]*", "a folder name under lambdas/: lower-case letters, digits, _"))
    execution_timeout_seconds: int = setting(between(60, MAX_EXECUTION_TIMEOUT_SECONDS, "seconds"))
    retention_days: int = setting(between(1, 90, "days"))
    deadline_seconds: int = setting(between(1, MAX_DEADLINE_SECONDS, "seconds"))

    @property
    def longest(self) -> int:
        """The longest deadline that it can keep, in seconds."""
        return self.execution_timeout_seconds - EXECUTION_MARGIN_SECONDS


@dataclass(frozen=True)
class Settings:
    """A stage.

    Attributes:
        stage: Its name, that of its file.
        base_url: Where the outside reaches the API, as links in mails have it, without a slash at the end; `{api_id}`
            in it becomes the id of the API at deploy. Empty for the API's own address.
        workflows: The durable workflows, by the name that requests know them by.
        policies: Who approves which amount, by the name of the workflow. Where a workflow has none, requests say so.
    """

    stage: str
    ledger: LedgerSettings
    hand_off: HandOffSettings
    functions: FunctionSettings
    throttles: ThrottleSettings
    mail: MailSettings
    workflows: Mapping[str, WorkflowSettings]
    alarms: AlarmSettings = AlarmSettings()
    base_url: str = setting(_BASE_URL, default="")
    policies: Mapping[str, tuple[PolicyRow, ...]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path, *, base_url: str = "") -> Settings:
        """Read and check a settings file.

        Args:
            path: `settings/<stage>.toml`.
            base_url: Takes the place of the file's, unless it is empty.

        Raises:
            SettingsError: The file is missing or no TOML, or a key in it is unknown, missing, of another type or out
                of range.
        """
        document = read(path)
        if base_url:
            document["base_url"] = base_url
        settings: Settings = table(cls, document, "", path, stage=path.stem)
        for name, workflow in settings.workflows.items():
            _check_workflow(name, workflow, path)
        check_policies(settings.policies, {name: item.longest for name, item in settings.workflows.items()}, path)
        return dataclasses.replace(settings, base_url=settings.base_url.rstrip("/"))


def _check_workflow(name: str, workflow: WorkflowSettings, file: Path) -> None:
    least = workflow.deadline_seconds + EXECUTION_MARGIN_SECONDS
    if workflow.execution_timeout_seconds >= least:
        return
    raise SettingsError(
        file,
        f"workflows.{name}.execution_timeout_seconds",
        workflow.execution_timeout_seconds,
        f"at least {least}: deadline_seconds and {EXECUTION_MARGIN_SECONDS} more, to act on the deadline",
        "raise it, or lower deadline_seconds",
    )
