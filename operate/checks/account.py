"""The account: the credentials are for the stage's account and region, which have the CDK's bootstrap stack."""

from __future__ import annotations

from botocore.exceptions import ClientError

from operate.checks import Findings
from operate.errors import code_of
from operate.stage import Stage

BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"
BOOTSTRAP_VERSION = 6
"""The version of `cdk bootstrap` that the stage's stacks require."""


def account(stage: Stage) -> Findings:
    """Compare the account and region of the credentials with those of the settings."""
    identity = stage.client("sts").get_caller_identity()
    found, region, wanted = identity["Account"], stage.region, stage.settings.account
    file = f"settings/{stage.name}.toml"
    if wanted is None:
        what = f"{identity['Arn']} acts on the account {found} in {region}; {file} names no account"
        advice = f'if this is right, add [account] with id = "{found}" and region = "{region}" to {file}'
        yield what, f"{advice}; a protected stage needs it" if stage.settings.ledger.protected else ""
        return
    if found != wanted.id:
        what = f"{identity['Arn']} acts on the account {found}; the stage belongs to {wanted.id}"
        yield what, f"export AWS_PROFILE=<a profile of {wanted.id}>; `aws configure list-profiles` lists yours"
    if region != wanted.region:
        yield f"the region is {region}; the stage belongs to {wanted.region}", f"export AWS_REGION={wanted.region}"
    if (found, region) == (wanted.id, wanted.region):
        yield f"{identity['Arn']} acts on the account {found} in {region}, as {file} says", ""


def bootstrap(stage: Stage) -> Findings:
    """Check that `cdk bootstrap` has run, in a version that is new enough."""
    advice = f"make bootstrap STAGE={stage.name}"
    try:
        version = int(stage.client("ssm").get_parameter(Name=BOOTSTRAP)["Parameter"]["Value"])
    except ClientError as error:
        if code_of(error) != "ParameterNotFound":
            raise
        yield f"the CDK's bootstrap stack is missing in {stage.region}", advice
        return
    what = f"the CDK's bootstrap stack has version {version}"
    if version < BOOTSTRAP_VERSION:
        yield f"{what}; the stage needs {BOOTSTRAP_VERSION}", advice
    else:
        yield what, ""
