"""The app as the CDK's command line runs it."""

import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import aws_cdk
import pytest
from aws_cdk import App

from app import settings_of
from operate.checks.account import BOOTSTRAP_VERSION
from operate.embedded.cloud import ROOT
from stacks.stage.problems import SettingsError
from tests import SETTINGS
from tests.infra.templates import Synthesised
from tools.audit import FILLED_IN


def test_an_unknown_stage_names_those_there_are() -> None:
    context = {"settings": str(SETTINGS), "stage": "prdo"}
    failed = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", "CDK_CONTEXT_JSON": json.dumps(context)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert failed.returncode == 1
    assert re.search(r"error: .*prdo\.toml: is missing; allowed: .*dev, local, prod; fix: ", failed.stderr)
    assert "Traceback" not in failed.stderr


def test_a_base_url_that_would_carry_tokens_in_the_clear_is_refused() -> None:
    app = App(context={"settings": str(SETTINGS), "stage": "dev", "base_url": "http://example.com"})
    with pytest.raises(SettingsError, match=r"base_url is 'http://example\.com'; allowed: "):
        settings_of(app)


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_a_fresh_checkout_is_not_synthesised_before_its_placeholders_are_filled_in(stage: str) -> None:
    app = App(context={"stage": stage})
    with pytest.raises(SettingsError, match=r"mail\.sender is 'approvals@countersign\.example'; .* --context sender="):
        settings_of(app)
    filled_in = settings_of(App(context={"stage": stage, **FILLED_IN}))
    assert {"sender": filled_in.mail.sender, "alarm_email": filled_in.alarms.email} == FILLED_IN


def test_nothing_is_looked_up_while_synthesising() -> None:
    assert json.loads((ROOT / "cdk.context.json").read_text()) == {}


def test_every_stack_belongs_to_the_account_and_region_of_the_settings(
    elsewhere: Synthesised, prod: Synthesised
) -> None:
    for stage, environment in ((elsewhere, "123456789012/eu-west-1"), (prod, "unknown-account/unknown-region")):
        environments = {f"{stack.environment.account}/{stack.environment.region}" for stack in stage.assembly.stacks}
        assert environments == {environment}


def test_preflight_knows_the_version_of_the_bootstrap_stack_that_the_stacks_require(prod: Synthesised) -> None:
    required = {stack.requires_bootstrap_stack_version for stack in prod.assembly.stacks}
    assert required == {BOOTSTRAP_VERSION}


def test_the_feature_flags_are_what_the_library_recommends_but_for_strong_references_and_no_usage_data() -> None:
    (package,) = (Path(aws_cdk.__file__).parent / "_jsii").glob("aws-cdk-lib@*.tgz")
    with tarfile.open(package) as archive:
        recommended = archive.extractfile("package/recommended-feature-flags.json")
        assert recommended is not None
        flags = json.load(recommended)
    own = {
        "@aws-cdk/core:defaultCrossStackReferences": "strong",
        "@aws-cdk/core:enableAdditionalMetadataCollection": False,  # nobody reads it without `versionReporting`
    }
    configured = json.loads((ROOT / "cdk.json").read_text())
    assert (configured["context"], configured["versionReporting"]) == (flags | own, False)
