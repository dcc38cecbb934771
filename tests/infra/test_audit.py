"""What `make audit` makes of templates: a planted finding fails it."""

import json
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs

from tools import audit

pytestmark = pytest.mark.xdist_group("infra")


def test_a_log_group_without_a_key_is_found_by_the_rules_of_nist(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    logs.LogGroup(Stack(app, "Stack"), "Careless", retention=logs.RetentionDays.ONE_DAY)
    audit.judge(app)
    (finding,) = audit.cdk_nag([tmp_path]).findings
    assert "NIST.800.53.R5-CloudWatchLogGroupEncrypted Stack/Careless/Resource: The CloudWatch Log Group" in finding


def test_an_app_in_order_has_no_findings(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    kms.Key(Stack(app, "Stack"), "Careful", enable_key_rotation=True)
    audit.judge(app)
    assert audit.cdk_nag([tmp_path]).findings == ()


def test_a_property_that_cloudformation_does_not_know_is_found(tmp_path: Path) -> None:
    template = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"Encrypted": True}}}}
    (tmp_path / "Stack.template.json").write_text(json.dumps(template))
    report = audit.cfn_lint([tmp_path])
    assert any("E3002" in finding for finding in report.findings)
    assert str(report).startswith("cfn-lint   1 findings in 1 templates")
