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
from typing import Any

from stacks.stage.extensions import Extensions, provider
from stacks.stage.patterns import ENCRYPTED, FOLDER, ON_THE_LEDGER, ON_THE_RAW_SDK
from stacks.stage.policies import PolicyRow, check_policies
from stacks.stage.settings_file import Rule, SettingsError, between, matching, named, one_of, read, setting, table

MAX_DEADLINE_SECONDS = 31_536_000
"""The longest deadline of a request: 365 days."""

MAX_EXECUTION_TIMEOUT_SECONDS = 31_622_400
"""Lambda's limit, 366 days: https://docs.aws.amazon.com/lambda/latest/dg/durable-configuration.html."""

EXECUTION_MARGIN_SECONDS = 3_600
"""What an execution keeps after its last deadline, to read the ledger and record the result."""

HELD_PAYMENT = "held-payment"
"""Name of the workflow that asks operators about held payment events."""

MOST_OPERATORS = 20
"""As many as an approval may ask."""

CHANNEL_NAMES = ("email", "sns")
"""What can carry messages to approvers."""

PARTNER_SCHEMES = ("stripe",)
"""The schemes that read the detail of a partner's event as it is: https://docs.stripe.com/event-destinations/eventbridge.

Shopify wraps its events; the others post webhooks.
"""

_EXECUTION_TIMEOUT = between(60, MAX_EXECUTION_TIMEOUT_SECONDS, "seconds")
_RETENTION = between(1, 90, "days")
_DEADLINE = between(1, MAX_DEADLINE_SECONDS, "seconds")
_API_ID = "{api_id}"
_LOG_RETENTION_DAYS = (1, 3, 7, 14, 30, 90, 180, 365, 731, 1827, 3653)
_ADDRESS = r"[^@\s]+@[^@\s]+\.[^@\s]+"
_DOMAIN = matching(r"[a-z0-9-]+(\.[a-z0-9-]+)*", "a domain in lower case, such as example.com")
_BASE_URL = Rule(
    "an https URL, or an http one of localhost, with {api_id} as its only placeholder; empty for the API's own",
    lambda value: not value or _is_base_url(value),
)
_PROVIDER_NAMES = matching(
    r"[a-z][a-z0-9_-]{0,62}", "a name of at most 63 lower-case letters, digits, _ and -, a letter first"
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
class EncryptionSettings:
    """Under whose keys of KMS the stage's data is.

    Attributes:
        customer_keys: Whether a key of the account's own takes the place of those that AWS keeps: for tables, queues,
            logs, secrets, topics, the archive of events, and what durable executions remember.
    """

    customer_keys: bool = False


@dataclass(frozen=True)
class PeopleSettings:
    """Rights of people in the account.

    Attributes:
        deny_callbacks: Whether the stage has a managed policy that denies completing callbacks, to attach to people's
            roles and permission sets.
    """

    deny_callbacks: bool = False


@dataclass(frozen=True)
class DirectorySettings:
    """What is known of people.

    Attributes:
        separate_tags: Whether addresses that differ in their subaddress only, such as `rita+shop@…` and `rita@…`, are
            different people. Most mail systems deliver both to one mailbox: then nobody must vote under both.
    """

    separate_tags: bool = False


@dataclass(frozen=True)
class AuditSettings:
    """The copy of the audit on S3.

    Attributes:
        object_lock_days: How long nobody can change or delete the copy of an entry; 0 for no copy. It holds what is
            written from when it is turned on.
    """

    object_lock_days: int = setting(between(0, 36_500, "days"), default=0)


@dataclass(frozen=True)
class HandOffSettings:
    """The hand-off bus.

    Attributes:
        archive_days: How long its events can be replayed; 0 for no archive.
    """

    archive_days: int = setting(between(0, 3_650, "days"))


@dataclass(frozen=True)
class SweeperSettings:
    """What looks for things that did not happen in time.

    Attributes:
        every_minutes: How often it looks.
        grace_seconds: How long after its time something is overdue: by then a decision is applied, a deadline has
            closed its task, a request has started. Once it was mended, it has as long again before an alarm rings.
    """

    every_minutes: int = setting(between(1, 60, "minutes"), default=5)
    grace_seconds: int = setting(between(60, 86_400, "seconds"), default=300)


@dataclass(frozen=True)
class FunctionSettings:
    """What all functions have in common.

    Attributes:
        log_retention_days: How long logs are kept, the access log of the API included.
        tracing: Whether X-Ray traces them.
        tracing_layer: ARN of a version of the AWS Distro for OpenTelemetry's Lambda layer, of the region and of arm64:
            with it, the traces of workflows show each durable operation. Empty for none.
    """

    log_retention_days: int = setting(one_of(_LOG_RETENTION_DAYS))
    tracing: bool = False
    tracing_layer: str = setting(
        matching(
            r"(arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:layer:[A-Za-z0-9_-]+:\d+)?",
            "the ARN of a layer's version, or nothing",
        ),
        default="",
    )


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
        webhooks: What providers post, all of them together.
        callbacks: What machines answer, for each way to answer.
    """

    default: Throttle
    requests: Throttle
    review: Throttle
    webhooks: Throttle
    callbacks: Throttle


@dataclass(frozen=True)
class Limit:
    """How much one network may ask in a minute.

    Attributes:
        per_source: A /24 of IPv4 or a /48 of IPv6, whoever is in it: generous, since a whole company's gateway, a
            mobile carrier or a mail scanner may be one.
        per_token: One token from one network: a person, or a machine, by itself.
    """

    per_source: int = setting(between(1, 1_000_000, "requests a minute"))
    per_token: int = setting(between(1, 1_000_000, "requests a minute"))


@dataclass(frozen=True)
class LimitSettings:
    """What the public may ask of the API, each network by itself.

    Attributes:
        review: The pages: `/review`, `/delegate` and `/inbox` together.
        callbacks: What machines answer, whichever way. Many workers may share one gateway.
        public_concurrency: How many of each of the two public functions, `review` and `webhook`, may run at once; 0 for
            as many as the account allows. It is reserved: Lambda takes it only where the account keeps 100 for all
            other functions, and new accounts have 10 in all.
    """

    review: Limit = Limit(per_source=600, per_token=60)
    callbacks: Limit = Limit(per_source=6_000, per_token=300)
    public_concurrency: int = setting(between(0, 10_000, "invocations at once"), default=0)


@dataclass(frozen=True)
class RequestSettings:
    """What the stage asks of those who call `POST /requests`.

    Attributes:
        requester: Who the requester of a request is: `input`, whoever its input names; `caller`, the name of the
            session in which the caller uses their role, which must be an e-mail address. An input may leave its
            requester out then, and may name nobody else.
        approver_domains: The domains, without their sub-domains, of the approvers that requests may name. None: any.
    """

    requester: str = setting(one_of(("input", "caller")), default="input")
    approver_domains: tuple[str, ...] = setting(_DOMAIN, default=())


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
class PaymentSettings:
    """Payments that providers take.

    Attributes:
        operators: Addresses of those who settle what a provider says and no machine may act on; the first of them to
            answer does. Nobody: such events are announced on the bus, and nothing else happens.
    """

    operators: tuple[str, ...] = setting(matching(_ADDRESS, "an e-mail address"), default=())


@dataclass(frozen=True)
class AlarmSettings:
    """Who hears alarms.

    Attributes:
        email: An address that is subscribed to the alarm topic; empty for none.
    """

    email: str = setting(matching(f"({_ADDRESS})?", "an e-mail address, or nothing"), default="")


@dataclass(frozen=True)
class MonitoringSettings:
    """What is deployed to watch the rest.

    Attributes:
        emulated: Whether what the embedded cloud has not is left out: alarms over several workflows, and saved queries.
    """

    emulated: bool = False


@dataclass(frozen=True)
class WorkflowSettings:
    """One durable workflow.

    Attributes:
        function: Its folder under `lambdas/`.
        module: The module of that folder whose `handler` is the entry point.
        execution_timeout_seconds: How long Lambda lets an execution live. It bounds the deadline that a request may ask
            for: later deadlines are cut to it, less the margin.
        retention_days: How long Lambda keeps the history of a closed execution.
        deadline_seconds: The deadline of a request that names none.
        contract: Name of its input's schema in our library, without `.input.json`; empty for the workflow's own name.
            Workflows that share a function share this too.
        encrypted: Whether it may ask for encrypted answers. The stage then has a key of KMS for them.
    """

    function: str = setting(matching(r"[a-z][a-z0-9_]*", "a folder name under lambdas/: lower-case letters, digits, _"))
    execution_timeout_seconds: int = setting(_EXECUTION_TIMEOUT)
    retention_days: int = setting(_RETENTION)
    deadline_seconds: int = setting(_DEADLINE)
    module: str = setting(
        matching(r"[a-z][a-z0-9_]*", "the name of a module, without .py: lower-case letters, digits, _"),
        default="handler",
    )
    contract: str = setting(
        matching(r"[a-z][a-z0-9-]*", "the name of an input's schema: lower-case letters, digits, -"), default=""
    )
    encrypted: bool = False

    @property
    def longest(self) -> int:
        """The longest deadline that it can keep, in seconds."""
        return self.execution_timeout_seconds - EXECUTION_MARGIN_SECONDS


@dataclass(frozen=True)
class PatternSettings:
    """The callback patterns, all of them.

    Attributes:
        execution_timeout_seconds: As that of a workflow, for each; so are the others.
        retention_days: How long Lambda keeps the history of a closed execution.
        deadline_seconds: The deadline of a request that names none.
    """

    execution_timeout_seconds: int = setting(_EXECUTION_TIMEOUT)
    retention_days: int = setting(_RETENTION)
    deadline_seconds: int = setting(_DEADLINE)

    @property
    def workflows(self) -> Mapping[str, WorkflowSettings]:
        """The settings of each pattern, by name."""
        return {
            name: WorkflowSettings(
                function=FOLDER,
                module=name.replace("-", "_"),
                execution_timeout_seconds=self.execution_timeout_seconds,
                retention_days=self.retention_days,
                deadline_seconds=self.deadline_seconds,
                encrypted=name == ENCRYPTED,
            )
            for name in (*ON_THE_LEDGER, *ON_THE_RAW_SDK)
        }


@dataclass(frozen=True, kw_only=True)
class EventSettings:
    """Which events of a provider act, and how. An event that does not is ignored: never applied, held or parked.

    Each scheme reads some of these (its `settings`); another than the default is refused where it reads none.

    Attributes:
        live: Whether events of live mode act, or those of test mode. An event that carries no mode is of live mode.
        declined: What a declined attempt to pay is: an `attempt`, after which the payment waits on, or `final`, for a
            processor that allows one attempt only.
        unmatched: What becomes of an event whose external id belongs to no task: `park` it until a task is opened, or
            `ignore` it, where most payments of the account are none of the kit's.
        account: Of Stripe Connect, the connected account; empty for events that have none. Of Square, the seller's
            `merchant_id`; empty for any.
        merchant_account: Of Adyen; empty for any.
        repository: Of GitHub, `owner/name`; empty for any.
        app: Of GitHub, the id of the app whose check runs count; empty for any.
        shop: Of Shopify, its `myshopify.com` domain; empty for any.
    """

    live: bool = True
    declined: str = setting(one_of(("attempt", "final")), default="attempt")
    unmatched: str = setting(one_of(("park", "ignore")), default="park")
    account: str = setting(matching(r"[A-Za-z0-9_-]{0,100}", "an id such as acct_1032D82eZvKYlo2C"), default="")
    merchant_account: str = setting(matching(r"[A-Za-z0-9_-]{0,80}", "the name of a merchant account"), default="")
    repository: str = setting(matching(r"([\w.-]{1,100}/[\w.-]{1,100})?", "a repository as owner/name"), default="")
    app: str = setting(matching(r"\d{0,20}", "the id of a GitHub App, in digits"), default="")
    shop: str = setting(
        matching(r"([a-z0-9][a-z0-9-]{0,80}\.myshopify\.com)?", "a shop's domain such as acme.myshopify.com"),
        default="",
    )

    @property
    def expects(self) -> Mapping[str, Any]:
        """What differs from the defaults, as the function reads it."""
        changed = {
            item.name: value
            for item in dataclasses.fields(EventSettings)
            if (value := getattr(self, item.name)) != item.default
        }
        accounts = {name: changed.pop(name) for name in _ACCOUNTS if name in changed}
        return changed | ({"accounts": accounts} if accounts else {})


_ANYBODYS = ("merchant_account", "repository", "app", "shop")
"""Settings that expect events of anybody who has the provider's secret, while they are not set."""

_ACCOUNTS = ("account", *_ANYBODYS)


@dataclass(frozen=True)
class ProviderSettings(EventSettings):
    """Somebody who posts webhooks.

    Attributes:
        scheme: How it signs and what it says: the name of a module in our library's folder `providers`.
    """

    scheme: str = setting(
        matching(r"[a-z][a-z0-9_]*", "the name of a module of countersign.providers: lower-case letters, digits, _")
    )


@dataclass(frozen=True)
class PartnerSettings(EventSettings):
    """A provider whose events come over a partner event source of EventBridge.

    Attributes:
        scheme: What translates its events: one of `PARTNER_SCHEMES`.
        event_source: Name of the event source that the partner made for this account and region.
    """

    scheme: str = setting(
        Rule(
            f"a scheme that reads an event's detail as EventBridge brings it: {', '.join(PARTNER_SCHEMES)}",
            lambda scheme: scheme in PARTNER_SCHEMES,
        )
    )
    event_source: str = setting(
        matching(
            r"(?=.{1,256}$)aws\.partner(/[A-Za-z0-9._-]+){2,}",
            "the name of a partner event source, such as aws.partner/stripe.com/ed_1001",
        )
    )


@dataclass(frozen=True)
class Settings:
    """A stage.

    Attributes:
        stage: Its name, that of its file.
        base_url: Where the outside reaches the API, as links in mails have it, without a slash at the end; `{api_id}`
            in it becomes the id of the API at deploy. Empty for the API's own address.
        workflows: The durable workflows, by the name that requests know them by.
        policies: Who approves which amount, by the name of the workflow. Where a workflow has none, requests say so.
        providers: Who posts to `/webhooks/<name>`, by that name.
        partners: Providers whose events come over EventBridge, by the name that tasks are correlated under.
        payments: Payments that providers take.
        requests: What the stage asks of those who start requests.
        monitoring: What watches it.
        patterns: The callback patterns, for trying out; a stage without the table deploys none of them.
        sweeper: What looks for things that did not happen in time.
        limits: What the public may ask of the API.
    """

    stage: str
    ledger: LedgerSettings
    hand_off: HandOffSettings
    functions: FunctionSettings
    throttles: ThrottleSettings
    mail: MailSettings
    workflows: Mapping[str, WorkflowSettings]
    audit: AuditSettings = AuditSettings()
    alarms: AlarmSettings = AlarmSettings()
    directory: DirectorySettings = DirectorySettings()
    encryption: EncryptionSettings = EncryptionSettings()
    people: PeopleSettings = PeopleSettings()
    base_url: str = setting(_BASE_URL, default="")
    policies: Mapping[str, tuple[PolicyRow, ...]] = field(default_factory=dict)
    providers: Mapping[str, ProviderSettings] = named(_PROVIDER_NAMES, default_factory=dict)
    partners: Mapping[str, PartnerSettings] = field(default_factory=dict)
    payments: PaymentSettings = PaymentSettings()
    requests: RequestSettings = RequestSettings()
    monitoring: MonitoringSettings = MonitoringSettings()
    patterns: PatternSettings | None = None
    sweeper: SweeperSettings = SweeperSettings()
    limits: LimitSettings = LimitSettings()

    @property
    def every_workflow(self) -> Mapping[str, WorkflowSettings]:
        """The durable workflows, the patterns among them, by name."""
        return {**self.workflows, **(self.patterns.workflows if self.patterns else {})}

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
        )

    @property
    def has_encrypted_answers(self) -> bool:
        """Whether any workflow may ask for encrypted answers."""
        return any(workflow.encrypted for workflow in self.every_workflow.values())

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
            _check_deadline(f"workflows.{name}", workflow, path)
        if settings.patterns:
            _check_deadline("patterns", settings.patterns, path)
            _check_names(settings.workflows, settings.patterns, path)
        _check_tracing(settings.functions, path)
        _check_partners(settings.partners, path)
        for table_name, sources in (("providers", settings.providers), ("partners", settings.partners)):
            for name, source in sources.items():
                _check_events(f"{table_name}.{name}", source, settings.ledger, path)
        _check_operators(settings, path)
        _check_limit("review", settings.limits.review, path)
        _check_limit("callbacks", settings.limits.callbacks, path)
        check_policies(settings.policies, {name: item.longest for name, item in settings.workflows.items()}, path)
        return dataclasses.replace(settings, base_url=settings.base_url.rstrip("/"))


def _check_deadline(key: str, workflow: WorkflowSettings | PatternSettings, file: Path) -> None:
    least = workflow.deadline_seconds + EXECUTION_MARGIN_SECONDS
    if workflow.execution_timeout_seconds >= least:
        return
    raise SettingsError(
        file,
        f"{key}.execution_timeout_seconds",
        workflow.execution_timeout_seconds,
        f"at least {least}: deadline_seconds and {EXECUTION_MARGIN_SECONDS} more, to act on the deadline",
        "raise it, or lower deadline_seconds",
    )


def _check_tracing(functions: FunctionSettings, file: Path) -> None:
    if functions.tracing_layer and not functions.tracing:
        allowed = "nothing, unless tracing = true: without X-Ray the layer has nobody to send traces to"
        key, value = "functions.tracing_layer", functions.tracing_layer
        raise SettingsError(file, key, value, allowed, "turn tracing on, or remove the layer")


def _check_names(workflows: Mapping[str, WorkflowSettings], patterns: PatternSettings, file: Path) -> None:
    """Refuse workflows that are called as a pattern is: requests could start one of both only."""
    for name in patterns.workflows:
        if name in workflows:
            allowed = "a name that no pattern has, where the stage deploys the patterns"
            raise SettingsError(file, f"workflows.{name}", name, allowed, "rename it, or remove [patterns]")


def _check_partners(partners: Mapping[str, PartnerSettings], file: Path) -> None:
    named: dict[str, str] = {}
    for name, partner in partners.items():
        other = named.setdefault(partner.event_source, name)
        if other != name:
            allowed = f"an event source of its own: partners.{other} has this one"
            raise SettingsError(
                file,
                f"partners.{name}.event_source",
                partner.event_source,
                allowed,
                "name another, or remove one of both",
            )


def _check_events(key: str, source: ProviderSettings | PartnerSettings, ledger: LedgerSettings, file: Path) -> None:
    """Refuse settings that a scheme does not read; and in a protected stage, events of anybody."""
    found = provider(source.scheme)
    if found is None:  # refused where its module is looked for
        return
    read = found.settings
    changed = {**source.expects, **source.expects.get("accounts", {})}
    for name in sorted(changed.keys() - read - {"unmatched", "accounts"}):
        allowed = f"one of {', '.join(sorted(read | {'unmatched'}))} for the scheme {source.scheme}"
        raise SettingsError(file, f"{key}.{name}", changed[name], allowed, "remove it, or correct the scheme")
    for name in _ANYBODYS:
        if ledger.protected and name in read and not getattr(source, name):
            allowed = f"the {name} whose events act: in a protected stage the provider's secret alone does not tell"
            raise SettingsError(file, f"{key}.{name}", None, allowed, f'add {name} = "…" to [{key}]')


def _check_limit(name: str, limit: Limit, file: Path) -> None:
    if limit.per_token > limit.per_source:
        allowed = f"at most {limit.per_source}, which is per_source: a token's network is counted with it"
        raise SettingsError(file, f"limits.{name}.per_token", limit.per_token, allowed, "lower it, or raise per_source")


def _check_operators(settings: Settings, file: Path) -> None:
    """Refuse operators whom no workflow asks, and the workflow without anybody to ask."""
    operators, deployed = settings.payments.operators, HELD_PAYMENT in settings.workflows
    if bool(operators) != deployed:
        allowed = f"addresses where [workflows.{HELD_PAYMENT}] is deployed, which asks them, and none where it is not"
        fix = "name who settles held payments" if deployed else f"add [workflows.{HELD_PAYMENT}], or remove them"
        raise SettingsError(file, "payments.operators", list(operators), allowed, fix)
    distinct = {operator.casefold() for operator in operators}
    if len(operators) > MOST_OPERATORS or len(distinct) < len(operators):
        allowed = f"at most {MOST_OPERATORS} addresses, nobody twice"
        raise SettingsError(file, "payments.operators", list(operators), allowed, "correct the list")
