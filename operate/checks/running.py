"""Running executions: their number by version, and the resources and settings that they need."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress

from countersign.domain.tasks import Status
from operate.checks import Findings, Note
from operate.errors import OperateError
from operate.executions import unended
from operate.releases import Releases
from operate.stage import Stage
from stacks.stage.workflows import WorkflowSettings

_Running = Mapping[str, Mapping[int, int]]
"""The numbers of running executions, by workflow and version."""

_UNTIL = "until they have ended, or stop them"
_KEEP = {
    "ANSWERS_KEY": "keep encrypted = true under [workflows.{}]",
    "BASE_URL": "keep this address in service",
    "KMSKeyArn": "keep customer_keys = true under [encryption]",
}


def executions(stage: Stage) -> Findings:
    """Count the running executions of each workflow, and check that the stage has what their versions name."""
    running = _running(stage)
    if not any(running.values()):
        yield "no execution is running", ""
    for workflow in sorted(running):
        with suppress(OperateError):  # its alias is missing, which another check reports
            yield from _of_workflow(stage, workflow, running[workflow])
    yield from _needed(stage, running)


def needed(stage: Stage) -> Findings:
    """Check before a deploy that the settings keep what running executions need."""
    if not {stage.stack_name(stack) for stack in ("ledger", "public", "workflow")} <= stage.present.keys():
        yield "the stage is not completely deployed: executions were not checked", ""
        return
    running = _running(stage)
    total = sum(sum(versions.values()) for versions in running.values())
    yield from list(_needed(stage, running)) or [(f"the settings keep what {total} running executions need", "")]


def _running(stage: Stage) -> _Running:
    running: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for workflow in stage.merged("Workflows"):
        running[workflow] = Counter()
    for execution in unended(stage):
        running[execution.workflow][int(execution.version)] += 1
    return running


def _of_workflow(stage: Stage, workflow: str, running: Mapping[int, int]) -> Findings:
    releases, settings = Releases.of(stage, workflow), stage.settings.every_workflow.get(workflow)
    if running:
        versions = (f"{count} on version {version}" for version, count in sorted(running.items()))
        yield f"{workflow}: {', '.join(versions)}", ""
    for version in sorted(running):
        yield from _gone(stage, releases, workflow, version, running[version])
    if releases.live < (newest := max(releases.versions)):
        what = f"{workflow} was rolled back to version {releases.live}; the newest is {newest}"
        yield what, Note("correct the workflow, and deploy it")
    if settings and settings.retired and not running:
        yield _retired(stage, workflow)


def _gone(stage: Stage, releases: Releases, workflow: str, version: int, running: int) -> Findings:
    """Yield what executions on a version need and the stage has lost, unless the settings drop it too."""
    dropped = dict(_dropped(stage, stage.settings.every_workflow.get(workflow), releases.named(version)))
    for name, value in releases.gone(version):
        if name not in dropped:
            what = f"executions on version {version} of {workflow} ({running}) need {name} {value}, which is gone"
            yield what, f"{_KEEP.get(name, 'restore it under this name').format(workflow)} {_UNTIL}"


def _retired(stage: Stage, workflow: str) -> tuple[str, str]:
    if any(request.workflow == workflow for request in stage.ledger.unstarted()):
        return f"{workflow} is retired, and a recorded request waits for its start", ""
    advice = f"write enabled = false under [workflows.{workflow}], or remove the table, and deploy"
    if workflow not in stage.settings.workflows:
        advice = f"remove [patterns], deploy, and delete the stack {stage.stack_name('patterns')}"
    return f"{workflow} is retired, and its last execution has ended", Note(advice)


def _needed(stage: Stage, running: _Running) -> Findings:
    """Yield what running executions need and the settings leave out."""
    for workflow, versions in running.items():
        if workflow not in stage.settings.every_workflow and versions:
            what = f"executions of {workflow} run ({sum(versions.values())}), and the settings leave the workflow out"
            yield what, f"put the workflow back with retired = true {_UNTIL}"
        elif versions:
            with suppress(OperateError):  # its alias is missing, which doctor reports
                yield from _needed_on(stage, workflow, versions)
    yield from _payments(stage)


def _needed_on(stage: Stage, workflow: str, versions: Mapping[int, int]) -> Findings:
    releases, settings = Releases.of(stage, workflow), stage.settings.every_workflow[workflow]
    for version, running in sorted(versions.items()):
        for name, value in _dropped(stage, settings, releases.named(version)):
            what = f"executions on version {version} of {workflow} ({running}) need {name} {value}"
            yield what, f"{_KEEP[name].format(workflow)} {_UNTIL}"


def _dropped(stage: Stage, settings: WorkflowSettings | None, named: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    kept = {
        "ANSWERS_KEY": settings is None or settings.encrypted,
        "KMSKeyArn": stage.settings.encryption.customer_keys,
    }
    return ((name, named[name]) for name, is_kept in kept.items() if name in named and not is_kept)


def _payments(stage: Stage) -> Findings:
    """Yield the providers and partners that the settings leave out although open tasks wait for their events."""
    known = {*stage.settings.providers, *stage.settings.partners}
    waiting = Counter(
        task.question.correlation.provider
        for task in stage.ledger.in_status()
        if task.status is Status.OPEN and task.question.correlation
    )
    for provider in sorted(waiting.keys() - known):
        what = f"open tasks ({waiting[provider]}) wait for events of {provider}, which the settings leave out"
        yield what, "put it back under [providers] or [partners] until they have ended, or withdraw them"
