"""Audit the kit's security: `make audit`. Prints a line for each tool, then all findings; exits with 1 on any.

    python -m tools.audit            every stage of settings/

Templates of every stage go to cdk-nag (its AwsSolutions and NIST 800-53 revision 5 packs), cfn-lint and checkov, the
code to bandit, the locked packages to pip-audit. Accepted findings have their reason beside them:
in `stacks/` by `components/house/findings.py`, in code by `# nosec`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.setup import ROOT

if TYPE_CHECKING:
    from aws_cdk import App

PROGRAMS = ROOT / ".local" / "audit-venv" / "bin"
LOCKS = (
    ROOT / "requirements.txt",
    ROOT / "layers" / "vendor" / "requirements.txt",
    ROOT / "local" / "requirements.txt",
)
CODE = ("app.py", "benchmarks", "docs", "lambdas", "layers/countersign", "local", "operate", "stacks", "tools")

FILLED_IN = {"sender": "approvals@countersign.internal", "alarm_email": "oncall@countersign.internal"}
"""Context in place of what a user fills in: a stage with placeholders is not synthesised."""

PLANTED = "planted-for-the-audit"
"""The folder of planted findings: a tool that misses them is broken, and its silence proves nothing."""

KNOWN_TO_BE_VULNERABLE = "jinja2==2.10"
"""CVE-2019-10906 and others. Without a network pip-audit finds no vulnerability anywhere, and reports no error. It must
find those of this package.
"""

REDUNDANT_DEPENDS_ON = "W3005"
"""CDK names a function's role both as its role and in `DependsOn`."""


@dataclass(frozen=True)
class Report:
    """The result of one tool.

    Attributes:
        tool: Its name.
        looked_at: What it has checked, in a few words with a number.
        findings: Its findings, one line each.
        skipped: Why it did not run, and how to run it; empty if it ran.
    """

    tool: str
    looked_at: str
    findings: tuple[str, ...] = ()
    skipped: str = ""

    def __str__(self) -> str:
        """Return the line for it."""
        if self.skipped:
            return f"{self.tool:10} SKIPPED: {self.skipped}"
        return f"{self.tool:10} {len(self.findings)} findings in {self.looked_at}"


class AuditError(Exception):
    """A tool failed, so its findings are unknown."""


def main() -> int:
    """Audit, and return 0 only if nothing was found."""
    reports = []
    with tempfile.TemporaryDirectory(prefix="countersign-audit-") as folder:
        for report in _reports(Path(folder)):
            print(report, flush=True)
            reports.append(report)
    for report in reports:
        for finding in report.findings:
            print(f"{report.tool}: {finding}", file=sys.stderr)
    return 1 if any(report.findings for report in reports) else 0


def _reports(folder: Path) -> Iterator[Report]:
    """Yield the report of each tool as soon as the tool ends."""
    planted = plant(folder)
    yield cdk_nag(synthesise_stages(folder))
    yield cfn_lint(folder)
    yield checkov(folder)
    yield bandit([planted, *(ROOT / name for name in CODE)])
    yield pip_audit(LOCKS)


def plant(folder: Path) -> Path:
    """Write a template and a program that cfn-lint, checkov and bandit must complain of, and return their folder."""
    planted = folder / PLANTED
    planted.mkdir()
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"Encrypted": True}}
    (planted / "Planted.template.json").write_text(json.dumps({"Resources": {"Queue": queue}}), encoding="utf-8")
    (planted / "planted.py").write_text("import subprocess\nsubprocess.run(input(), shell=True)\n", encoding="utf-8")
    return planted


def synthesise_stages(folder: Path) -> list[Path]:
    """Synthesise every stage with both packs of rules, below a folder, and return where each is."""
    from app import SETTINGS

    stages = sorted(path.stem for path in SETTINGS.glob("*.toml"))
    for stage in stages:
        # A process each: one process of the CDK after another grows, and three stages take two gigabytes.
        command = [sys.executable, "-m", "tools.audit", "synth", stage, str(folder / stage)]
        _run(command, accepted=(0,))
    return [folder / stage for stage in stages]


def synthesise(stage: str, folder: Path) -> None:
    """Write a stage's templates and cdk-nag's findings to a folder."""
    from aws_cdk import App

    from app import build, settings_of
    from stacks.components.house.sources import Sources
    from stacks.components.state.customer_key import leave_keys_to_aws

    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    app = App(context=context | FILLED_IN | {"stage": stage}, outdir=str(folder))
    stacks = build(app, settings_of(app), Sources.of_checkout())
    if stacks.ledger.key is None:
        leave_keys_to_aws(app)
    judge(app)


def judge(app: App) -> None:
    """Synthesise an app into its folder, with the rules of NIST 800-53 besides its own.

    Raises:
        AuditError: The synthesis left no report.
    """
    from aws_cdk import Validations
    from cdk_nag import NIST80053R5Checks

    Validations.of(app).add_plugins(NIST80053R5Checks(app))
    with suppress(RuntimeError):  # raised on findings, which the report lists
        app.synth()
    if not (Path(app.outdir) / "validation-report.json").is_file():
        raise AuditError(f"{app.outdir} has no report: does make synth work?")


def cdk_nag(assemblies: Sequence[Path]) -> Report:
    """Report what the rules found while the stages were synthesised."""
    findings = [
        f"{assembly.name}: {violation['ruleName']} {construct['constructPath']}: {violation['description']}"
        for assembly in assemblies
        for plugin in json.loads((assembly / "validation-report.json").read_text(encoding="utf-8"))["pluginReports"]
        for violation in plugin["violations"]
        for construct in violation["violatingConstructs"]
    ]
    return Report("cdk-nag", f"{len(assemblies)} stages, AwsSolutions and NIST 800-53 R5", tuple(findings))


def cfn_lint(folder: Path) -> Report:
    """Report what CloudFormation's linter finds in the templates below a folder."""
    templates = [str(template) for template in sorted(folder.glob("*/*.template.json"))]
    options = ["--format", "json", "--ignore-checks", REDUNDANT_DEPENDS_ON, "--regions", "eu-central-1", "us-east-1"]
    # Exits with the sum of 2 for errors, 4 for warnings and 8 for information.
    said = json.loads(_run(["cfn-lint", *options, "--", *templates], accepted=range(2, 15, 2)))
    findings = [f"{found['Filename']}: {found['Rule']['Id']} {found['Message']}" for found in said]
    return _without_planted("cfn-lint", f"{len(templates) - 1} templates", findings)


def checkov(folder: Path) -> Report:
    """Report what checkov's rules for CloudFormation find in the templates below a folder."""
    command = ["checkov", "--directory", str(folder), "--framework", "cloudformation"]
    said = json.loads(_run([*command, "--skip-download", "--compact", "--quiet", "--output", "json"], accepted=(1,)))
    counted = said["summary"]
    if counted["parsing_errors"]:
        raise AuditError(f"checkov could not read the templates: {counted}")
    findings = [
        f"{found['file_path']}: {found['check_id']} {found['resource']}: {found['check_name']}"
        for found in said["results"]["failed_checks"]
    ]
    looked_at = f"{counted['resource_count'] - 1} resources, {counted['skipped']} accepted where they stand"
    return _without_planted("checkov", looked_at, findings)


def bandit(code: Sequence[Path]) -> Report:
    """Report what bandit finds in folders and files of Python."""
    command = ["bandit", "--quiet", "--recursive", "--configfile", str(ROOT / "pyproject.toml"), "--format", "json"]
    said = json.loads(_run([*command, *map(str, code)], accepted=(1,)))
    if said["errors"]:
        raise AuditError(f"bandit could not read {said['errors']}")
    findings = [
        f"{found['filename']}:{found['line_number']}: {found['test_id']} {found['issue_text']}"
        for found in said["results"]
    ]
    total = said["metrics"]["_totals"]
    looked_at = f"{total['loc']} lines, {total['skipped_tests']} accepted where they stand"
    return _without_planted("bandit", looked_at, findings)


def _without_planted(tool: str, looked_at: str, findings: Sequence[str]) -> Report:
    """Return the report of a tool without the planted findings.

    Raises:
        AuditError: The tool has missed the planted findings.
    """
    genuine = tuple(finding for finding in findings if PLANTED not in finding)
    if len(genuine) == len(findings):
        raise AuditError(f"{tool} misses the planted findings, so its result proves nothing")
    return Report(tool, looked_at, genuine)


def pip_audit(locks: Sequence[Path]) -> Report:
    """Report the vulnerabilities that are known of locked packages, if they can be looked up."""
    with tempfile.TemporaryDirectory() as folder:
        control = Path(folder) / "requirements.txt"
        control.write_text(f"{KNOWN_TO_BE_VULNERABLE}\n", encoding="utf-8")
        if not _vulnerabilities(control, "--no-deps"):
            why = f"it finds nothing in {KNOWN_TO_BE_VULNERABLE}, so it cannot reach the database of advisories"
            advice = "run make audit again with a network"
            return Report("pip-audit", "", skipped=f"{why}; {advice}")
    findings: list[str] = []
    for lock in locks:
        known = _vulnerabilities(lock, "--require-hashes")
        if known is None:
            raise AuditError(f"pip-audit could not look up the packages of {lock}: run make audit again")
        findings += [f"{lock}: {each}" for each in known]
    return Report("pip-audit", f"{len(locks)} locks", tuple(findings))


def _vulnerabilities(requirements: Path, option: str) -> list[str] | None:
    """Return the known vulnerabilities of a file's packages, one line each; None if the lookup failed."""
    command = ["pip-audit", "--requirement", str(requirements), "--disable-pip", option]
    # It exits with 1 on findings, and on a failed lookup; then it prints nothing.
    answer = _run([*command, "--format", "json", "--progress-spinner", "off"], accepted=(0, 1))
    if not answer:
        return None
    return [
        f"{package['name']} {package['version']}: {vulnerability['id']}, fixed in {vulnerability['fix_versions']}"
        for package in json.loads(answer)["dependencies"]
        for vulnerability in package.get("vulns", ())
    ]


def _run(command: Sequence[str], *, accepted: Collection[int]) -> str:
    """Run a program of the audit's environment, or one by its path, and return what it printed.

    Raises:
        AuditError: It is missing, or its exit status is not an accepted one.
    """
    try:
        finished = subprocess.run(
            [PROGRAMS / command[0], *command[1:]],
            cwd=ROOT,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise AuditError(f"{command[0]} did not start: {error}; run make audit, which sets it up") from error
    if finished.returncode not in accepted:
        raise AuditError(f"{' '.join(command[:3])} ended with {finished.returncode}:\n{finished.stderr[-2000:]}")
    return finished.stdout


if __name__ == "__main__":
    try:
        if sys.argv[1:2] == ["synth"]:
            synthesise(sys.argv[2], Path(sys.argv[3]))
        else:
            sys.exit(main())
    except AuditError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
