"""Providers of a stage: `[providers.<name>]`, `[partners.<name>]`, and `[payments]`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from countersign.providers.adyen import LIVE_PREFIX
from countersign.providers.base import Look, Unsigned, schemes
from stacks.stage.extensions import provider
from stacks.stage.fields import Address, Rule, Table, matching, one_of
from stacks.stage.problems import Problem

MOST_OPERATORS = 20
"""The limit of an approval."""

PARTNER_SCHEMES = ("stripe",)
"""The schemes that read the detail of a partner's event as it is: https://docs.stripe.com/event-destinations/eventbridge.

Shopify wraps its events; the others post webhooks.
"""

KEEP_EVENTS_DAYS = "keep_events_days"
"""The one key of [providers] that is no provider's name."""

ProviderName = Annotated[
    str,
    matching(
        rf"(?!{KEEP_EVENTS_DAYS}$)[a-z][a-z0-9_-]{{0,62}}",
        "a name of at most 63 lower-case letters, digits, _ and -, a letter first",
    ),
]


class EventSettings(Table):
    """Which events of a provider count. Other events are ignored: never applied, held or parked.

    Each scheme reads some of these keys. A key that the scheme does not read is refused.
    """

    live: bool = True
    """The mode whose events count: `true` for live, `false` for test mode. An event without a mode is of live mode."""
    declined: Annotated[str, one_of(("attempt", "final"))] = "attempt"
    """The effect of a declined attempt to pay: `attempt`, the payment waits on; `final`, it ends."""
    unmatched: Annotated[str, one_of(("park", "ignore"))] = "park"
    """How to handle an event whose external id no task has: `park` keeps it until a task opens, `ignore` drops it."""
    account: Annotated[str, matching(r"[A-Za-z0-9_-]{0,100}", "an id such as acct_1032D82eZvKYlo2C")] = ""
    """Stripe Connect: the connected account; empty for events that have none. Square: the seller's `merchant_id`.
    Mollie: the profile, such as `pfl_QkEhN94Ba`; empty for the API key's."""
    merchant_account: Annotated[str, matching(r"[A-Za-z0-9_-]{0,80}", "the name of a merchant account")] = ""
    """Adyen: the merchant account; empty for any."""
    live_prefix: Annotated[str, matching(rf"({LIVE_PREFIX})?", "a prefix such as 1797a841fbb37ca7-Acme")] = ""
    """Adyen: the company's prefix of live URLs, which `look` needs in live mode."""
    repository: Annotated[str, matching(r"([\w.-]{1,100}/[\w.-]{1,100})?", "a repository as owner/name")] = ""
    """GitHub: `owner/name`; empty for any."""
    app: Annotated[str, matching(r"\d{0,20}", "the id of a GitHub App, in digits")] = ""
    """GitHub: the id of the app whose check runs count; empty for any."""
    shop: Annotated[
        str, matching(r"([a-z0-9][a-z0-9-]{0,80}\.myshopify\.com)?", "a shop's domain such as acme.myshopify.com")
    ] = ""
    """Shopify: the shop's `myshopify.com` domain; empty for any."""

    @property
    def expects(self) -> Mapping[str, Any]:
        """The values that differ from the defaults, as the function reads them."""
        changed = self.model_dump(include=set(EventSettings.model_fields), exclude_defaults=True)
        accounts = {name: changed.pop(name) for name in _ACCOUNTS if name in changed}
        return changed | ({"accounts": accounts} if accounts else {})


_ANYBODYS = ("merchant_account", "repository", "app", "shop")
"""Settings that accept events of every account that shares the provider's secret while they are empty."""

_ACCOUNTS = ("account", "live_prefix", *_ANYBODYS)


class ProviderSettings(EventSettings):
    """A provider that posts webhooks to `/webhooks/<name>`."""

    scheme: Annotated[
        str,
        matching(r"[a-z][a-z0-9_]*", "the name of a module of countersign.providers: lower-case letters, digits, _"),
    ]
    """How to verify and translate its events: a module of `countersign.providers` or of `extensions/providers/`."""
    look: bool = False
    """Whether the stage asks the provider how a payment stands, with an API key of its own. Required for a
    scheme whose webhooks are unsigned, such as `mollie`."""


class PartnerSettings(EventSettings):
    """A provider whose events come over a partner event source of EventBridge."""

    scheme: Annotated[
        str,
        Rule(
            f"a scheme that reads an event's detail as EventBridge delivers it: {', '.join(PARTNER_SCHEMES)}",
            lambda scheme: scheme in PARTNER_SCHEMES,
            {"enum": list(PARTNER_SCHEMES)},
        ),
    ]
    """How to translate its events."""
    event_source: Annotated[
        str,
        matching(
            r"(?=.{1,256}$)aws\.partner(/[A-Za-z0-9._-]+){2,}",
            "the name of a partner event source, such as aws.partner/stripe.com/ed_1001",
        ),
    ]
    """The event source that the partner made for this account and region."""


class PaymentSettings(Table):
    """Payments at providers."""

    operators: tuple[Address, ...] = ()
    """The people who resolve held payment events, for example one with another amount. The first answer counts."""


def check_partners(partners: Mapping[str, PartnerSettings]) -> Iterator[Problem]:
    """Report event sources that two partners name."""
    first: dict[str, str] = {}
    for name, partner in partners.items():
        other = first.setdefault(partner.event_source, name)
        if other != name:
            allowed = f"an event source of its own: partners.{other} has this one"
            key = f"partners.{name}.event_source"
            yield Problem(key, partner.event_source, allowed, "name another, or remove one of the two")


def check_events(key: str, source: ProviderSettings | PartnerSettings, *, protected: bool) -> Iterator[Problem]:
    """Report an unknown scheme, settings it does not read and, if protected, the lack of settings of the account."""
    found = provider(source.scheme)
    if found is None:
        allowed = f"one of {', '.join(schemes())}, or a module of extensions/providers"
        fix = f"correct the name, or write extensions/providers/{source.scheme}.py"
        yield Problem(f"{key}.scheme", source.scheme, allowed, fix)
        return
    changed = {**source.expects, **source.expects.get("accounts", {})}
    for name in sorted(changed.keys() - found.settings - {"unmatched", "accounts"}):
        allowed = f"one of {', '.join(sorted(found.settings | {'unmatched'}))} for the scheme {source.scheme}"
        yield Problem(f"{key}.{name}", changed[name], allowed, "remove it, or correct the scheme")
    for name in _ANYBODYS:
        if protected and name in found.settings and not getattr(source, name):
            allowed = f"the {name} whose events count: in a protected stage the provider's secret alone is not enough"
            yield Problem(f"{key}.{name}", None, allowed, f'add {name} = "…" to [{key}]')


def check_looks(providers: Mapping[str, ProviderSettings]) -> Iterator[Problem]:
    """Report providers with `look` whose scheme has no API for it, and without it where the scheme signs nothing."""
    for name, source in providers.items():
        found = provider(source.scheme)
        if source.look and found is not None and not isinstance(found, Look):
            allowed = f"false: no API of {source.scheme} reads a payment by the id that its events name"
            yield Problem(f"providers.{name}.look", True, allowed, "remove it")  # noqa: FBT003  the setting's value
        if source.look and source.live and found and "live_prefix" in found.settings and not source.live_prefix:
            allowed = "the company's prefix of live URLs: Customer Area, Developers, API URLs"
            fix = f"add it to [providers.{name}]"
            yield Problem(f"providers.{name}.live_prefix", None, allowed, fix)
        if isinstance(found, Unsigned) and not source.look:
            allowed = f"true: {source.scheme} signs nothing, so the kit asks it for each payment that it names"
            yield Problem(f"providers.{name}.look", False, allowed, f"add look = true to [providers.{name}]")  # noqa: FBT003


def check_operators(operators: tuple[str, ...], workflow: str, *, asks: bool) -> Iterator[Problem]:
    """Report operators without the workflow that asks them, that workflow without operators, and duplicates."""
    if bool(operators) != asks:
        allowed = f"addresses if [workflows.{workflow}], which asks them, is deployed and not retired, and else none"
        fix = (
            f"name the people who resolve held payments, or write enabled = false under [workflows.{workflow}]"
            if asks
            else f"deploy [workflows.{workflow}], or remove them"
        )
        yield Problem("payments.operators", list(operators), allowed, fix)
    distinct = {operator.casefold() for operator in operators}
    if len(operators) > MOST_OPERATORS or len(distinct) < len(operators):
        allowed = f"at most {MOST_OPERATORS} addresses, without duplicates"
        yield Problem("payments.operators", list(operators), allowed, "correct the list")
