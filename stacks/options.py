"""Turn a stage's settings into the plain options that constructs take."""

from __future__ import annotations

from typing import Any

from aws_cdk import Environment, RemovalPolicy
from aws_cdk.aws_logs import RetentionDays

from countersign.presentation.brand import PLAIN, Brand
from stacks.components.actors.looks import LooksFunction
from stacks.components.edge.api import Throttle
from stacks.components.flow.workflow_function import WorkflowFunction
from stacks.components.house.function_options import FunctionDefaults
from stacks.components.house.sources import Sources
from stacks.stage import settings as stage
from stacks.stage.brand import DARK, shade
from stacks.stage.logo import encoded
from stacks.stage.policies import policy_document
from stacks.stage.settings import LOG_RETENTION_DAYS, Settings
from stacks.stage.workflows import WorkflowSettings

_RETENTION = dict(
    zip(
        LOG_RETENTION_DAYS,
        (
            RetentionDays.ONE_DAY,
            RetentionDays.THREE_DAYS,
            RetentionDays.ONE_WEEK,
            RetentionDays.TWO_WEEKS,
            RetentionDays.ONE_MONTH,
            RetentionDays.THREE_MONTHS,
            RetentionDays.SIX_MONTHS,
            RetentionDays.ONE_YEAR,
            RetentionDays.TWO_YEARS,
            RetentionDays.FIVE_YEARS,
            RetentionDays.TEN_YEARS,
        ),
        strict=True,
    )
)


def environment(settings: Settings) -> Environment | None:
    """Return the account and region of the stage's stacks; None for those of the credentials."""
    account = settings.account
    return Environment(account=account.id, region=account.region) if account else None


def log_retention(settings: Settings) -> RetentionDays:
    """Return how long the stage keeps its logs."""
    return _RETENTION[settings.functions.log_retention_days]


def removal_policy(settings: Settings) -> RemovalPolicy:
    """Return whether the stage's data and logs outlive their stack; never if the deploy that made them fails."""
    return RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if settings.ledger.protected else RemovalPolicy.DESTROY


def function_defaults(settings: Settings, sources: Sources) -> FunctionDefaults:
    """Return the defaults of all functions of the stage."""
    return FunctionDefaults(
        sources=sources,
        stage=settings.title,
        log_retention=log_retention(settings),
        tracing=settings.functions.tracing,
        tracing_layer=settings.functions.tracing_layer,
        removal_policy=removal_policy(settings),
    )


def throttle(table: stage.Throttle) -> Throttle:
    """Turn a throttle of the settings into the API's."""
    return Throttle(table.rate_per_second, table.burst)


def workflow_functions(settings: Settings) -> list[WorkflowFunction]:
    """Return the function of every workflow of the stage."""
    return [
        WorkflowFunction(name, f"{settings.prefix}{name}", stack)
        for stack, workflows in settings.workflow_stacks.items()
        for name in workflows
    ]


def looks_function(settings: Settings) -> LooksFunction | None:
    """Return the function that asks providers; None if the stage asks none."""
    asked = tuple(name for name, each in settings.providers.items() if each.look)
    return LooksFunction(settings.looks_function, asked) if asked else None


def request_tables(settings: Settings) -> dict[str, Any]:
    """Return the tables of the requests function."""
    providers = sorted({*settings.providers, *settings.partners})
    deployed = settings.every_workflow
    return {
        "workflows": {
            each.workflow: _startable(each, deployed[each.workflow]) for each in workflow_functions(settings)
        },
        "policies": {name: policy_document(rows) for name, rows in settings.policies.items()},
        "requests": {
            "providers": providers,
            "prover": settings.prove.role,
            **settings.requests.model_dump(mode="json"),
            "callers": {role: caller.document for role, caller in settings.callers.items()},
        },
    }


def brand_table(settings: Settings) -> Brand:
    """Return the brand of the functions that write pages and mails.

    Raises:
        LogoError: The file of the logo cannot be used.
    """
    brand = settings.brand
    logo = encoded(settings.folder / brand.logo) if brand.logo else None
    dark = PLAIN["dark"] if brand.accent == PLAIN["light"] else shade(brand.accent, "#ffffff", DARK)
    return {
        "name": brand.name or PLAIN["name"],
        "why": brand.why,
        "light": brand.accent,
        "dark": dark,
        "logo": logo.base64 if logo else "",
        "width": logo.width if logo else 0,
        "height": logo.height if logo else 0,
    }


def readers(settings: Settings) -> dict[str, str]:
    """Return the variables with the language and time zone of people about whom nothing else is known."""
    return {"LANGUAGE": settings.people.language, "TIME_ZONE": settings.people.time_zone}


def _startable(function: WorkflowFunction, workflow: WorkflowSettings) -> dict[str, Any]:
    """Return the row of one workflow in the table of `requests_api`."""
    return {
        "function": function.live_name,
        "deadline_seconds": workflow.deadline_seconds,
        "contract": workflow.contract or function.workflow,
        "retired": workflow.retired,
    }
