"""The functions of a stage as Lambda runs them: assets and environment variables, exactly as synthesised."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import App

from app import build
from stacks.components.house.sources import Sources
from stacks.stage.settings import Settings

_ROOT = Path(__file__).parent.parent
STAGE = _ROOT / "tests/settings/dev.toml"
"""The stage whose functions are measured, so that the figures do not depend on a fork's settings."""

_OF_LAMBDA = {
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",  # of no account  # nosec B105
    "AWS_SESSION_TOKEN": "bench",  # nosec B105
}


@dataclass(frozen=True)
class Function:
    """A deployed function.

    Attributes:
        code: The folder that is `/var/task` on Lambda.
        layers: The folder that is `/opt` on Lambda: all layers, one over the other.
        environment: Its variables, with made-up names of resources, and those that Lambda sets.
    """

    code: Path
    layers: Path
    environment: Mapping[str, str]


def functions(folder: Path) -> dict[str, Function]:
    """Synthesise the stage into a folder, and return its functions by their handlers."""
    context = json.loads((_ROOT / "cdk.json").read_bytes())["context"]
    app = App(outdir=str(folder / "cdk.out"), context=context)
    build(app, Settings.load(STAGE), Sources.of_checkout())
    assembly = app.synth()
    found = {}
    for stack in assembly.stacks:
        resources = stack.template["Resources"]
        for resource in resources.values():
            properties = resource.get("Properties", {})
            if resource["Type"] == "AWS::Lambda::Function":
                layers = [resources[layer["Ref"]]["Properties"]["Content"] for layer in properties["Layers"]]
                found[properties["Handler"]] = _function(folder, properties, layers)
    _make_read_only(folder)
    return found


def _function(folder: Path, properties: Mapping[str, Any], layers: list[dict[str, Any]]) -> Function:
    code = _asset(folder, properties["Code"])
    layer_folders = [_asset(folder, layer) for layer in layers]
    opt = folder / "-".join(each.name.removeprefix("asset.")[:8] for each in layer_folders)
    if not opt.exists():
        for layer in layer_folders:
            shutil.copytree(layer, opt, dirs_exist_ok=True)
    variables = {name: _text(value) for name, value in properties["Environment"]["Variables"].items()}
    return Function(code, opt, {**_OF_LAMBDA, "LAMBDA_TASK_ROOT": str(code), **variables})


def _asset(folder: Path, code: Mapping[str, Any]) -> Path:
    return folder / "cdk.out" / f"asset.{code['S3Key'].removesuffix('.zip')}"


def _text(value: Any) -> str:
    """Return a variable's text, with a made-up name in the place of each resource."""
    if isinstance(value, str):
        return value
    (function, argument), *_ = value.items()
    return str(argument[0]).join(map(_text, argument[1])) if function == "Fn::Join" else "bench"


def _make_read_only(folder: Path) -> None:
    for path in folder.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
