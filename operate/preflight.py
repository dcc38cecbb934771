"""`preflight`: checks before a deploy that the account, the region and the settings are ready for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from operate.checks import Findings, account, capacity, delivery, domain, leftovers, running
from operate.errors import usage
from operate.examination import Result, examined
from operate.stage import Stage

CHECKS: dict[str, Callable[[Stage], Findings]] = {
    "settings": delivery.filled_in,
    "bootstrap": account.bootstrap,
    "stacks": leftovers.stacks,
    "drift": leftovers.drift,
    "executions": running.needed,
    "names": leftovers.names,
    "durable": capacity.durable_functions,
    "concurrency": capacity.concurrency,
    "quotas": capacity.quotas,
    "mail": delivery.ready,
    "domain": domain.domain,
}
"""The checks in the right account and region, in order."""


def examine(stage: Stage) -> Iterator[Result]:
    """Yield the results of all checks, which change nothing. In another account or region, check only the account.

    Raises:
        OperateError: The stage is unknown, its settings are faulty, or it is on the embedded cloud.
    """
    if stage.cloud:
        raise usage("the embedded cloud needs no preflight", "Name a stage of settings/ with --stage.")
    found = list(examined("account", account.account, stage))
    yield from found
    if not any(result.is_finding for result in found):
        for area, check in CHECKS.items():
            yield from examined(area, check, stage)
