"""`make audit`: findings, failures and missing output of its tools."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tools import audit, fuzzing

FOUND: dict[str, Any] = {
    "cfn-lint": {"Filename": "dev/S.template.json", "Rule": {"Id": "E3002"}, "Message": "'Encrypted' was unexpected"},
    "checkov": {
        "file_path": "/dev/S.template.json",
        "resource": "AWS::SQS::Queue.Q",
        "check_id": "CKV_AWS_27",
        "check_name": "Encrypt",
    },
    "bandit": {"filename": "app.py", "line_number": 3, "test_id": "B602", "issue_text": "shell=True"},
}
"""A finding of each tool, as the tool prints it."""
PLACE = {"cfn-lint": "Filename", "checkov": "file_path", "bandit": "filename"}
STATUS = {"cfn-lint": 2, "checkov": 1, "bandit": 1}
VIOLATION = {"ruleName": "AwsSolutions-SQS4", "description": "TLS", "violatingConstructs": [{"constructPath": "S/Q"}]}
VULNERABLE = {
    "dependencies": [{"name": "jinja2", "version": "2.10", "vulns": [{"id": "CVE-1", "fix_versions": ["2.11"]}]}]
}
IN_ORDER: dict[str, Any] = {"dependencies": [{"name": "jinja2", "version": "3.1.6", "vulns": []}]}
Run = Callable[[], tuple[int, list[str], str]]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the tools. By default each tool finds only its planted finding."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr(audit, "PROGRAMS", folder)
    for name in FOUND:
        answer(folder, name)
    lookup(folder, control=VULNERABLE, locks=IN_ORDER)
    return folder


def answer(programs: Path, name: str, *findings: Any, planted: bool = True, unread: int = 0) -> None:
    """Let a tool report its planted finding and others."""
    found = [*findings, *([{**FOUND[name], PLACE[name]: f"/{audit.PLANTED}/it"}] if planted else [])]
    said: dict[str, Any] = {
        "cfn-lint": found,
        "checkov": {
            "summary": {"resource_count": 10, "skipped": 2, "parsing_errors": unread},
            "results": {"failed_checks": found},
        },
        "bandit": {
            "errors": ["it"] * unread,
            "results": found,
            "metrics": {"_totals": {"loc": 10, "skipped_tests": 1}},
        },
    }
    _program(programs / name, f"cat <<'.'\n{json.dumps(said[name])}\n.\nexit {STATUS[name]}")


def lookup(programs: Path, *, control: Mapping[str, Any] | None, locks: Mapping[str, Any] | None) -> None:
    """Set the output of pip-audit for the control and for the locks. None fails."""
    lines = {
        name: f"echo '{json.dumps(said)}'; exit 1" if said else "exit 1"
        for name, said in (("c", control), ("l", locks))
    }
    _program(programs / "pip-audit", f'case "$*" in *--no-deps*) {lines["c"]};; *) {lines["l"]};; esac')


def _program(file: Path, script: str) -> None:
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


@pytest.fixture
def stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A synthesised stage without findings."""
    stage = tmp_path / "dev"
    stage.mkdir()
    (stage / "validation-report.json").write_text('{"pluginReports": []}')
    monkeypatch.setattr(audit, "synthesise_stages", lambda folder: [stage])
    return stage


@pytest.fixture
def run(programs: Path, stages: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the audit. The result is its status, its lines and its errors."""

    def once() -> tuple[int, list[str], str]:
        status, printed = audit.main(), capsys.readouterr()
        return status, printed.out.splitlines(), printed.err

    return once


def test_an_audit_without_findings_succeeds_with_a_line_per_tool(run: Run) -> None:
    status, lines, _ = run()
    assert status == 0
    assert [line.split()[0] for line in lines] == ["cdk-nag", "cfn-lint", "checkov", "bandit", "pip-audit"]
    assert all(" 0 findings in " in line for line in lines)
    assert lines[2].endswith("9 resources, 2 accepted where they stand")


@pytest.mark.parametrize("tool", FOUND)
def test_a_finding_of_a_tool_fails_the_audit(programs: Path, run: Run, tool: str) -> None:
    answer(programs, tool, FOUND[tool])
    status, lines, errors = run()
    assert status == 1
    assert any(line.startswith(f"{tool:10} 1 findings") for line in lines)
    assert errors.startswith(f"{tool}: ")


def test_a_rule_violation_and_a_vulnerable_package_fail_the_audit(programs: Path, stages: Path, run: Run) -> None:
    (stages / "validation-report.json").write_text(json.dumps({"pluginReports": [{"violations": [VIOLATION]}]}))
    assert run()[::2] == (1, "cdk-nag: dev: AwsSolutions-SQS4 S/Q: TLS\n")
    lookup(programs, control=VULNERABLE, locks=VULNERABLE)
    assert "jinja2 2.10: CVE-1, fixed in ['2.11']" in run()[2]


@pytest.mark.parametrize("control", [None, IN_ORDER], ids=["no output", "no finding"])
def test_a_lookup_without_a_network_is_reported_as_skipped(programs: Path, run: Run, control: Any) -> None:
    lookup(programs, control=control, locks=IN_ORDER)
    status, lines, _ = run()
    assert status == 0
    (line,) = [line for line in lines if line.startswith("pip-audit")]
    assert "SKIPPED: " in line
    assert "run make audit again with a network" in line


def test_a_lookup_that_fails_halfway_raises_an_error(programs: Path) -> None:
    lookup(programs, control=VULNERABLE, locks=None)
    with pytest.raises(audit.AuditError, match=r"could not look up the packages of .*requirements\.txt"):
        audit.pip_audit(audit.LOCKS)


def test_a_failing_or_missing_tool_raises_an_error(programs: Path) -> None:
    for status in (0, 2, 127):
        _program(programs / "bandit", f"exit {status}")
        with pytest.raises(audit.AuditError, match=f"ended with {status}"):
            audit.bandit([])
    (programs / "bandit").unlink()
    with pytest.raises(audit.AuditError, match="run make audit, which sets it up"):
        audit.bandit([])


@pytest.mark.parametrize("tool", FOUND)
def test_a_tool_that_misses_its_planted_finding_raises_an_error(programs: Path, run: Run, tool: str) -> None:
    answer(programs, tool, FOUND[tool], planted=False)
    with pytest.raises(audit.AuditError, match=f"{tool} misses the planted findings"):
        run()


@pytest.mark.parametrize("tool", ["bandit", "checkov"])
def test_a_file_that_a_tool_could_not_read_raises_an_error(programs: Path, run: Run, tool: str) -> None:
    answer(programs, tool, unread=1)
    with pytest.raises(audit.AuditError, match=f"{tool} could not read"):
        run()


# Calls of every route
PLANTED = {"code": "ST103", "title": "Undocumented status code", "operations": [f"GET /{audit.PLANTED}"]}


def test_findings_of_calls_are_those_of_routes_that_exist_and_each_error_of_the_tool() -> None:
    found = PLANTED | {"operations": ["GET /review", "HEAD /review"]}
    report = {"failures": [PLANTED, found], "errors": [{"title": "Network error"}]}
    first, second = fuzzing.findings(report)
    assert (first, "Network error" in second) == ("ST103 Undocumented status code: GET /review, HEAD /review", True)
    assert fuzzing.findings(report | {"failures": [PLANTED], "errors": []}) == []
    with pytest.raises(audit.AuditError, match="misses the planted finding"):
        fuzzing.findings({"failures": [found], "errors": []})
