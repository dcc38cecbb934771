"""Deploying the stacks onto an emulator: the real `cdk bootstrap` and `cdk deploy`, as onto an account."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from local.emulator.emulator import Emulator
from operate.embedded import aws
from operate.embedded.cloud import ROOT, Outputs
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
        DeployError: Something that it needs is missing, or a command has failed.
    """
    _check_tools()
    _log(emulator).write_text("")
    if not _is_bootstrapped(emulator):
        _bootstrap(emulator)
    outputs_file = emulator.home / "outputs.json"
    assembly = emulator.home / "cdk.out"
    outputs_file.unlink(missing_ok=True)
    _cdk(
        emulator,
        ["deploy", "--all", "--require-approval", "never", "--progress", "events"],
        ["--app", f"'{sys.executable}' app.py", "--output", str(assembly), "--outputs-file", str(outputs_file)],
        ["--context", f"stage={STAGE}", "--context", f"settings={settings}"],
        ["--context", f"base_url={_base_url(emulator)}"],
        cwd=ROOT,
    )
    _verify_mail_sender(emulator, Settings.load(settings / f"{STAGE}.toml").mail.sender)
    _check_durable_functions(emulator, assembly)
    outputs: Outputs = json.loads(outputs_file.read_text())
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
        raise DeployError("node is missing, on which the AWS CDK runs; install Node.js 20 or newer: https://nodejs.org")


def _is_bootstrapped(emulator: Emulator) -> bool:
    from botocore.exceptions import ClientError

    try:
        aws.client("cloudformation", emulator.endpoint_url).describe_stacks(StackName="CDKToolkit")
    except ClientError:
        return False
    return True


def _bootstrap(emulator: Emulator) -> None:
    # From an empty folder: where there is a cdk.json, `cdk bootstrap` synthesises the app first, for nothing.
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
            env=aws.environment(emulator.endpoint_url) | _without_noise(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if ended.returncode:
        lines = log.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
        tail = "\n".join(f"  {line}" for line in lines)
        raise DeployError(f"`cdk {command[1]}` failed ({ended.returncode}); its log, {log}, ends with:\n{tail}")


def _without_noise() -> dict[str, str]:
    major = "process.versions.node.split('.')[0]"
    version = subprocess.run(["node", "-p", major], check=True, capture_output=True, text=True).stdout.strip()
    return {"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": version, "CDK_DISABLE_CLI_TELEMETRY": "true"}


def _verify_mail_sender(emulator: Emulator, sender: str) -> None:
    """Let mail be sent: SES refuses senders that nobody has verified."""
    from botocore.exceptions import ClientError

    ses = aws.client("sesv2", emulator.endpoint_url)
    try:
        ses.create_email_identity(EmailIdentity=sender)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AlreadyExistsException":
            raise DeployError(f"the sender {sender} could not be verified with SES: {error}") from error


def _check_durable_functions(emulator: Emulator, assembly: Path) -> None:
    """Make sure that what the templates call durable runs durably; a plain function would fail in every request."""
    client = aws.client("lambda", emulator.endpoint_url)
    cloudformation = aws.client("cloudformation", emulator.endpoint_url)
    for template in assembly.glob("*.template.json"):
        for logical_id in _durable_functions(json.loads(template.read_text())):
            stack = _stack_name(assembly, template)
            resource = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=logical_id)
            name = resource["StackResourceDetail"]["PhysicalResourceId"]
            if "DurableConfig" not in client.get_function_configuration(FunctionName=name):
                raise DeployError(
                    f"{name} was deployed, but is not durable: is the emulator corrected? See {emulator.log}"
                )


def _durable_functions(template: Mapping[str, Any]) -> list[str]:
    return [
        logical_id
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Function" and "DurableConfig" in resource["Properties"]
    ]


def _stack_name(assembly: Path, template: Path) -> str:
    artifacts = json.loads((assembly / "manifest.json").read_text())["artifacts"].values()
    artifact = next(a for a in artifacts if a.get("properties", {}).get("templateFile") == template.name)
    name: str = artifact["properties"]["stackName"]
    return name
