"""The pages and settings of the repository: existing names, and the gates of continuous integration."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / f"{name}.md" for name in ("AGENTS", "CHANGELOG", "CODING", "CONTRIBUTING", "SECURITY")]
CONFIGURATION = [ROOT / ".pre-commit-config.yaml", *sorted((ROOT / ".github").rglob("*.yml"))]
FILES = [*PAGES, *CONFIGURATION]
TARGETS = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("file", FILES, ids=named)
def test_every_named_make_target_and_path_exists(file: Path) -> None:
    text = file.read_text("utf-8")
    assert set(re.findall(r"(?:^\s*|`|run: )make ([a-z-]+)", text, re.MULTILINE)) <= TARGETS
    for path in re.findall(r"`((?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:md|py|toml))`", text):
        assert (ROOT / path).exists(), path


def test_a_change_runs_the_same_gates_as_a_laptop_and_a_deploy_has_no_stored_key() -> None:
    test, deploy = (yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text()) for name in ("test", "deploy"))
    gate = test["jobs"]["gate"]
    assert gate["strategy"]["matrix"]["gate"] == ["test", "audit"]
    assert "make ${{ matrix.gate }}" in {step.get("run") for step in gate["steps"]}
    assert deploy["permissions"]["id-token"] == "write"
    assert deploy["jobs"]["deploy"]["environment"] == "${{ inputs.stage }}"


@pytest.mark.parametrize("file", CONFIGURATION, ids=named)
def test_a_yaml_file_pins_its_actions_by_commit(file: Path) -> None:
    assert yaml.safe_load(file.read_text("utf-8"))
    for pin in re.findall(r"(?:uses: [^@\s]+@|rev: )(\S+)", file.read_text("utf-8")):
        assert re.fullmatch("[0-9a-f]{40}", pin), pin


def test_the_changelog_has_the_current_version_and_unreleased_changes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    versions = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert versions[:2] == ["Unreleased", project["version"]]
    assert all((ROOT / name).exists() for name in project["license-files"])
