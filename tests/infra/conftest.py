"""Every stage, synthesised once: seconds each, where an assertion takes none."""

import dataclasses
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from stacks.components.house.sources import Sources
from stacks.stage.settings import Settings
from tests import SETTINGS
from tests.infra.templates import DevWith, Synthesised

ROOT = SETTINGS.parents[1]


@pytest.fixture(scope="session")
def context() -> dict[str, Any]:
    """That of cdk.json, and what the command line adds to name each resource by its construct."""
    configured: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return {**configured, "aws:cdk:enable-path-metadata": True}


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """The checkout's code; an empty vendor layer, since its content is none of the template's business."""
    vendor_layer = tmp_path_factory.mktemp("vendor-layer")
    (vendor_layer / "python").mkdir()
    (vendor_layer / "python" / "empty.py").touch()
    return dataclasses.replace(Sources.of_checkout(), vendor_layer=vendor_layer)


@pytest.fixture(scope="session")
def stage_named(context: dict[str, Any], sources: Sources) -> Callable[[str], Synthesised]:
    @cache
    def synthesised(name: str) -> Synthesised:
        return Synthesised(Settings.load(SETTINGS / f"{name}.toml"), sources, context)

    return synthesised


@pytest.fixture(scope="session")
def dev_with(tmp_path_factory: pytest.TempPathFactory, context: dict[str, Any], sources: Sources) -> DevWith:
    """The dev stage with other words in its settings, each written and then instead, and more at their end."""

    def synthesised(*changes: tuple[str, str], more: str = "", code: Sources = sources) -> Synthesised:
        settings = (SETTINGS / "dev.toml").read_text(encoding="utf-8")
        for written, instead in changes:
            assert written in settings
            settings = settings.replace(written, instead)
        file = tmp_path_factory.mktemp("settings") / "dev.toml"
        file.write_text(settings + more, encoding="utf-8")
        return Synthesised(Settings.load(file), code, context)

    return synthesised


@pytest.fixture(scope="session")
def prod(stage_named: Callable[[str], Synthesised]) -> Synthesised:
    return stage_named("prod")


@pytest.fixture(scope="session", params=sorted(path.stem for path in Path(SETTINGS).glob("*.toml")))
def stage(request: pytest.FixtureRequest, stage_named: Callable[[str], Synthesised]) -> Synthesised:
    """Each stage in turn."""
    return stage_named(request.param)
