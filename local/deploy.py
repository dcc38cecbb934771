"""Deploy the stacks onto an emulator with the real `cdk bootstrap` and `cdk deploy`, as onto an account."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from local.emulator.emulator import Emulator
from operate.embedded import aws
from operate.embedded.cloud import ROOT, Outputs, merged
from stacks.stage.settings import Settings

STAGE = "local"
SETTINGS = ROOT / "settings"
CDK = ROOT / "node_modules" / ".bin" / "cdk"
VENDOR_LAYER = ROOT / "build" / "vendor-layer" / "python"

_TAIL_LINES = 25


class DeployError(Exception):
    """The stacks could not be deployed; the message says what failed, and what to do."""


def deploy(emulator: Emulator, settings: Path = SETTINGS) -> Outputs:
    """Deploy every stack of the stage `local` onto an emulator, for the first time or again.

    Args:
        emulator: The emulator.
        settings: The folder with the stage's settings.

    Returns:
        The outputs of the stacks.

    Raises:
        DeployError: A tool is missing, or a command failed.
    """
    _check_tools()
    _log(emulator).write_text("")
    if not _is_bootstrapped(emulator):
        _bootstrap(emulator)
    outputs_file = emulator.home / "outputs.json"
    outputs_file.unlink(missing_ok=True)
    _cdk(
        emulator,
        ["deploy", "--all", "--require-approval", "never", "--progress", "events"],
        # CloudFormation's rules are checked for accounts, and by the tests: here they would take most of a synthesis.
        # Nobody looks at a change set here.
        ["--no-validation", "--method", "direct"],
        ["--app", f"'{sys.executable}' app.py", "--output", f"{emulator.home}/cdk.out"],
        ["--outputs-file", str(outputs_file)],
        ["--context", f"stage={STAGE}", "--context", f"settings={settings}"],
        ["--context", f"base_url={_base_url(emulator)}"],
        cwd=ROOT,
    )
    _verify_mail_sender(emulator, Settings.load(settings / f"{STAGE}.toml").mail.sender)
    outputs: Outputs = json.loads(outputs_file.read_text())
    _check_durable_functions(emulator, outputs)
    return outputs


def _log(emulator: Emulator) -> Path:
    return emulator.home / "deploy.log"


def _base_url(emulator: Emulator) -> str:
    # By path: `<api id>.execute-api.localhost` resolves in browsers, but not everywhere.
    return f"http://localhost:{emulator.port}/_aws/execute-api/{{api_id}}/$default"


def _check_tools() -> None:
    for path, what, command in (
        (CDK, "the AWS CDK's command line is not installed", "make setup"),
        (VENDOR_LAYER, "the vendor layer is not built", "make layer"),
    ):
        if not path.exists():
            raise DeployError(f"{what}: {path} is missing; run `{command}`, which makes it")
    if shutil.which("node") is None:
        raise DeployError("node is missing, which runs the AWS CDK; install Node.js 20 or newer: https://nodejs.org")


def _is_bootstrapped(emulator: Emulator) -> bool:
    from botocore.exceptions import ClientError

    try:
        aws.client("cloudformation", emulator.endpoint_url).describe_stacks(StackName="CDKToolkit")
    except ClientError:
        return False
    return True


def _bootstrap(emulator: Emulator) -> None:
    # In an empty folder: beside a cdk.json, `cdk bootstrap` would synthesise the app first, for nothing.
    empty = emulator.home / "tmp" / "bootstrap"
    empty.mkdir(parents=True, exist_ok=True)
    _cdk(emulator, ["bootstrap", f"aws://{aws.ACCOUNT}/{aws.REGION}"], cwd=empty)


def _cdk(emulator: Emulator, *arguments: Sequence[str], cwd: Path) -> None:
    command = [str(CDK), *(argument for group in arguments for argument in group), "--no-notices", "--no-color"]
    log = _log(emulator)
    with log.open("a") as output:
        output.write(f"$ cdk {' '.join(command[1:])}\n")
        output.flush()
        ended = subprocess.run(
            command,
            cwd=cwd,
            env=aws.environment(emulator.endpoint_url) | {"CDK_DISABLE_CLI_TELEMETRY": "true"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if ended.returncode:
        lines = log.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
        tail = "\n".join(f"  {line}" for line in lines)
        raise DeployError(f"`cdk {command[1]}` failed ({ended.returncode}); its log, {log}, ends with:\n{tail}")


def _verify_mail_sender(emulator: Emulator, sender: str) -> None:
    """Verify the sender of mails, because SES refuses unverified senders."""
    from botocore.exceptions import ClientError

    ses = aws.client("sesv2", emulator.endpoint_url)
    try:
        ses.create_email_identity(EmailIdentity=sender)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AlreadyExistsException":
            raise DeployError(f"the sender {sender} could not be verified with SES: {error}") from error


def _check_durable_functions(emulator: Emulator, outputs: Outputs) -> None:
    """Check that every workflow is a durable function; a plain function would fail every request."""
    client = aws.client("lambda", emulator.endpoint_url)
    for name, arn in merged(outputs, "Workflows").items():
        if "DurableConfig" not in client.get_function_configuration(FunctionName=arn):
            raise DeployError(f"{name} was deployed, but is not durable: is the emulator corrected? See {emulator.log}")
