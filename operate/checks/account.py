"""The account: the credentials are for the stage's account and region, and it is prepared for the CDK."""

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
        what = f"{identity['Arn']} acts on the account {found} in {region}, and {file} names none"
        advice = f'if the stage belongs there, add [account] with id = "{found}" and region = "{region}" to {file}'
        yield what, f"{advice}: a protected stage must have it" if stage.settings.ledger.protected else ""
        return
    if found != wanted.id:
        what = f"{identity['Arn']} is of the account {found}, and the stage belongs to {wanted.id}"
        yield what, f"export AWS_PROFILE=<a profile of {wanted.id}>; `aws configure list-profiles` lists yours"
    if region != wanted.region:
        yield f"the region is {region}, and the stage belongs to {wanted.region}", f"export AWS_REGION={wanted.region}"
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
        yield f"the account is not prepared for the CDK in {stage.region}", advice
        return
    what = f"the account is prepared for the CDK by version {version} of its bootstrap stack"
    if version < BOOTSTRAP_VERSION:
        yield f"{what}, and the stage needs {BOOTSTRAP_VERSION}", advice
    else:
        yield what, ""
