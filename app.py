"""The CDK app: settings → stacks. Only this module reads the context; no module reads the environment.

Context:
    stage: The stage of `settings/<stage>.toml` to deploy; by default `local`, the embedded cloud.
    base_url: The API's public address, in place of the one in the settings.
    sender: The sender of mail, in place of the one in the settings.
    alarm_email: The receiver of alarms, in place of the one in the settings.
    restored_table: The ledger's table while it is outside the stacks: docs/recovery.md.
    settings: The folder of the settings; by default `settings/`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aws_cdk import App, Tags, Validations
from cdk_nag import AwsSolutionsChecks

from stacks.aws_limits import AwsLimits
from stacks.components.house.alarm import Watch
from stacks.components.house.python_function import PythonFunction
from stacks.components.house.sources import MissingSourceError, Sources
from stacks.components.watch.alarms import raise_alarms
from stacks.ledger_stack import LedgerStack
from stacks.monitoring_stack import MonitoringStack
from stacks.options import function_defaults
from stacks.patterns_stack import PatternsStack
from stacks.public_stack import PublicStack
from stacks.stage import extensions
from stacks.stage.extensions import ExtensionError
from stacks.stage.problems import SettingsError
from stacks.stage.settings import EMBEDDED, Settings
from stacks.stage.workflows import SHARES
from stacks.workflow_stack import WorkflowStack
from stacks.workflows_stack import WorkflowsStack
from tools.bytecode import BytecodeError, missing_runtime

SETTINGS = Path(__file__).resolve().parent / "settings"


@dataclass(frozen=True)
class Stacks:
    """The stacks of one stage. None refers to a later one."""

    ledger: LedgerStack
    public: PublicStack
    workflow: WorkflowStack
    patterns: PatternsStack | None
    shares: Sequence[WorkflowsStack]
    monitoring: MonitoringStack


def build(app: App, settings: Settings, sources: Sources) -> Stacks:
    """Add the stacks of a stage, their tags and the checks of security and limits to an app.

    Raises:
        ExtensionError: An extension cannot be deployed.
        MissingSourceError: `make layer` has not been run.
    """
    app.node.set_context("@aws-cdk/core:stackResourceLimit", 0)  # AwsLimits also says what to do
    named = settings.extensions
    sources = replace(
        sources, extensions=extensions.FOLDER, extension_workflows=named.workflows, extension_files=tuple(named.files)
    )
    functions = function_defaults(settings, sources)
    ledger = LedgerStack(app, "LedgerStack", settings=settings)
    public = PublicStack(app, "PublicStack", settings=settings, functions=functions, state=ledger)
    workflow = WorkflowStack(app, "WorkflowStack", settings=settings, functions=functions, state=ledger, public=public)
    patterns = None
    if settings.patterns:
        patterns = PatternsStack(
            app, "PatternsStack", settings=settings, functions=functions, state=ledger, public=public
        )
    shares = [
        WorkflowsStack(
            app,
            f"WorkflowsStack{name[-1].upper()}",
            name=name,
            settings=settings,
            functions=functions,
            state=ledger,
            public=public,
        )
        for name in settings.workflow_stacks
        if name in SHARES
    ]
    monitoring = _monitoring(app, settings, ledger, public)
    if ledger.key:
        ledger.key.cover(app)
    Tags.of(app).add("application", settings.app.name)
    Tags.of(app).add("stage", settings.stage)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), AwsLimits())
    return Stacks(ledger, public, workflow, patterns, shares, monitoring)


def _monitoring(app: App, settings: Settings, ledger: LedgerStack, public: PublicStack) -> MonitoringStack:
    """Add the alarms that the constructs of all stacks declare, a fork's too, and the stack that shows them."""
    everything = app.node.find_all()
    watches = [each for each in everything if isinstance(each, Watch)]
    return MonitoringStack(
        app,
        "MonitoringStack",
        settings=settings,
        watches=watches,
        alarms=raise_alarms(watches, ledger.alarms.topic, emulated=settings.monitoring.emulated),
        log_groups=[each.log_group for each in everything if isinstance(each, PythonFunction)],
        access_log=public.api_stage.access_log,
    )


def settings_of(app: App) -> Settings:
    """Return the settings of the stage that the context names, with the context's values.

    Raises:
        SettingsError: The stage cannot be deployed.
        ExtensionError: An extension cannot be deployed.
    """
    context = app.node.try_get_context
    file = Path(context("settings") or SETTINGS) / f"{context('stage') or EMBEDDED}.toml"
    settings = Settings.to_deploy(file, **{key: context(key) or "" for key in ("base_url", "sender", "alarm_email")})
    return settings.model_copy(update={"restored_table": context("restored_table") or ""})


def main() -> int:
    """Synthesise the stage that the context names."""
    if warning := missing_runtime():
        print(warning, file=sys.stderr)
    app = App()
    try:
        build(app, settings_of(app), Sources.of_checkout())
    except (BytecodeError, ExtensionError, MissingSourceError, SettingsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
