"""The Makefile: what its targets for AWS accounts refuse, and what they run in which order."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def make(*words: str) -> tuple[int, str, str]:
    """Run make without a terminal, and return its exit status, its output and its errors."""
    command = ["make", "--no-print-directory", *words]
    ended = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", check=False
    )
    return ended.returncode, ended.stdout, ended.stderr


def planned(*words: str) -> list[str]:
    """Return the commands of `countersign` and of the CDK that a target would run for the stage dev."""
    _, out, _ = make("--dry-run", *words, "STAGE=dev")
    programs = r"^(?:\.venv/bin/(?=countersign)|.*cdk --app .* stage=dev )(.*?)(?: \|\| .*)?$"
    found = re.findall(programs, out, re.MULTILINE)
    return [command.strip() for command in found]


@pytest.mark.parametrize("target", ["deploy", "destroy"])
def test_without_a_terminal_nothing_is_changed_unless_one_says_yes(target: str) -> None:
    status, out, errors = make(target, "STAGE=dev")
    assert (status, out) == (2, ""), "it stops before it sets anything up"
    assert f"Read make diff STAGE=dev, then: make {target} STAGE=dev YES=1" in errors


@pytest.mark.parametrize("target", ["preflight", "diff", "deploy", "destroy"])
def test_the_embedded_cloud_and_a_stage_without_settings_are_refused(target: str) -> None:
    for stage in ("local", "nope"):
        status, out, errors = make(target, f"STAGE={stage}", "YES=1")
        assert (status, out) == (2, "")
        assert "settings/" in errors


def test_a_deploy_comes_after_preflight_and_before_doctor() -> None:
    assert planned("deploy", "YES=1", "ARGS=--hotswap") == [
        "countersign preflight --stage 'dev'",
        "deploy --all --require-approval never --hotswap",
        "countersign doctor --stage 'dev'",
    ]


def test_executions_are_stopped_before_a_destroy_only_with_stop() -> None:
    assert planned("destroy", "YES=1") == ["countersign teardown --stage 'dev' --erase", "destroy --all --force"]
    assert planned("destroy", "YES=1", "STOP=1")[0] == "countersign teardown --stage 'dev' --erase --stop"
