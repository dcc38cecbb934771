"""What `make audit` makes of what its programs say: findings, silence, failures, and no database to look things up."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tools import audit

REAL_PROGRAMS = audit.PROGRAMS
CLEAN: dict[str, dict[str, Any]] = {
    "checkov": {"summary": {"resource_count": 9, "skipped": 2, "parsing_errors": 0}, "results": {"failed_checks": []}},
    "bandit": {"errors": [], "results": [], "metrics": {"_totals": {"loc": 10, "skipped_tests": 1}}},
}
FAILED_CHECK = {"check_id": "CKV_AWS_27", "resource": "AWS::SQS::Queue.Q", "check_name": "Encrypt"}
FAILED_TEST = {"filename": "planted.py", "line_number": 3, "test_id": "B602", "issue_text": "shell=True"}
FOUND: dict[str, dict[str, Any]] = {
    "checkov": CLEAN["checkov"] | {"results": {"failed_checks": [FAILED_CHECK]}},
    "bandit": CLEAN["bandit"] | {"results": [FAILED_TEST]},
}
VIOLATION = {
    "ruleName": "AwsSolutions-SQS4",
    "description": "TLS",
    "violatingConstructs": [{"constructPath": "S/Q"}],
}
VULNERABLE = {
    "dependencies": [{"name": "jinja2", "version": "2.10", "vulns": [{"id": "CVE-1", "fix_versions": ["2.11"]}]}]
}
IN_ORDER: dict[str, Any] = {"dependencies": [{"name": "jinja2", "version": "3.1.6", "vulns": []}]}


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the programs of the audit are; by default all find nothing, and pip-audit what it must."""
    monkeypatch.setattr(audit, "PROGRAMS", tmp_path)
    for name, said in CLEAN.items():
        answer(tmp_path, name, said, status=0)
    lookup(tmp_path, control=VULNERABLE, locks=IN_ORDER)
    return tmp_path


def answer(programs: Path, name: str, said: Mapping[str, Any], *, status: int = 1) -> None:
    _program(programs / name, f"echo '{json.dumps(said)}'\nexit {status}")


def lookup(programs: Path, *, control: Mapping[str, Any] | None, locks: Mapping[str, Any] | None) -> None:
    """Have pip-audit say one thing of what is known to be vulnerable, and another of the locks; nothing for None."""
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
    """One stage that was synthesised, with nothing in it to find."""
    stage = tmp_path / "assembly"
    stage.mkdir()
    (stage / "validation-report.json").write_text('{"pluginReports": []}')
    (stage / "Stack.template.json").write_text('{"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}')
    monkeypatch.setattr(audit, "synthesise_stages", lambda folder: [stage])
    return stage


Run = Callable[[], tuple[int, list[str], str]]


@pytest.fixture
def run(programs: Path, stages: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the audit; the result is its status, the lines that it prints, and its errors."""

    def once() -> tuple[int, list[str], str]:
        status, printed = audit.main(), capsys.readouterr()
        return status, printed.out.splitlines(), printed.err

    return once


def test_with_nothing_found_it_ends_well_with_a_line_for_each_tool(run: Run) -> None:
    status, lines, _ = run()
    assert status == 0
    assert [line.split()[0] for line in lines] == ["cdk-nag", "cfn-lint", "checkov", "bandit", "pip-audit"]
    assert all(" 0 findings in " in line for line in lines)
    assert lines[2].endswith("9 resources, 2 accepted where they stand")


@pytest.mark.parametrize("tool", sorted(FOUND))
def test_a_planted_finding_of_a_program_fails_it(programs: Path, run: Run, tool: str) -> None:
    answer(programs, tool, FOUND[tool])
    status, lines, errors = run()
    assert status == 1
    assert any(line.startswith(f"{tool:10} 1 findings") for line in lines)
    assert errors.startswith(f"{tool}: ")


def test_a_planted_violation_of_a_rule_and_a_vulnerable_package_fail_it(programs: Path, stages: Path, run: Run) -> None:
    (stages / "validation-report.json").write_text(json.dumps({"pluginReports": [{"violations": [VIOLATION]}]}))
    assert run()[::2] == (1, "cdk-nag: assembly: AwsSolutions-SQS4 S/Q: TLS\n")
    lookup(programs, control=VULNERABLE, locks=VULNERABLE)
    assert "jinja2 2.10: CVE-1, fixed in ['2.11']" in run()[2]


@pytest.mark.parametrize("control", [None, IN_ORDER], ids=["says nothing", "finds nothing"])
def test_where_nothing_can_be_looked_up_it_says_that_it_did_not_and_how_to(
    programs: Path, run: Run, control: Any
) -> None:
    lookup(programs, control=control, locks=IN_ORDER)
    status, lines, _ = run()
    assert status == 0
    (line,) = [line for line in lines if line.startswith("pip-audit")]
    assert "SKIPPED: " in line
    assert "run make audit where the database of advisories is in reach" in line


def test_a_lookup_that_fails_half_way_is_no_silence(programs: Path) -> None:
    lookup(programs, control=VULNERABLE, locks=None)
    with pytest.raises(audit.AuditError, match=r"could not look up the packages of .*requirements\.txt"):
        audit.pip_audit(audit.LOCKS)


def test_a_program_that_does_not_do_its_work_or_is_not_there_is_no_silence(programs: Path) -> None:
    for status in (2, 127):
        answer(programs, "bandit", {}, status=status)
        with pytest.raises(audit.AuditError, match=f"ended with {status}"):
            audit.bandit([])
    (programs / "bandit").unlink()
    with pytest.raises(audit.AuditError, match="run make audit, which sets it up"):
        audit.bandit([])


@pytest.mark.parametrize("wrong", [{"parsing_errors": 1}, {"resource_count": 0}])
def test_templates_that_checkov_could_not_read_are_no_silence(
    programs: Path, stages: Path, wrong: dict[str, int]
) -> None:
    answer(programs, "checkov", CLEAN["checkov"] | {"summary": CLEAN["checkov"]["summary"] | wrong})
    with pytest.raises(audit.AuditError, match="could not read the templates of assembly"):
        audit.checkov([stages])


@pytest.mark.skipif(not (REAL_PROGRAMS / "bandit").is_file(), reason="make audit sets it up")
def test_bandit_itself_finds_what_was_planted(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text("import subprocess\n\nsubprocess.run(input(), shell=True)\n")
    (finding,) = audit.bandit([planted]).findings
    assert "planted.py:3: B602" in finding


@pytest.mark.skipif(not (REAL_PROGRAMS / "checkov").is_file(), reason="make audit sets it up")
def test_checkov_itself_finds_what_was_planted(tmp_path: Path) -> None:
    template = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "careless"}}}}
    (tmp_path / "Stack.template.json").write_text(json.dumps(template))
    assert any("CKV_AWS_27" in finding for finding in audit.checkov([tmp_path]).findings)
