"""What a stage deploys: `settings/<stage>.toml`, checked into frozen dataclasses.

A key that no dataclass here names, a value of another type and a value out of range are all refused before anything is
synthesised. To add a setting, add a field: its type, its rule and its place in the file follow from it.
"""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

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
_TYPE_NAMES = {str: "text in quotes", int: "a whole number", bool: "true or false"}


class SettingsError(ValueError):
    """A stage's settings cannot be used.

    Attributes:
        file: The settings file.
        key: The key in it, dotted; empty when it is the file itself.
        value: What stands there; None when nothing does.
        allowed: What may stand there.
        fix: What to do.
    """

    def __init__(self, file: Path, key: str, value: Any, allowed: str, fix: str) -> None:
        self.file, self.key, self.value, self.allowed, self.fix = file, key, value, allowed, fix
        found = "is missing" if value is None else f"is {value!r}"
        super().__init__(f"{file}: {key + ' ' if key else ''}{found}; allowed: {allowed}; fix: {fix}")


@dataclass(frozen=True)
class _Rule:
    """What a value of the right type must also be."""

    allowed: str
    holds: Callable[[Any], bool]


def _between(low: int, high: int, unit: str) -> _Rule:
    return _Rule(f"{low} to {high} {unit}", lambda value: low <= value <= high)


def _one_of(values: tuple[Any, ...]) -> _Rule:
    return _Rule(f"one of {', '.join(map(str, values))}", lambda value: value in values)


def _matching(pattern: str, meaning: str) -> _Rule:
    return _Rule(meaning, lambda value: re.fullmatch(pattern, value) is not None)


def _setting(rule: _Rule, **options: Any) -> Any:
    return field(metadata={"rule": rule}, **options)


_ADDRESS = r"[^@\s]+@[^@\s]+\.[^@\s]+"
_BASE_URL = _Rule(
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

    archive_days: int = _setting(_between(0, 3_650, "days"))


@dataclass(frozen=True)
class FunctionSettings:
    """What all functions have in common.

    Attributes:
        log_retention_days: How long logs are kept, the access log of the API included.
        tracing: Whether X-Ray traces them.
    """

    log_retention_days: int = _setting(_one_of(_LOG_RETENTION_DAYS))
    tracing: bool = False


@dataclass(frozen=True)
class Throttle:
    """How much a route of the API takes, over all callers, before it answers 429.

    Attributes:
        rate_per_second: Requests per second in the long run.
        burst: Requests at once.
    """

    rate_per_second: int = _setting(_between(1, 10_000, "requests per second"))
    burst: int = _setting(_between(1, 5_000, "requests"))


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

    sender: str = _setting(_matching(_ADDRESS, "an e-mail address"))
    identities: tuple[str, ...] = ()
    channel: str = _setting(_one_of(CHANNEL_NAMES), default="email")


@dataclass(frozen=True)
class AlarmSettings:
    """Who hears alarms.

    Attributes:
        email: An address that is subscribed to the alarm topic; empty for none.
    """

    email: str = _setting(_matching(f"({_ADDRESS})?", "an e-mail address, or nothing"), default="")


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

    function: str = _setting(
        _matching(r"[a-z][a-z0-9_]*", "a folder name under lambdas/: lower-case letters, digits, _")
    )
    execution_timeout_seconds: int = _setting(_between(60, MAX_EXECUTION_TIMEOUT_SECONDS, "seconds"))
    retention_days: int = _setting(_between(1, 90, "days"))
    deadline_seconds: int = _setting(_between(1, MAX_DEADLINE_SECONDS, "seconds"))


@dataclass(frozen=True)
class Settings:
    """A stage.

    Attributes:
        stage: Its name, that of its file.
        base_url: Where the outside reaches the API, as links in mails have it, without a slash at the end; `{api_id}`
            in it becomes the id of the API at deploy. Empty for the API's own address.
        workflows: The durable workflows, by the name that requests know them by.
    """

    stage: str
    ledger: LedgerSettings
    hand_off: HandOffSettings
    functions: FunctionSettings
    throttles: ThrottleSettings
    mail: MailSettings
    workflows: Mapping[str, WorkflowSettings]
    alarms: AlarmSettings = AlarmSettings()
    base_url: str = _setting(_BASE_URL, default="")

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
        document = _read(path)
        if base_url:
            document["base_url"] = base_url
        settings: Settings = _table(cls, document, "", path, stage=path.stem)
        for name, workflow in settings.workflows.items():
            _check_workflow(name, workflow, path)
        return dataclasses.replace(settings, base_url=settings.base_url.rstrip("/"))


def _read(path: Path) -> dict[str, Any]:
    stages = sorted(file.stem for file in path.parent.glob("*.toml"))
    if path.stem not in stages:
        allowed = f"a stage that has a settings file: {', '.join(stages) or 'none yet'}"
        raise SettingsError(path, "", None, allowed, f"choose one of these, or write {path.name}")
    if re.fullmatch(r"[a-z][a-z0-9-]{0,19}", path.stem) is None:
        allowed = "a stage name of at most 20 lower-case letters, digits and hyphens, a letter first"
        raise SettingsError(path, "stage", path.stem, allowed, "rename the file")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(path, "", "not TOML", "TOML 1.0", f"correct this: {error}") from error


def _table(kind: type[Any], document: Any, key: str, file: Path, **given: Any) -> Any:
    if not isinstance(document, dict):
        raise SettingsError(file, key, document, f"a table [{key}]", f"write [{key}] and its keys below it")
    fields = {item.name: item for item in dataclasses.fields(kind) if item.name not in given}
    for name in sorted(document.keys() - fields.keys()):
        allowed = f"one of {', '.join(fields)}"
        raise SettingsError(file, _dotted(key, name), document[name], allowed, "correct the name, or remove it")
    hints = get_type_hints(kind)
    values = {
        name: _value(hints[name], item, document.get(name), _dotted(key, name), file)
        for name, item in fields.items()
        if name in document or item.default is dataclasses.MISSING
    }
    return kind(**values, **given)


def _value(kind: Any, item: dataclasses.Field[Any], value: Any, key: str, file: Path) -> Any:
    rule = item.metadata.get("rule")
    if dataclasses.is_dataclass(kind):
        return _table(kind, value, key, file)  # type: ignore[arg-type]
    if get_origin(kind) is not None and issubclass(get_origin(kind), Mapping):
        return _named_tables(get_args(kind)[1], value, key, file)
    if get_origin(kind) is tuple:
        return _texts(value, key, file)
    if type(value) is not kind or (rule is not None and not rule.holds(value)):
        raise SettingsError(file, key, value, _expected(kind, rule), "add it" if value is None else "correct the value")
    return value


def _named_tables(kind: type[Any], value: Any, key: str, file: Path) -> Mapping[str, Any]:
    if not isinstance(value, dict) or not value:
        raise SettingsError(file, key, value, f"at least one table [{key}.<name>]", f"add [{key}.<name>]")
    for name in value:
        if re.fullmatch(r"[a-z][a-z0-9-]{0,39}", name) is None:
            allowed = "a name of at most 40 lower-case letters, digits and hyphens, a letter first"
            raise SettingsError(file, key, name, allowed, "rename it")
    return {name: _table(kind, item, _dotted(key, name), file) for name, item in value.items()}


def _texts(value: Any, key: str, file: Path) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise SettingsError(file, key, value, "a list of texts in quotes", "correct the value")
    return tuple(value)


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


def _expected(kind: Any, rule: _Rule | None) -> str:
    kind_name = _TYPE_NAMES.get(kind, "a table")
    return f"{kind_name}, {rule.allowed}" if rule else kind_name


def _dotted(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name
