"""Settings: every mistake is refused with file, key, value, rule and fix."""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import fastjsonschema
import pytest

import countersign
from countersign.providers.base import Expected
from countersign.services.webhooks import Source
from operate.embedded.cloud import ROOT
from stacks.stage.problems import Problem, SettingsError
from stacks.stage.schema import FILE, schema
from stacks.stage.settings import RequestSettings, Settings, merged
from stacks.stage.workflows import MARGIN_SECONDS, MAX_DEADLINE_SECONDS, WorkflowSettings
from tests import SETTINGS

PRINTABLE = 'text in quotes, at most 64 printable characters, without < > @ " and \\'
HOST = "text in quotes, a host name in lower case, such as approvals.example.com, or nothing"
ZONE = '{ id = "Z1", name = "example.com" }'
CERTIFICATE = "arn:aws:acm:eu-central-1:111122223333:certificate/0a1b2c3d-0000-4000-8000-000000000000"

VALID = """
base_url = "https://ask.example.com/"

[ledger]
protected = true

[hand_off]
archive_days = 7

[functions]
log_retention_days = 14
tracing = false

[throttles]
review = { rate_per_second = 10, burst = 20 }

[mail]
sender = "approvals@example.com"

[alarms]
email = ""

[workflows]
approval.enabled = false
payment.enabled = false
held-payment.enabled = false
refund.enabled = false

[workflows.order-approval]
function = "order_approval"
execution_timeout_seconds = 7200
retention_days = 7
deadline_seconds = 3600
"""

MINE = {"sender": "approvals@ask.dev", "alarm_email": "oncall@ask.dev"}
"""The settings that a user adds before a deploy."""


def load(folder: Path, text: str = VALID, *, stage: str = "test", base_url: str = "") -> Settings:
    file = folder / f"{stage}.toml"
    file.write_text(text, encoding="utf-8")
    return Settings.to_deploy(file, base_url=base_url, **MINE) if base_url else Settings.load(file)


def problems(folder: Path, text: str) -> tuple[Problem, ...]:
    with pytest.raises(SettingsError) as refusal:
        load(folder, text)
    for line, each in zip(str(refusal.value).splitlines(), refusal.value.problems, strict=True):
        assert re.fullmatch(rf"{refusal.value.file}(:\d+)?: {re.escape(str(each))}", line)
    return refusal.value.problems


def refused(folder: Path, text: str) -> Problem:
    """Return the first mistake."""
    return problems(folder, text)[0]


@pytest.mark.parametrize("file", sorted((ROOT / "settings").glob("*.toml")), ids=str)
def test_every_settings_file_loads(file: Path) -> None:
    assert Settings.load(file).stage == file.stem


def test_the_stages_of_the_kit_allow_every_deadline_of_the_contract() -> None:
    for file in SETTINGS.glob("*.toml"):
        settings = Settings.load(file)
        timeouts = [workflow.execution_timeout_seconds for workflow in settings.workflows.values()]
        timeouts += [settings.patterns.execution_timeout_seconds] if settings.patterns else []
        assert min(timeouts) >= MAX_DEADLINE_SECONDS + MARGIN_SECONDS


def test_a_provider_is_a_name_and_a_scheme(tmp_path: Path) -> None:
    settings = load(tmp_path, VALID + '\n[providers.shop_in-france2]\nscheme = "stripe"\n')
    assert {name: provider.scheme for name, provider in settings.providers.items()} == {"shop_in-france2": "stripe"}
    assert (settings.providers["shop_in-france2"].expects, load(tmp_path).providers) == ({}, {})


@pytest.mark.parametrize(("written", "days"), [("", 30), ("keep_events_days = 0", 0), ("keep_events_days = 365", 365)])
def test_the_events_of_all_providers_are_kept_for_some_days(tmp_path: Path, written: str, days: int) -> None:
    text = f'{VALID}\n[providers]\n{written}\n[providers.pay]\nscheme = "stripe"\n'
    settings = load(tmp_path, text)
    assert (settings.keep_events_days, [*settings.providers]) == (days, ["pay"])


@pytest.mark.parametrize("days", [-1, 366, "a", True, 1.5])
def test_other_days_are_refused_under_their_key(tmp_path: Path, days: object) -> None:
    refusal = refused(tmp_path, f"{VALID}\n[providers]\nkeep_events_days = {json.dumps(days)}\n")
    assert (refusal.key, refusal.value) == ("providers.keep_events_days", days)
    assert refusal.allowed == "a whole number, 0 to 365 days"


def test_the_name_of_a_provider_has_the_form_of_the_payment_contract(tmp_path: Path) -> None:
    schema = Path(countersign.__file__).parent / "contracts" / "schemas" / "payment.input.json"
    pattern = json.loads(schema.read_text())["properties"]["provider"]["pattern"]
    for name in ("a", "a" * 63, "a-b_c9", "a" * 64, "Stripe", "9a", "_a", "-a"):
        text = f'{VALID}\n[providers.{name}]\nscheme = "stripe"\n'
        if re.search(pattern, name):
            assert name in load(tmp_path, text).providers
        else:
            assert refused(tmp_path, text).allowed.startswith(
                "a name of at most 63 lower-case letters, digits, _ and -"
            )


EXPECTING = """
[providers.pay]
scheme = "{scheme}"
{settings}
"""


def test_a_function_receives_only_the_settings_that_differ_from_the_defaults(tmp_path: Path) -> None:
    text = 'live = false\ndeclined = "final"\nunmatched = "ignore"\naccount = "acct_1"'
    settings = load(tmp_path, VALID + EXPECTING.format(scheme="stripe", settings=text))
    accounts = {"account": "acct_1"}
    expects = {"live": False, "declined": "final", "unmatched": "ignore", "accounts": accounts}
    assert settings.providers["pay"].expects == expects
    source = Source.of({"scheme": "stripe"} | expects)
    assert source == Source("stripe", Expected(live=False, declined_is_final=True, accounts=accounts), parks=False)


def test_a_partner_has_the_settings_of_a_provider(tmp_path: Path) -> None:
    partner = '\n[partners.stripe]\nscheme = "stripe"\nevent_source = "aws.partner/stripe.com/ed_1"\n'
    assert load(tmp_path, f"{VALID}{partner}live = false\n").partners["stripe"].expects == {"live": False}
    assert refused(tmp_path, f'{VALID}{partner}shop = "a.myshopify.com"\n').key == "partners.stripe.shop"


def test_requests_are_not_restricted_by_default(tmp_path: Path) -> None:
    assert load(tmp_path).requests == RequestSettings()
    text = VALID + '[requests]\nrequester = "caller"\napprover_domains = ["example.com"]'
    assert load(tmp_path, text).requests == RequestSettings(requester="caller", approver_domains=("example.com",))
    for wrong in ('requester = "session"', 'approver_domains = ["Example.com"]', 'approver_domains = ["@example.com"]'):
        with pytest.raises(SettingsError, match=r"requests\."):
            load(tmp_path, f"{VALID}[requests]\n{wrong}")


def test_the_prover_is_a_role_and_its_provider_is_not_on_a_protected_stage(tmp_path: Path) -> None:
    assert load(tmp_path).prove.role == ""
    for role in ("arn:aws:iam::111122223333:role/aws-reserved/sso/P_1", "arn:aws:iam::000000000000:root"):
        assert load(tmp_path, f'{VALID}[prove]\nrole = "{role}"').prove.role == role
    for wrong in ("prover", "arn:aws:iam::111122223333:root", "arn:aws:sts::111122223333:assumed-role/P/s"):
        assert refused(tmp_path, f'{VALID}[prove]\nrole = "{wrong}"').key == "prove.role"
    provider = '[providers.prove]\nscheme = "standard_webhooks"\n'
    assert refused(tmp_path, VALID + provider).key == "providers.prove"
    assert load(tmp_path, VALID.replace("protected = true", "protected = false") + provider).providers.keys() == {
        "prove"
    }


WITH_HELD_PAYMENTS = VALID.replace("held-payment.enabled = false", "")


@pytest.mark.parametrize(
    ("added", "allowed"),
    [
        ("", "addresses if [workflows.held-payment], which asks them, is deployed"),
        ("[payments]\noperators = []", "addresses if [workflows.held-payment], which asks them, is deployed"),
        ('[payments]\noperators = ["finance"]', "each an e-mail address"),
        ('[payments]\noperators = "finance@example.com"', "a list of texts in quotes"),
        ('[payments]\noperators = ["a@example.com", "A@example.com"]', "without duplicates"),
        (f"[payments]\noperators = {[f'p{n}@example.com' for n in range(21)]}", "at most 20 addresses"),
    ],
)
def test_the_held_payment_workflow_needs_operators(tmp_path: Path, added: str, allowed: str) -> None:
    refusal = refused(tmp_path, WITH_HELD_PAYMENTS + added)
    assert refusal.key == "payments.operators"
    assert allowed in refusal.allowed


@pytest.mark.parametrize("asking", ["enabled = false", "retired = true"])
def test_operators_without_the_held_payment_workflow_are_refused(tmp_path: Path, asking: str) -> None:
    settings = VALID.replace("held-payment.enabled = false", f"held-payment.{asking}")
    load(tmp_path, settings)
    refusal = refused(tmp_path, settings + '[payments]\noperators = ["finance@example.com"]')
    assert (refusal.key, refusal.fix) == ("payments.operators", "deploy [workflows.held-payment], or remove them")


OPERATORS = '[payments]\noperators = ["finance@example.com"]\n'
OWN = "workflows.order-approval"
NAMED = 'function = "order_approval"'
REVIEW = "review = { rate_per_second = 10, burst = 20 }"
LAYER = "arn:aws:lambda:eu-central-1:901920570463:layer:aws-otel-python:2"
DAYS = "a whole number, 0 to 3650 days"
LOG_DAYS = "a whole number, one of 1, 3, 7, 14, 30, 90, 180, 365, 731, 1827, 3653"

ROLE = "arn:aws:iam::123456789012:role/agents/Helper"
OTHER_PATH = "arn:aws:iam::123456789012:role/helper"
AGENT = f'[callers."{ROLE}"]\nagent = true\n'
MARIA = 'approvers = ["maria@example.com"]\n'
ANY_EURO = '[[policies.approval]]\ncurrency = "EUR"\n'


def own(settings: Settings) -> WorkflowSettings:
    return settings.workflows["order-approval"]


@pytest.mark.parametrize(
    ("written", "instead", "read", "by_default", "then"),
    [
        ("[mail]", '[mail]\nidentities = ["example.com"]', lambda each: each.mail.identities, (), ("example.com",)),
        ("[mail]", '[mail]\nchannel = "sns"', lambda each: each.mail.channel, "email", "sns"),
        ("[mail]", "[sweeper]\nevery_minutes = 1\n[mail]", lambda each: each.sweeper.every_minutes, 5, 1),
        ("[mail]", "[sweeper]\ngrace_seconds = 3600\n[mail]", lambda each: each.sweeper.grace_seconds, 300, 3600),
        (NAMED, f'{NAMED}\ncontract = "payment"', lambda each: own(each).contract, "", "payment"),
        (
            *(NAMED, 'function = "patterns"\nmodule = "long_job"', lambda each: own(each).module),
            *("handler", "long_job"),
        ),
        (NAMED, f"{NAMED}\nencrypted = true", lambda each: each.has_encrypted_answers, False, True),
    ],
)
def test_a_missing_setting_has_its_default(
    tmp_path: Path, written: str, instead: str, read: Callable[[Settings], object], by_default: object, then: object
) -> None:
    assert (read(load(tmp_path)), read(load(tmp_path, VALID.replace(written, instead)))) == (by_default, then)


@pytest.mark.parametrize(
    ("written", "instead", "key", "value", "allowed"),
    [
        (
            *(NAMED, f'{NAMED}\ncontract = "../order"', f"{OWN}.contract", "../order"),
            "text in quotes, the name of an input's schema: lower-case letters, digits, -",
        ),
        (
            *(NAMED, f'{NAMED}\ncontract = "order"', f"{OWN}.contract", "order"),
            "the name of an input's schema, of the kit or of an extension",
        ),
        (
            *("[mail]", '[mail]\nchannel = "pigeon"', "mail.channel", "pigeon"),
            "one of email, slack, sns, or a module of extensions/channels",
        ),
        (
            *("[ledger]", '[app]\nname = "our-kit"\n\n[ledger]', "app.name", "our-kit"),
            "text in quotes, a name of at most 12 lower-case letters and digits, a letter first",
        ),
        ("protected = true", "protected = 1", "ledger.protected", 1, "true or false"),
        ("protected = true", "", "ledger.protected", None, "true or false"),
        ("protected = true", "protectd = true", "ledger.protectd", True, "one of protected"),
        ("[ledger]\nprotected = true", "", "ledger", None, "a table [ledger]"),
        (REVIEW, "review = 10", "throttles.review", 10, "a table [throttles.review]"),
        (REVIEW, REVIEW.replace("20", "0"), "throttles.review.burst", 0, "a whole number, 1 to 5000 requests"),
        (
            *("[hand_off]", "[audit]\nobject_lock_days = 36501\n[hand_off]", "audit.object_lock_days", 36_501),
            "a whole number, 0 to 36500 days",
        ),
        (
            *("[hand_off]", "[audit]\nkeep_days = 429\n[hand_off]", "audit.keep_days", 429),
            "a whole number, 0 for good, or 430 to 36500 days, because the audit must outlive its task",
        ),
        ("archive_days = 7", "archive_days = -1", "hand_off.archive_days", -1, DAYS),
        ("archive_days = 7", "archive_days = 7.5", "hand_off.archive_days", 7.5, DAYS),
        ("archive_days = 7", "archive_days = true", "hand_off.archive_days", True, DAYS),
        ("retention_days = 14", "retention_days = 15", "functions.log_retention_days", 15, LOG_DAYS),
        ("approvals@example.com", "approvals", "mail.sender", "approvals", "text in quotes, an e-mail address"),
        ("[mail]", "[mail]\nidentities = [1]", "mail.identities", [1], "a list of texts in quotes, each not empty"),
        ("[mail]", '[mail]\nidentities = [""]', "mail.identities", [""], "a list of texts in quotes, each not empty"),
        (f"[{OWN}]", f"[policies]\npayment = []\n[{OWN}]", "policies.payment", [], "tables [[policies.payment]]"),
        (
            *("tracing = false", 'tracing = false\ntracing_layer = "otel"', "functions.tracing_layer", "otel"),
            "text in quotes, the ARN of a layer's version, or nothing",
        ),
        (
            *("tracing = false", f'tracing = false\ntracing_layer = "{LAYER}"', "functions.tracing_layer", LAYER),
            "nothing, unless tracing = true: the layer sends its spans to X-Ray",
        ),
        ('email = ""', 'email = "nobody"', "alarms.email", "nobody", "text in quotes, an e-mail address, or nothing"),
        (
            *(NAMED, 'function = "depozit"', f"{OWN}.function", "depozit"),
            "a folder of lambdas/ or of extensions/workflows/",
        ),
        (
            *(NAMED, 'function = "../secrets"', f"{OWN}.function", "../secrets"),
            "text in quotes, a folder name under lambdas/: lower-case letters, digits, _",
        ),
        (
            *(f"[{OWN}]", "[workflows.Order_Approval]", "workflows", "Order_Approval"),
            "a name of at most 40 lower-case letters, digits and hyphens, a letter first",
        ),
        ("days = 7\ndead", "days = 91\ndead", f"{OWN}.retention_days", 91, "a whole number, 1 to 90 days"),
        (
            *("seconds = 7200", "seconds = 31622401", f"{OWN}.execution_timeout_seconds", 31_622_401),
            "a whole number, 60 to 31622400 seconds",
        ),
        (
            *("seconds = 7200", "seconds = 7199", f"{OWN}.execution_timeout_seconds", 7_199),
            "at least 7200: deadline_seconds and 3600 more, to act on the deadline",
        ),
        *(
            ("[mail]", f"[brand]\n{written}\n[mail]", f"brand.{key}", value, f"text in quotes, {allowed}")
            for written, key, value, allowed in (
                ('name = "a<b"', "name", "a<b", PRINTABLE.removeprefix("text in quotes, ")),
                ('accent = "red"', "accent", "red", "a colour in lower case, such as #1a56c4"),
                ('accent = "#FFFFFF"', "accent", "#FFFFFF", "a colour in lower case, such as #1a56c4"),
                ('logo = "../logo.png"', "logo", "../logo.png", "the name of a PNG file beside this file, or nothing"),
                ('logo = "logo.svg"', "logo", "logo.svg", "the name of a PNG file beside this file, or nothing"),
                (f'why = "{"w" * 201}"', "why", "w" * 201, "one line of at most 200 printable characters"),
            )
        ),
        (
            *("[mail]", '[brand]\naccent = "#ffd500"\n[mail]', "brand.accent", "#ffd500"),
            "a colour with a contrast of at least 4.5:1 on #ffffff and #f3f4f6; on #f3f4f6 this has 1.29:1",
        ),
        (*("[mail]", '[mail]\nname = "a\\nb"', "mail.name", "a\nb"), PRINTABLE),
        (*("[mail]", '[mail]\nname = "CEO <ceo@example.com>"', "mail.name", "CEO <ceo@example.com>"), PRINTABLE),
        (*("[mail]", f'[mail]\nname = "{"n" * 65}"', "mail.name", "n" * 65), PRINTABLE),
        (
            *("[mail]", '[mail]\nreply_to = "a@example.net"', "mail.reply_to", "a@example.net"),
            "an address of example.com, the sender's domain, since mail programs warn of another",
        ),
        *(
            ("[mail]", f"[api]\n{written}\n[mail]", f"api.{key}", value, allowed)
            for written, key, value, allowed in (
                ('domain = "https://a.dev"', "domain", "https://a.dev", HOST),
                ('domain = "Ask.example.com"', "domain", "Ask.example.com", HOST),
                ('domain = "localhost"', "domain", "localhost", HOST),
                (
                    *('domain = "ask.example.com"', "domain", "ask.example.com"),
                    "a host name together with hosted_zone or certificate_arn",
                ),
                (f'certificate_arn = "{CERTIFICATE}"', "domain", None, "the host name to serve"),
                (
                    f'domain = "ask.example.com"\nhosted_zone = {ZONE}\ncertificate_arn = "{CERTIFICATE}"',
                    *("certificate_arn", CERTIFICATE),
                    "nothing, because with hosted_zone the deploy creates a certificate",
                ),
                (
                    f'domain = "askexample.com"\nhosted_zone = {ZONE}',
                    *("hosted_zone.name", "example.com", "askexample.com, or a parent domain of it"),
                ),
                (
                    *('hosted_zone = { id = "/hostedzone/Z1", name = "example.com" }', "hosted_zone.id"),
                    *("/hostedzone/Z1", "text in quotes, the id of a hosted zone, such as Z0123456789ABCDEFGHIJ"),
                ),
                (
                    'certificate_arn = "arn"',
                    "certificate_arn",
                    "arn",
                    "text in quotes, the ARN of a certificate in ACM, or nothing",
                ),
            )
        ),
        (
            *("[mail]", f'[api]\ndomain = "a.example.com"\nhosted_zone = {ZONE}\n[mail]', "base_url"),
            *("https://ask.example.com", "https://a.example.com, from domain under [api], or nothing"),
        ),
        ("base_url", "stage", "stage", "https://ask.example.com/", None),
    ],
)
def test_a_mistake_is_refused_with_key_value_rule_and_fix(
    tmp_path: Path, written: str, instead: str, key: str, value: object, allowed: str | None
) -> None:
    assert written in VALID
    refusal = refused(tmp_path, VALID.replace(written, instead))
    assert (refusal.key, refusal.value) == (key, value)
    if allowed:
        assert refusal.allowed == allowed
    assert refusal.fix
    for part in (key, refusal.allowed, refusal.fix):
        assert part in str(refusal)


PATTERNS = """
[patterns]
execution_timeout_seconds = 7200
retention_days = 3
deadline_seconds = 3600
"""
PARTNER = """
[partners.stripe]
scheme = "stripe"
event_source = "aws.partner/stripe.com/ed_1001"
"""


@pytest.mark.parametrize(
    ("added", "key", "value", "allowed"),
    [
        ("[sweeper]\nevery_minutes = 0", "sweeper.every_minutes", 0, "a whole number, 1 to 60 minutes"),
        ("[sweeper]\nevery_minutes = 61", "sweeper.every_minutes", 61, "a whole number, 1 to 60 minutes"),
        ("[sweeper]\ngrace_seconds = 59", "sweeper.grace_seconds", 59, "a whole number, 60 to 86400 seconds"),
        ("[sweeper]\ngrace_seconds = 86_401", "sweeper.grace_seconds", 86_401, "a whole number, 60 to 86400 seconds"),
        *(
            (f"[limits]\n{text}", f"limits.{key}", value, "")
            for text, key, value in (
                ("review = { per_source = 0, per_token = 1 }", "review.per_source", 0),
                ("review = { per_source = 10 }", "review.per_token", 60),
                ("callbacks = { per_source = 10, per_token = 1_000_001 }", "callbacks.per_token", 1_000_001),
                ("callbacks = { per_source = 10, per_token = 11 }", "callbacks.per_token", 11),
                ("review = { per_source = 10, per_token = 11 }", "review.per_token", 11),
                ("webhooks = { per_source = 10, per_token = 1 }", "webhooks", {"per_source": 10, "per_token": 1}),
                ("public_concurrency = -1", "public_concurrency", -1),
            )
        ),
        ('[account]\nid = "123456789012"', "account.region", None, "an AWS region, such as eu-central-1"),
        ('[account]\nregion = "eu-west-1"', "account.id", None, "the 12 digits of an account's id"),
        ('[account]\nid = "1"\nregion = "eu-west-1"', "account.id", "1", "the 12 digits of an account's id"),
        ('[account]\nid = "123456789012"\nregion = "Dublin"', "account.region", "Dublin", "an AWS region"),
        ('[providers.a]\nscheme = "../stripe"', "providers.a.scheme", "../stripe", "countersign.providers"),
        *(
            (f'module = "{name}"', f"{OWN}.module", name, "without .py")
            for name in ("", "Handler", "handler.py", "second-look", "../handler")
        ),
        *(
            (EXPECTING.format(scheme=scheme, settings=text), f"providers.pay.{key}", value, allowed)
            for scheme, text, key, value, allowed in (
                ("strype", "", "scheme", "strype", ", stripe, or a module of extensions/providers"),
                ("stripe", 'merchant_account = "M"', "merchant_account", "M", "of account, declined, live, unmatched"),
                ("github", "live = false", "live", False, "one of app, repository, unmatched"),
                ("slack", 'declined = "final"', "declined", "final", "one of unmatched for the scheme slack"),
                ("stripe", 'unmatched = "drop"', "unmatched", "drop", "one of park, ignore"),
                ("shopify", 'shop = "shop.example.com"', "shop", "shop.example.com", "a shop's domain such as"),
                ("adyen", "", "merchant_account", None, "in a protected stage"),
                ("github", 'app = "15368"', "repository", None, "in a protected stage"),
                ("github", 'repository = "acme/shop"', "app", None, "in a protected stage"),
                ("shopify", "", "shop", None, "in a protected stage"),
                ("adyen", 'live_prefix = "x.example"', "live_prefix", "x.example", "a prefix such as 1797a841"),
                (
                    "adyen",
                    'look = true\nmerchant_account = "M"',
                    "live_prefix",
                    None,
                    "the company's prefix of live URLs",
                ),
                ("slack", "look = true", "look", True, "no API of slack reads a payment by the id that its events"),
                ("mollie", "", "look", False, "mollie signs nothing, so the kit asks it for each payment"),
            )
        ),
        *(
            (PATTERNS.replace(written, instead), f"patterns.{key}", value, allowed)
            for written, instead, key, value, allowed in (
                ("retention_days = 3", "retention = 3", "retention", 3, "one of "),
                ("retention_days = 3", "retention_days = 91", "retention_days", 91, "a whole number, 1 to 90 days"),
                ("retention_days = 3", 'retention_days = 3\nmodule = "x"', "module", "x", "one of "),
                ("= 3600", "= 3601", "execution_timeout_seconds", 7200, "at least 7201: deadline_seconds and"),
            )
        ),
        ('[people]\nlanguage = "fr"', "people.language", "fr", "one of ar, de, en"),
        ('[people]\ntime_zone = "Europe/Atlantis"', "people.time_zone", "Europe/Atlantis", "such as Europe/Berlin"),
        ('encrypted = "yes"', f"{OWN}.encrypted", "yes", "true or false"),
        ("enabled = false", "workflows", None, "at least one table [workflows.<name>]"),
        *(
            (PARTNER.replace("aws.partner/stripe.com/ed_1001", source), "partners.stripe.event_source", source, "aws.p")
            for source in (
                *("", "stripe.com", "aws.partner/stripe.com", "aws.partner/stripe.com/ed 1", "aws.partner//ed"),
                "aws.s3/a/b",
            )
        ),
        *(
            (
                *(PARTNER.replace('"stripe"', f'"{scheme}"'), "partners.stripe.scheme", scheme),
                "a scheme that reads an event's detail as EventBridge delivers it: stripe",
            )
            for scheme in ("shopify", "square", "paypal", "adyen", "standard_webhooks", "stripes", "")
        ),
        (
            *(PARTNER + PARTNER.replace("partners.stripe", "partners.other"), "partners.other.event_source"),
            *("aws.partner/stripe.com/ed_1001", "partners.stripe has this one"),
        ),
        ('[callers."role/shop"]', "callers", "role/shop", "the ARN of an IAM role, such as arn:aws:iam::"),
        (f'[callers."{ROLE}"]\nworkflow = []', f'callers."{ROLE}".workflow', [], "one of workflows, agent, own_only"),
        (
            *(f'[callers."{ROLE}"]\nworkflows = ["order-aproval"]', f'callers."{ROLE}".workflows', "order-aproval"),
            "names of workflows: order-approval",
        ),
        (
            *(f'[callers."{ROLE}"]\n[callers."{OTHER_PATH}"]', f'callers."{OTHER_PATH}"', OTHER_PATH),
            f"one table for a role's name in an account; {ROLE} has the same",
        ),
    ],
)
def test_a_mistake_in_an_optional_setting_is_refused(
    tmp_path: Path, added: str, key: str, value: object, allowed: str
) -> None:
    refusal = refused(tmp_path, f"{VALID}\n{added}\n")
    assert (refusal.key, refusal.value) == (key, value)
    assert allowed in refusal.allowed


@pytest.mark.parametrize(
    ("more", "key", "allowed"),
    [
        ("", f'callers."{ROLE}".agent', "[[policies.approval]] names the approvers"),
        (ANY_EURO, "policies.approval[1].approvers", "addresses in every row"),
        (
            f'workflows = ["approval", "order-approval"]\n{ANY_EURO}{MARIA}',
            *(f'callers."{ROLE}".workflows', 'nothing or ["approval"]'),
        ),
    ],
)
def test_an_agent_starts_approvals_with_approvers_by_policy(tmp_path: Path, more: str, key: str, allowed: str) -> None:
    agents = VALID.replace("approval.enabled = false\n", "", 1) + AGENT
    refusal = refused(tmp_path, agents + more)
    assert (refusal.key, allowed in refusal.allowed) == (key, True)
    refusal = refused(tmp_path, VALID + AGENT)
    assert (refusal.key, refusal.value) == (f'callers."{ROLE}".agent', True)
    assert "false, unless the stage deploys [workflows.approval]" in refusal.allowed
    assert load(tmp_path, agents + ANY_EURO + MARIA).callers[ROLE].document["workflows"] == ("approval",)


# Defaults
def test_a_stage_has_every_default_workflow_that_it_does_not_disable(tmp_path: Path) -> None:
    least = VALID.partition("[workflows]")[0] + OPERATORS
    kit = load(tmp_path, least)
    assert kit.workflows.keys() == {"order-approval", "approval", "payment", "held-payment", "refund"}
    assert kit.workflows["payment"].retention_days == 90
    assert load(tmp_path, f"{least}[workflows.payment]\nenabled = false").workflows.keys() == kit.workflows.keys() - {
        "payment"
    }


def test_a_stage_overrides_single_keys_of_the_defaults(tmp_path: Path) -> None:
    defaults, stage = (load(tmp_path, VALID.replace(REVIEW, instead)) for instead in ("", "review.burst = 7"))
    assert defaults.throttles.review.rate_per_second == stage.throttles.review.rate_per_second == 50
    assert (defaults.throttles.review.burst, stage.throttles.review.burst) == (100, 7)
    assert stage.throttles.model_copy(update={"review": defaults.throttles.review}) == defaults.throttles
    assert stage.workflows["order-approval"].contract == ""


def test_the_settings_on_the_page_on_upgrades_are_valid(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "upgrading.md").read_text("utf-8")
    (shown,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    below = VALID.replace(REVIEW, "").replace("[throttles]", "").partition("[workflows]")[0]
    settings = load(tmp_path, below + shown + OPERATORS)
    assert (settings.throttles.webhooks.burst, settings.throttles.webhooks.rate_per_second) == (1_000, 200)
    assert "payment" not in settings.workflows


def test_the_settings_on_the_page_on_agents_are_valid(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "agents.md").read_text("utf-8"), re.DOTALL)
    (caller,) = load(tmp_path, VALID.replace("approval.enabled = false\n", "", 1) + shown).callers.values()
    assert caller.agent


@pytest.mark.parametrize(
    ("below", "above", "both"),
    [
        ({}, {"a": 1}, {"a": 1}),
        ({"a": 1}, {}, {"a": 1}),
        ({"a": {"b": 1, "c": {"d": 2}}}, {"a": {"c": {"e": 3}}}, {"a": {"b": 1, "c": {"d": 2, "e": 3}}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"b": 1}}, {"a": 2}, {"a": 2}),
        ({"a": 1}, {"a": {"b": 2}}, {"a": {"b": 2}}),
    ],
)
def test_tables_are_merged_and_any_other_value_is_replaced(
    below: dict[str, object], above: dict[str, object], both: dict[str, object]
) -> None:
    before = json.dumps(below)
    assert (merged(below, above), json.dumps(below)) == (both, before)


def test_every_mistake_of_a_file_is_reported_at_once(tmp_path: Path) -> None:
    text = VALID.replace("archive_days = 7", "archive_days = -1").replace("approvals@example.com", "approvals")
    text = text.replace("protected = true", "protectd = true") + "[workflows.A]\n[workflows.B]\n"
    keys = Counter(problem.key for problem in problems(tmp_path, text))
    assert keys.pop("workflows") == 2
    assert keys.keys() >= {"hand_off.archive_days", "mail.sender", "ledger.protected", "ledger.protectd"}
    contradicting = f"{VALID}deadline_seconds = 9_000\n{PARTNER}" + PARTNER.replace("partners.stripe", "partners.other")
    contradicting = contradicting.replace("deadline_seconds = 3600\n", "")
    assert [problem.key for problem in problems(tmp_path, contradicting)] == [
        "workflows.order-approval.execution_timeout_seconds",
        "partners.other.event_source",
    ]


@pytest.mark.parametrize(
    ("written", "instead", "at"),
    [
        ("archive_days = 7", "archive_days = -1", "archive_days = -1"),
        ("protected = true", "", "[ledger]"),
        ("protected = true", "protectd = true", "protectd = true"),
        ("[ledger]\nprotected = true", "", None),
        (REVIEW, REVIEW.replace("20", "0"), "review = {"),
        (f"[{OWN}]", "[workflows.Order_Approval]", "[workflows.Order_Approval]"),
        ("payment.enabled = false", 'payment.enabled = "no"', 'payment.enabled = "no"'),
        ("seconds = 7200", "seconds = 7199", "execution_timeout_seconds = 7199"),
        (
            f"[{OWN}]",
            f"[[policies.order-approval]]\ncurrency='EUR'\n[[policies.order-approval]]\nk = 1\n[{OWN}]",
            "k = 1",
        ),
    ],
)
def test_a_mistake_has_the_line_of_its_key_or_table(tmp_path: Path, written: str, instead: str, at: str | None) -> None:
    assert written in VALID
    text = VALID.replace(written, instead)
    with pytest.raises(SettingsError) as refusal:
        load(tmp_path, text)
    line = next((number for number, each in enumerate(text.splitlines(), 1) if at and each.startswith(at)), 0)
    assert str(refusal.value).splitlines()[0].startswith(f"{tmp_path / 'test.toml'}{f':{line}' if line else ''}: ")


@pytest.mark.parametrize(
    "base_url",
    [
        "https://ask.example.com",
        "https://{api_id}.execute-api.eu-west-1.amazonaws.com",
        "http://localhost:4566/_aws/execute-api/{api_id}/$default",
        "http://127.0.0.1:4566",
        "http://[::1]:4566",
    ],
)
def test_a_given_base_url_overrides_that_of_the_file(tmp_path: Path, base_url: str) -> None:
    assert load(tmp_path, base_url=base_url).base_url == base_url


def test_a_domain_is_the_base_of_all_links(tmp_path: Path) -> None:
    api = f'[api]\ndomain = "a.example.com"\nhosted_zone = {ZONE}\n'
    text = VALID.replace('base_url = "https://ask.example.com/"', "").replace("[mail]", f"{api}\n[mail]")
    assert load(tmp_path, text).base_url == "https://a.example.com"


@pytest.mark.parametrize(
    "base_url",
    [
        *("ask.example.com", "http://ask.example.com", "http://localhost.example.com", "https://ask.example.com/?t="),
        *("https://ask.example.com/{stage}", "https://user@ask.example.com", "javascript:alert(1)"),
        "https://ask.example.com\n.evil.example",
    ],
)
def test_an_unsafe_base_url_is_refused(tmp_path: Path, base_url: str) -> None:
    with pytest.raises(SettingsError, match=r"base_url is .*; allowed: text in quotes, an https URL"):
        load(tmp_path, base_url=base_url)


def test_the_schema_for_editors_is_current() -> None:
    assert FILE.read_text("utf-8") == schema(), "to write it: .venv/bin/python -m stacks.stage.schema"
    validate = fastjsonschema.compile(json.loads(schema()))
    for file in SETTINGS.glob("*.toml"):
        text = file.read_text("utf-8")
        assert text.startswith(f"#:schema ../../{FILE.relative_to(ROOT)}\n")
        validate(tomllib.loads(text))
        for wrong in ({"protectd": True}, {"protected": 1}, {}):
            with pytest.raises(fastjsonschema.JsonSchemaException):
                validate(tomllib.loads(text) | {"ledger": wrong})


def to_deploy(folder: Path, *, stage: str = "test", more: str = "", protected: str = "true", **given: str) -> Settings:
    text = VALID.replace("protected = true", f"protected = {protected}").replace("[mail]\n", f"[mail]\n{more}\n")
    file = folder / f"{stage}.toml"
    file.write_text(text, encoding="utf-8")
    return Settings.to_deploy(file, **given)


@pytest.mark.parametrize(
    "domain",
    ["example.com", "mail.example.net", "EXAMPLE.org", "countersign.example", "a.test", "b.invalid", "c.localhost"],
)
def test_a_sender_or_an_identity_of_a_reserved_domain_is_refused(tmp_path: Path, domain: str) -> None:
    more = f'identities = ["ask.dev", "{domain}"]'
    with pytest.raises(SettingsError) as refusal:
        to_deploy(tmp_path, more=more, sender=f"approvals@{domain}", alarm_email=MINE["alarm_email"])
    assert [(problem.key, problem.value) for problem in refusal.value.problems] == [
        ("mail.sender", f"approvals@{domain}"),
        ("mail.identities", domain),
    ]
    assert f"{tmp_path}/test.toml:{VALID.splitlines().index('[mail]') + 3}: mail.sender is " in str(refusal.value)
    assert f"{domain} is reserved for examples and tests" in refusal.value.problems[0].allowed
    assert "--context sender=ADDRESS" in refusal.value.problems[0].fix


@pytest.mark.parametrize("sender", ["approvals@ask.dev", "a@my-example.com", "a@example.de", "a@test.com"])
def test_a_sender_of_an_own_domain_is_accepted(tmp_path: Path, sender: str) -> None:
    assert to_deploy(tmp_path, sender=sender, alarm_email=MINE["alarm_email"]).mail.sender == sender


def test_a_protected_stage_needs_a_recipient_of_alarms(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"alarms.email is ''; .* fix: .* --context alarm_email=ADDRESS") as refusal:
        to_deploy(tmp_path, sender=MINE["sender"])
    assert (len(refusal.value.problems), to_deploy(tmp_path, **MINE).alarms.email) == (1, MINE["alarm_email"])
    assert to_deploy(tmp_path, sender=MINE["sender"], protected="false").alarms.email == ""


def test_a_sender_whose_channel_sends_no_mail_may_be_a_placeholder(tmp_path: Path) -> None:
    more = 'channel = "sns"'
    assert to_deploy(tmp_path, more=more, alarm_email=MINE["alarm_email"]).mail.sender == "approvals@example.com"


def test_the_sender_of_what_slack_does_not_carry_may_not_be_a_placeholder(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is reserved for examples and tests"):
        to_deploy(tmp_path, more='channel = "slack"', alarm_email=MINE["alarm_email"])


def test_the_embedded_cloud_accepts_placeholders(tmp_path: Path) -> None:
    assert to_deploy(tmp_path, stage="local").mail.sender == "approvals@example.com"


def test_a_missing_file_is_reported_with_the_existing_stages(tmp_path: Path) -> None:
    load(tmp_path, stage="dev")
    with pytest.raises(SettingsError, match=r"prod\.toml: is missing; allowed: .*: dev; fix: choose one of these"):
        Settings.load(tmp_path / "prod.toml")


def test_a_stage_name_that_is_not_a_stack_name_is_refused(tmp_path: Path) -> None:
    for name in ("My_Stage", "eu-dev", "elevenchars"):
        with pytest.raises(SettingsError, match=r"allowed: a stage name of at most 10 .*; fix: rename the file"):
            load(tmp_path, stage=name)


def test_the_longest_names_make_a_function_name_of_64_characters(tmp_path: Path) -> None:
    text = VALID.replace("[workflows.order-approval]", f'[app]\nname = "{"a" * 12}"\n\n[workflows.{"w" * 40}]')
    settings = load(tmp_path, f'{text}contract = "order-approval"\n', stage="s" * 10)
    assert {len(f"{settings.prefix}{name}") for name in settings.workflows if name.startswith("w")} == {64}


def test_a_file_that_is_not_toml_is_reported_with_the_line(tmp_path: Path) -> None:
    assert "line 1" in refused(tmp_path, "[ledger\n").fix


# Patterns
def test_a_stage_has_all_patterns_or_none(tmp_path: Path) -> None:
    assert load(tmp_path).patterns is None
    patterns = load(tmp_path, VALID + PATTERNS).patterns
    assert patterns
    workflow = patterns.workflows["long-job"]
    assert (workflow.function, workflow.module, workflow.encrypted) == ("patterns", "long_job", False)
    assert (workflow.execution_timeout_seconds, workflow.retention_days) == (7_200, 3)
    assert (workflow.deadline_seconds, workflow.contract) == (3_600, "")
    assert [name for name, each in patterns.workflows.items() if each.encrypted] == ["encrypted-payload"]
    assert load(tmp_path, VALID + PATTERNS).has_encrypted_answers


def test_a_workflow_with_the_name_of_a_deployed_pattern_is_refused(tmp_path: Path) -> None:
    of_our_own = VALID.replace("[workflows.order-approval]", "[workflows.long-job]")
    assert "long-job" in load(tmp_path, of_our_own).workflows
    refusal = refused(tmp_path, of_our_own + PATTERNS)
    assert (refusal.key, refusal.fix) == ("workflows.long-job", "rename it, or remove [patterns]")


# Partners
