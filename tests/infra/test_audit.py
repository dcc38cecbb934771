"""What `make audit` makes of templates: a planted finding fails it."""

from pathlib import Path

from aws_cdk import App, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs

from tools import audit


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
