"""The settings of a stage: `settings/<stage>.toml` over `defaults.toml`, checked before synthesis.

To add a setting, add a field to its table. The messages, the reference and the JSON Schema follow from its type, rule
and docstring.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import AliasPath, Field, field_validator

from countersign.adapters.task_items import RETENTION
from countersign.channels.base import KIT as CHANNELS
from countersign.domain.identity import normalise, same_domain
from countersign.domain.proofs import PROVIDER
from countersign.presentation.words import ENGLISH, languages, time_zone
from countersign.providers.base import Unsigned
from countersign.services.held_payments import WORKFLOW as HELD_PAYMENT
from stacks.stage.api import ApiSettings, check_api
from stacks.stage.brand import BrandSettings, check_brand
from stacks.stage.callers import PRINCIPAL, CallerSettings, RoleArn, check_callers
from stacks.stage.extensions import Extensions, channel, provider
from stacks.stage.fields import (
    ADDRESS,
    DISPLAY_NAME,
    NOT_EMPTY,
    Address,
    DefaultedTable,
    Name,
    Rule,
    Table,
    between,
    matching,
    one_of,
)
from stacks.stage.logo import check_logo
from stacks.stage.policies import PolicyRow, check_policies
from stacks.stage.problems import Problem, SettingsError, checked
from stacks.stage.providers import (
    KEEP_EVENTS_DAYS,
    PartnerSettings,
    PaymentSettings,
    ProviderName,
    ProviderSettings,
    check_events,
    check_looks,
    check_operators,
    check_partners,
)
from stacks.stage.workflows import PatternSettings, WorkflowSettings, check_workflows, share_of

DEFAULTS = Path(__file__).with_name("defaults.toml")
"""The kit's own workflows, throttles and limits."""

EMBEDDED = "local"
"""The stage of the embedded cloud, which never sends its mail."""

_API_ID = "{api_id}"
LOG_RETENTION_DAYS = (1, 3, 7, 14, 30, 90, 180, 365, 731, 1827, 3653)
_BASE_URL = r"(https://[\w.-]+|http://(localhost|127\.0\.0\.1|\[::1\]))(:\d+)?(/[\w.$~/-]*)?"


class AppSettings(Table):
    """The name of this deployment of the kit."""

    name: Annotated[
        str, matching(r"[a-z][a-z0-9]{0,11}", "a name of at most 12 lower-case letters and digits, a letter first")
    ] = "countersign"
    """The first part of all names in AWS, before the stage. Each fork in an account and region needs its own. Under
    another name, a deploy creates new stacks without the data."""


class AccountSettings(Table):
    """The AWS account and region that the stage belongs to."""

    id: Annotated[str, matching(r"\d{12}", "the 12 digits of an account's id")]
    """The account's id."""
    region: Annotated[str, matching(r"[a-z]{2}(-[a-z]+)+-\d", "an AWS region, such as eu-central-1")]
    """The region."""


class LedgerSettings(Table):
    """Protection of the ledger and other data."""

    protected: bool
    """Whether the table has deletion protection and its stack termination protection, and data and logs outlive their
    stacks."""


class EncryptionSettings(Table):
    """The KMS keys of the stage's data."""

    customer_keys: bool = False
    """Whether a KMS key of this account replaces AWS's keys for tables, queues, logs, secrets, topics, the archive of
    events, and the state of durable executions."""


class PeopleSettings(Table):
    """The people who read pages and mails, and the rights of people in the account."""

    language: Annotated[str, one_of(tuple(sorted(languages())))] = ENGLISH
    """The language of pages and mails for people without a language in the directory. Pages prefer the languages of the
    browser."""
    time_zone: Annotated[
        str,
        Rule(
            "an IANA time zone, such as Europe/Berlin",
            lambda value: time_zone(value) is not None,
        ),
    ] = "UTC"
    """The time zone of pages and mails for people without a time zone in the directory."""
    deny_callbacks: bool = False
    """Whether the stage has a managed policy that denies completing callbacks. Attach it to the roles and permission
    sets of people; the output `DenyCallbacksPolicy` names it."""


class DirectorySettings(Table):
    """How people are identified."""

    separate_tags: bool = False
    """Whether addresses that differ only after a `+`, such as `rita+shop@…` and `rita@…`, are different people. Most
    mail systems deliver both to one mailbox, so by default they are one person."""


_LEAST_KEEP_DAYS = RETENTION.days + 30
"""The ledger keeps an ended task for the retention, and its audit has to outlive it. A task can end late, and TTL
removes items in no order."""


class AuditSettings(Table):
    """The audit, and its copy on S3."""

    object_lock_days: Annotated[int, between(0, 36_500, "days")] = 0
    """How many days nobody can change or delete the copy of an entry; 0 for no copy. Applies to new entries."""
    keep_days: Annotated[
        int,
        Rule(
            f"0 for good, or {_LEAST_KEEP_DAYS} to 36500 days, because the audit must outlive its task",
            lambda value: value == 0 or _LEAST_KEEP_DAYS <= value <= 36_500,
            {"minimum": 0, "maximum": 36_500},
        ),
    ] = 0
    """How many days the ledger keeps the audit of a task after the latest time at which the task can end, at least 430;
    0 keeps it for good. Applies to tasks that are opened later, and not to the copy on S3."""


class HandOffSettings(Table):
    """The hand-off bus."""

    archive_days: Annotated[int, between(0, 3_650, "days")]
    """How many days its events can be replayed; 0 for no archive."""


class SweeperSettings(Table):
    """The sweeper, which corrects overdue work."""

    every_minutes: Annotated[int, between(1, 60, "minutes")] = 5
    """Interval between sweeps."""
    grace_seconds: Annotated[int, between(60, 86_400, "seconds")] = 300
    """How late a decision, a deadline or a start may be. After this time the sweeper corrects it once; after the same
    time again, an alarm is raised."""


class FunctionSettings(Table):
    """Settings of all functions."""

    log_retention_days: Annotated[int, one_of(LOG_RETENTION_DAYS)]
    """How many days logs are kept, including the API's access log."""
    tracing: bool = False
    """Whether X-Ray traces the functions."""
    tracing_layer: Annotated[
        str,
        matching(
            r"(arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:layer:[A-Za-z0-9_-]+:\d+)?",
            "the ARN of a layer's version, or nothing",
        ),
    ] = ""
    """The ARN of a version of AWS's OpenTelemetry layer for Python on arm64 in this region. It adds a span for each
    durable operation to the traces of workflows."""


class Throttle(DefaultedTable):
    """The limits of a route for all callers together. Above them the API answers 429."""

    rate_per_second: Annotated[int, between(1, 10_000, "requests per second")]
    """Requests per second on average."""
    burst: Annotated[int, between(1, 5_000, "requests")]
    """Requests at once."""


class ThrottleSettings(DefaultedTable):
    """The throttles of the API."""

    default: Throttle
    """Routes without a throttle of their own, including unknown paths."""
    requests: Throttle
    """The routes of `/requests` and `/requests/{id}`, each."""
    review: Throttle
    """The pages for people, each method."""
    webhooks: Throttle
    """Webhooks of all providers together."""
    callbacks: Throttle
    """Answers of machines, each of `succeed`, `fail` and `heartbeat`."""


class Limit(DefaultedTable):
    """Requests a minute from one network."""

    per_source: Annotated[int, between(1, 1_000_000, "requests a minute")]
    """For a network, a /24 of IPv4 or a /48 of IPv6. A company's gateway or a mobile carrier is one network."""
    per_token: Annotated[int, between(1, 1_000_000, "requests a minute")]
    """For one token from one network."""


class LimitSettings(DefaultedTable):
    """Limits of the public routes for each network and token."""

    review: Limit
    """`/review`, `/delegate`, `/inbox` and `/request` together."""
    callbacks: Limit
    """Answers of machines, all routes together. Many workers may share one gateway."""
    waiting: Annotated[int, between(0, 20, "calls at once")]
    """How many calls of `GET /requests/{id}?wait=` wait at once, each in an invocation of its own; further ones are
    answered at once. 0 lets none wait."""
    public_concurrency: Annotated[int, between(0, 10_000, "invocations at once")]
    """The reserved concurrency of `review`, and of `webhook`; 0 reserves none. A reservation keeps a flood of webhooks
    from taking the account's whole concurrency, which approvers need too. Lambda accepts it only if 100 remain for all
    other functions; a new account has a quota of 10."""


class RequestSettings(Table):
    """Limits on requests."""

    requester: Annotated[str, one_of(("input", "caller"))] = "input"
    """The source of the requester: `input` takes the person whom the input names; `caller` takes the name of the
    caller's session, as IAM Identity Center sets it, which must be an e-mail address."""
    approver_domains: tuple[
        Annotated[str, matching(r"[a-z0-9-]+(\.[a-z0-9-]+)*", "a domain in lower case, such as example.com")], ...
    ] = ()
    """The domains, without sub-domains, that approvers of requests may have; empty for any."""


class MailSettings(Table):
    """Messages to approvers."""

    sender: Address
    """The From address of mail. Where the channel is `email` or `slack`, a placeholder of a reserved domain is refused
    outside the stage `local`."""
    name: Annotated[str, DISPLAY_NAME] = ""
    """The name that mail programs show beside the sender's address, such as `Approvals of Example`; empty for `name`
    under [brand]."""
    reply_to: Annotated[str, matching(f"({ADDRESS})?", "an e-mail address, or nothing")] = ""
    """The Reply-To address of mail, in the sender's domain; empty for the sender's address."""
    identities: tuple[Annotated[str, NOT_EMPTY], ...] = ()
    """The SES identities that the approver may use: the sender's address or domain, and in the SES sandbox also those
    of the recipients. Empty for the sender's address."""
    channel: Annotated[
        str, matching(r"[a-z][a-z0-9_]{0,39}", "the name of a channel: lower-case letters, digits, _")
    ] = "email"
    """The channel: `email`; `slack`, direct messages, with mail for people whom Slack does not reach; `sns`, a topic
    whose subscriptions filter by recipient; or the name of an extension's module."""

    @property
    def is_sent(self) -> bool:
        """Whether the stage sends mail, always or where Slack does not carry a message."""
        return self.channel in ("email", "slack")


class AlarmSettings(Table):
    """Receivers of alarms."""

    email: Annotated[str, matching(f"({ADDRESS})?", "an e-mail address, or nothing")] = ""
    """An address that is subscribed to the alarm topic; empty for none. A protected stage needs one."""


class ProveSettings(Table):
    """`countersign prove`, which runs the product's claims against the deployed stage."""

    role: Annotated[str, matching(f"({PRINCIPAL})?", "the ARN of an IAM role, or nothing")] = ""
    """The ARN of the role whose requests may have ids that begin with `prove-`; empty for nobody. The stage then has a
    managed policy, which its output `ProvePolicy` names: attach it to the role."""


class MonitoringSettings(Table):
    """Monitoring."""

    emulated: bool = False
    """Whether to leave out resources that the embedded cloud lacks: alarms over several metrics, saved queries."""


class StageFile(Table):
    """A stage, as its file and the defaults describe it."""

    base_url: Annotated[
        str,
        Rule(
            "an https URL, or an http one of localhost, with {api_id} as its only placeholder; empty for the API's own",
            lambda value: re.fullmatch(f"({_BASE_URL})?", value.replace(_API_ID, "api-id")) is not None,
        ),
    ] = ""
    """The base of all links in messages; `{api_id}` becomes the id of the API. Empty for the domain under `[api]`, or
    for AWS's own URL."""
    ledger: LedgerSettings
    hand_off: HandOffSettings
    functions: FunctionSettings
    throttles: ThrottleSettings
    mail: MailSettings
    workflows: Mapping[Name, WorkflowSettings]
    """The durable workflows, by the names that requests use."""
    app: AppSettings = AppSettings()
    account: AccountSettings | None = None
    """`make deploy` refuses any other account and region, and a protected stage without this table."""
    api: ApiSettings = ApiSettings()
    audit: AuditSettings = AuditSettings()
    brand: BrandSettings = BrandSettings()
    alarms: AlarmSettings = AlarmSettings()
    directory: DirectorySettings = DirectorySettings()
    encryption: EncryptionSettings = EncryptionSettings()
    people: PeopleSettings = PeopleSettings()
    policies: Mapping[Name, Annotated[tuple[PolicyRow, ...], NOT_EMPTY]] = {}
    """Who approves which amount, by the name of the workflow. Without rows, requests name their approvers."""
    channels: Mapping[str, Mapping[str, str]] = {}
    """The settings of an extension's channel, by the channel's name."""
    providers: Mapping[ProviderName, ProviderSettings] = {}
    """The providers that post to `/webhooks/<name>`, by that name."""
    keep_events_days: Annotated[int, between(0, 365, "days")] = Field(
        30, validation_alias=AliasPath("providers", KEEP_EVENTS_DAYS)
    )
    """How many days verified webhooks of all providers are kept, so that an operator can replay them; 0 keeps none. A
    change counts for kept ones too."""
    partners: Mapping[Name, PartnerSettings] = {}
    """Providers whose events come over EventBridge, by the name that payments use for them."""
    payments: PaymentSettings = PaymentSettings()
    prove: ProveSettings = ProveSettings()
    requests: RequestSettings = RequestSettings()
    callers: Mapping[RoleArn, CallerSettings] = {}
    """The limits of callers, by the ARN of their role in quotes."""
    monitoring: MonitoringSettings = MonitoringSettings()
    patterns: PatternSettings | None = None
    """The callback patterns. A stage without this table deploys none of them."""
    sweeper: SweeperSettings = SweeperSettings()
    limits: LimitSettings

    @property
    def every_workflow(self) -> Mapping[str, WorkflowSettings]:
        """The durable workflows, including the patterns, by name."""
        return {**self.workflows, **(self.patterns.workflows if self.patterns else {})}

    @field_validator("base_url")
    @classmethod
    def _without_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @field_validator("providers", mode="before")
    @classmethod
    def _of_each(cls, value: Any) -> Any:
        """Leave out the key of all providers, which `keep_events_days` reads."""
        if not isinstance(value, dict):
            return value
        return {name: each for name, each in value.items() if name != KEEP_EVENTS_DAYS}

    @field_validator("workflows")
    @classmethod
    def _enabled(cls, value: Mapping[str, WorkflowSettings]) -> Mapping[str, WorkflowSettings]:
        return {name: workflow for name, workflow in value.items() if workflow.enabled}


class Settings(StageFile):
    """A stage that can be deployed."""

    stage: str
    """Its name, that of its file."""
    folder: Path
    """The folder of its file, and of its logo."""
    restored_table: str = ""
    """Name of the ledger's table while no stack contains it (docs/recovery.md); empty for the stacks' own table."""

    @property
    def prefix(self) -> str:
        """The beginning of its names in AWS. Neither part has a hyphen, so no two stages or forks share a prefix."""
        return f"{self.title}-"

    @property
    def title(self) -> str:
        """Its name among all stages and forks of an account and region."""
        return f"{self.app.name}-{self.stage}"

    @property
    def workflow_stacks(self) -> Mapping[str, Mapping[str, WorkflowSettings]]:
        """The workflows of each stack that has any, by the stack's name without the prefix.

        The kit's workflows and the patterns have one stack each. The others are spread over up to four, by name.
        """
        stacks: dict[str, dict[str, WorkflowSettings]] = {"workflow": {}}
        if self.patterns:
            stacks["patterns"] = dict(self.patterns.workflows)
        for name, workflow in self.workflows.items():
            stacks.setdefault("workflow" if name in _kit() else share_of(name), {})[name] = workflow
        return dict(sorted(stacks.items()))

    @property
    def extensions(self) -> Extensions:
        """The extensions that the stage names.

        Raises:
            ExtensionError: One of them cannot be deployed.
        """
        by_webhook, by_bus = self.providers.values(), self.partners.values()
        return Extensions.named(
            schemes=[*(each.scheme for each in by_webhook), *(each.scheme for each in by_bus)],
            functions=[(workflow.function, workflow.module) for workflow in self.workflows.values()],
            channels=[self.mail.channel],
        )

    @property
    def unsigned_providers(self) -> frozenset[str]:
        """The providers that sign nothing, by name."""
        return frozenset(name for name, each in self.providers.items() if isinstance(provider(each.scheme), Unsigned))

    @property
    def looks_function(self) -> str:
        """The name of the function that asks providers; no workflow has it, since their names have no underscore."""
        return f"{self.prefix}provider_looks"

    @property
    def has_encrypted_answers(self) -> bool:
        """Whether any workflow may ask for encrypted answers."""
        return any(workflow.encrypted for workflow in self.every_workflow.values())

    @classmethod
    def load(cls, path: Path) -> Settings:
        """Read a stage's file over the defaults, and check the result.

        Args:
            path: `settings/<stage>.toml`.

        Raises:
            SettingsError: The file is missing or not TOML, or keys in it are unknown, missing, of another type, out of
                range or contradict each other.
            ExtensionError: A provider that it names cannot be deployed.
        """
        text, written = _read(path)
        return cls._of(path, _file(path, text, written, _contradictions))

    @classmethod
    def to_deploy(cls, path: Path, *, base_url: str = "", sender: str = "", alarm_email: str = "") -> Settings:
        """Read a stage for synthesis. Placeholders are refused, except in the stage `local`; see `load`.

        Args:
            path: `settings/<stage>.toml`.
            base_url: The base URL in place of the file's; empty for the file's.
            sender: The sender of mail, likewise.
            alarm_email: The receiver of alarms, likewise.
        """
        text, written = _read(path)
        given = {"base_url": base_url, "mail": {"sender": sender}, "alarms": {"email": alarm_email}}
        in_an_account = () if path.stem == EMBEDDED else (placeholders,)
        checks = (_contradictions, partial(_check_logo, path.parent), *in_an_account)
        return cls._of(path, _file(path, text, merged(written, _filled(given)), *checks))

    @classmethod
    def _of(cls, path: Path, file: StageFile) -> Settings:
        """Add the stage's name and folder to a file that was checked."""
        return cls.model_construct(stage=path.stem, folder=path.parent, **dict(file))


@cache
def _kit() -> frozenset[str]:
    """Return the names of the kit's own workflows."""
    return frozenset(tomllib.loads(DEFAULTS.read_text(encoding="utf-8"))["workflows"])


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return one document over another: tables are merged key by key, other values are replaced."""
    return {
        **below,
        **{
            name: merged(below[name], value) if isinstance(value, dict) and isinstance(below.get(name), dict) else value
            for name, value in above.items()
        },
    }


def _filled(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document without empty values and empty tables."""
    values = {name: _filled(value) if isinstance(value, dict) else value for name, value in document.items()}
    return {name: value for name, value in values.items() if value}


def _file(
    path: Path, text: str, written: Mapping[str, Any], *checks: Callable[[StageFile], Iterator[Problem]]
) -> StageFile:
    """Return the content of a stage's file over the defaults, if no check finds a problem."""
    document = merged(tomllib.loads(DEFAULTS.read_text(encoding="utf-8")), written)
    file = checked(StageFile, document, path, text)
    problems = [problem for check in checks for problem in check(file)]
    if problems:
        raise SettingsError(path, problems, text)
    return file.model_copy(update={"base_url": file.api.base_url or file.base_url})


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    """Return the text of a stage's file and its parsed content."""
    stages = sorted(file.stem for file in path.parent.glob("*.toml"))
    if path.stem not in stages:
        allowed = f"a stage with a settings file: {', '.join(stages) or 'none yet'}"
        raise SettingsError(path, [Problem("", None, allowed, f"choose one of these, or write {path.name}")])
    if re.fullmatch(r"[a-z][a-z0-9]{0,9}", path.stem) is None:
        allowed = "a stage name of at most 10 lower-case letters and digits, a letter first"
        raise SettingsError(path, [Problem("stage", path.stem, allowed, "rename the file")])
    try:
        text = path.read_text(encoding="utf-8")
        return text, tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(path, [Problem("", "not TOML", "TOML 1.0", f"correct this: {error}")]) from error


def _contradictions(file: StageFile) -> Iterator[Problem]:
    yield from check_api(file.api, file.base_url)
    yield from check_brand(file.brand)
    yield from check_workflows(file.workflows, file.patterns)
    if file.functions.tracing_layer and not file.functions.tracing:
        allowed = "nothing, unless tracing = true: the layer sends its spans to X-Ray"
        fix = "turn tracing on, or remove the layer"
        yield Problem("functions.tracing_layer", file.functions.tracing_layer, allowed, fix)
    yield from check_partners(file.partners)
    for table, sources in (("providers", file.providers), ("partners", file.partners)):
        for name, source in sources.items():
            yield from check_events(f"{table}.{name}", source, protected=file.ledger.protected)
    yield from check_looks(file.providers)
    if file.ledger.protected and PROVIDER in file.providers:
        allowed = "a stage that is not protected: the provider signs payments that nobody made"
        yield Problem(f"providers.{PROVIDER}", PROVIDER, allowed, "remove it, or give the provider another name")
    asking = file.workflows.get(HELD_PAYMENT)
    yield from check_operators(file.payments.operators, HELD_PAYMENT, asks=asking is not None and not asking.retired)
    yield from _check_channel(file.mail.channel, file.channels)
    yield from _check_reply_to(file.mail)
    yield from _check_limit("review", file.limits.review)
    yield from _check_limit("callbacks", file.limits.callbacks)
    yield from check_policies(file.policies, {name: each.longest for name, each in file.workflows.items()})
    yield from check_callers(file.callers, file.every_workflow, file.policies)


def _check_logo(folder: Path, file: StageFile) -> Iterator[Problem]:
    if file.brand.logo:
        yield from check_logo(folder / file.brand.logo)


def placeholders(file: StageFile) -> Iterator[Problem]:
    """Report values that are not filled in. A stage with them deploys, and loses its first mail or alarm."""
    reserved = "is reserved for examples and tests, and neither sends nor receives mail"
    used = {"sender": (file.mail.sender,), "identities": file.mail.identities} if file.mail.is_sent else {}
    for key, values in used.items():
        for value in filter(is_reserved, values):
            allowed = f"an SES identity of your account; {value.rpartition('@')[2]} {reserved}"
            fix = "write your verified identity" + (", or give --context sender=ADDRESS" if key == "sender" else "")
            yield Problem(f"mail.{key}", value, allowed, fix)
    if file.ledger.protected and not file.alarms.email:
        allowed = "an e-mail address, because the stage is protected: without a receiver, alarms reach nobody"
        fix = "write the address of the engineer on call, or give --context alarm_email=ADDRESS"
        yield Problem("alarms.email", file.alarms.email, allowed, fix)


def is_reserved(identity: str) -> bool:
    """Tell whether an address or a domain is one of RFC 2606, which nobody can own."""
    domain = identity.rpartition("@")[2].lower()
    return re.fullmatch(r"(.+\.)?(example(\.(com|net|org))?|test|invalid|localhost)", domain) is not None


def _check_channel(name: str, channels: Mapping[str, Mapping[str, str]]) -> Iterator[Problem]:
    """Report an unknown channel, settings that it does not read, and settings that it lacks."""
    found = channel(name)
    if found is None and name not in CHANNELS:
        allowed = f"one of {', '.join(CHANNELS)}, or a module of extensions/channels"
        yield Problem("mail.channel", name, allowed, f"correct the name, or write extensions/channels/{name}.py")
    for other in sorted(channels.keys() - ({name} if found else set())):
        allowed = "only the table of the extension that `channel` under [mail] names"
        yield Problem(f"channels.{other}", dict(channels[other]), allowed, "remove it, or name it")
    needed, given = found.settings if found else frozenset(), channels.get(name, {})
    for key in sorted(needed ^ given.keys()) if found else ():
        allowed = f"exactly {', '.join(sorted(needed)) or 'none'}"
        fix = "add it" if key in needed else "remove it"
        yield Problem(f"channels.{name}.{key}", given.get(key), allowed, fix)


def _check_reply_to(mail: MailSettings) -> Iterator[Problem]:
    if mail.reply_to and not same_domain(normalise(mail.reply_to), normalise(mail.sender)):
        domain = mail.sender.rpartition("@")[2]
        allowed = f"an address of {domain}, the sender's domain, since mail programs warn of another"
        yield Problem("mail.reply_to", mail.reply_to, allowed, "correct it, or leave it out")


def _check_limit(name: str, limit: Limit) -> Iterator[Problem]:
    if limit.per_token > limit.per_source:
        allowed = f"at most {limit.per_source}, the value of per_source: its requests also count for the network"
        yield Problem(f"limits.{name}.per_token", limit.per_token, allowed, "lower it, or raise per_source")
