"""Every stage, synthesised once: seconds each, where an assertion takes none."""

import dataclasses
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs

from app import build
from countersign.services.held_payments import WORKFLOW as HELD_PAYMENT
from stacks.components.house.sources import Sources
from stacks.stage.api import ApiSettings, HostedZone
from stacks.stage.brand import BrandSettings
from stacks.stage.providers import PaymentSettings
from stacks.stage.settings import AccountSettings, FunctionSettings, Limit, LimitSettings, Settings, SweeperSettings
from tests import SETTINGS
from tests.infra.templates import DevWith, StageNamed, Synthesised

ROOT = SETTINGS.parents[1]
TRACING_LAYER = "arn:aws:lambda:eu-central-1:901920570463:layer:aws-otel-python-arm64-ver-1-32-0:2"
VARIED = """
[audit]
object_lock_days = 2
keep_days = 430

[workflows.second-look]
function = "order_approval"
contract = "order-approval"

[providers.mollie]
scheme = "mollie"
look = true

[partners.stripe]
scheme = "stripe"
account = "acct_1"
event_source = "aws.partner/stripe.com/ed_1001"
"""

CERTIFICATE = "arn:aws:acm:eu-central-1:111122223333:certificate/0a1b2c3d-0000-4000-8000-000000000000"


@pytest.fixture(scope="session")
def context() -> dict[str, Any]:
    """That of cdk.json, and what the command line adds to name each resource by its construct; nothing is copied."""
    configured: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return {**configured, "aws:cdk:enable-path-metadata": True, "aws:cdk:disable-asset-staging": True}


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """The checkout's code; an empty vendor layer, since its content is none of the template's business."""
    vendor_layer = tmp_path_factory.mktemp("vendor-layer")
    (vendor_layer / "python").mkdir()
    (vendor_layer / "python" / "empty.txt").touch()
    return dataclasses.replace(Sources.of_checkout(), vendor_layer=vendor_layer)


@pytest.fixture(scope="session")
def stage_named(context: dict[str, Any], sources: Sources) -> StageNamed:
    @cache
    def synthesised(name: str) -> Synthesised:
        return Synthesised(Settings.load(SETTINGS / f"{name}.toml"), sources, context)

    return synthesised


@pytest.fixture(scope="session")
def dev_with(tmp_path_factory: pytest.TempPathFactory, context: dict[str, Any], sources: Sources) -> DevWith:
    """The dev stage with other words in its settings, each written and then instead, and more at their end."""

    def synthesised(*changes: tuple[str, str], more: str = "", by_rules: bool = False) -> Synthesised:
        settings = (SETTINGS / "dev.toml").read_text(encoding="utf-8")
        for written, instead in changes:
            assert written in settings
            settings = settings.replace(written, instead)
        file = tmp_path_factory.mktemp("settings") / "dev.toml"
        file.write_text(settings + more, encoding="utf-8")
        return Synthesised(Settings.load(file), sources, context, by_rules=by_rules)

    return synthesised


@pytest.fixture(scope="session")
def varied(dev_with: DevWith) -> Synthesised:
    """The dev stage with what its settings leave out: a topic, a partner, a copy of the audit, a workflow."""
    return dev_with(
        ("[mail]", 'base_url = "https://{api_id}.example.com/ask/"\n\n[mail]\nchannel = "sns"'),
        ('email = ""', 'email = "ops@example.com"'),
        more=VARIED,
        by_rules=True,
    )


@pytest.fixture(scope="session")
def fork(dev_with: DevWith) -> Synthesised:
    """The dev stage, patterns and all, with a name and a key of its own and messages that go out by a topic."""
    more = '[app]\nname = "refunds"\n\n[encryption]\ncustomer_keys = true\n'
    return dev_with(("[mail]", '[mail]\nchannel = "sns"'), more=more)


@pytest.fixture(scope="session")
def strict(context: dict[str, Any], sources: Sources) -> Synthesised:
    """The production stage with other numbers, traced by a layer, in which orders are answered in ciphertext.

    It has a domain of its own in Route 53, and a brand.
    """
    settings = Settings.load(SETTINGS / "prod.toml")
    api = ApiSettings(domain="ask.example.com", hosted_zone=HostedZone(id="Z0123456789", name="example.com"))
    orders = settings.workflows["order-approval"].model_copy(update={"encrypted": True})
    limit = Limit(per_source=20, per_token=10)
    changes = {
        "api": api,
        "base_url": api.base_url,
        "mail": settings.mail.model_copy(update={"reply_to": "help@countersign.example"}),
        "brand": BrandSettings(name="Käufe, Nord"),
        "workflows": {**settings.workflows, "order-approval": orders},
        "functions": FunctionSettings(log_retention_days=365, tracing=True, tracing_layer=TRACING_LAYER),
        "sweeper": SweeperSettings(every_minutes=1, grace_seconds=90),
        "limits": LimitSettings(review=limit, callbacks=limit, waiting=5, public_concurrency=7),
    }
    return Synthesised(settings.model_copy(update=changes), sources, context)


@pytest.fixture(scope="session")
def bare(context: dict[str, Any], sources: Sources) -> Synthesised:
    """The production stage in Slack, without operators and providers, with a domain whose zone is elsewhere."""
    settings = Settings.load(SETTINGS / "prod.toml")
    workflows = {name: each for name, each in settings.workflows.items() if name != HELD_PAYMENT}
    api = ApiSettings(domain="ask.example.com", certificate_arn=CERTIFICATE)
    changes = {
        "workflows": workflows,
        "payments": PaymentSettings(),
        "providers": {},
        "mail": settings.mail.model_copy(update={"channel": "slack"}),
        "api": api,
        "base_url": api.base_url,
    }
    return Synthesised(settings.model_copy(update=changes), sources, context)


@pytest.fixture(scope="session")
def elsewhere(prod: Synthesised, context: dict[str, Any], sources: Sources) -> Synthesised:
    """The production stage in an account and a region that its settings name."""
    account = AccountSettings(id="123456789012", region="eu-west-1")
    return Synthesised(prod.settings.model_copy(update={"account": account}), sources, context, by_rules=False)


@pytest.fixture(scope="session")
def refused(tmp_path_factory: pytest.TempPathFactory, context: dict[str, Any], sources: Sources) -> list[Any]:
    """What the report on a stage says against a queue and a function that a fork added to it."""
    folder = tmp_path_factory.mktemp("refused")
    app = App(outdir=str(folder), context=context, builtin_cloud_formation_validation=False)
    public = build(app, Settings.load(SETTINGS / "prod.toml"), sources).public
    sqs.Queue(public, "Careless")
    lambda_.Function(
        public,
        "Fat",
        code=lambda_.Code.from_inline("pass"),
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handler",
        environment={"A": "X" * 5_000},
    )
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    reports = json.loads((folder / "validation-report.json").read_bytes())["pluginReports"]
    return [violation for report in reports for violation in report["violations"]]


@pytest.fixture(scope="session")
def prod(stage_named: StageNamed) -> Synthesised:
    return stage_named("prod")


@pytest.fixture(scope="session", params=sorted(path.stem for path in Path(SETTINGS).glob("*.toml")))
def stage(request: pytest.FixtureRequest, stage_named: StageNamed) -> Synthesised:
    """Each stage in turn."""
    return stage_named(request.param)
