"""The sweeper: on a schedule, repairs overdue work, and counts the findings that need a person."""

from collections import Counter
from datetime import timedelta
from typing import Any

from countersign.composition import Ports, once
from countersign.functions.batches import run_one
from countersign.functions.http import where_it_failed
from countersign.functions.log import logger
from countersign.functions.telemetry import about, count
from countersign.services.provider_events import ProviderEvents
from countersign.services.rings import Rings
from countersign.services.starts import Starts
from countersign.services.sweeps import Finding, Lost, Sweeps

STAYS_LOST = {
    Lost.DECISION: "DecisionsOverdue",
    Lost.DEADLINE: "DeadlinesOverdue",
    Lost.HAND_OFF: "HandOffsOverdue",
    Lost.WITHDRAWAL: "WithdrawalsOverdue",
    Lost.START: "StartsOverdue",
    Lost.REFUND: "RefundsInDoubt",
    Lost.EVENT: "EventsOverdue",
}
"""The metrics of findings that need a person; alarms watch them."""


@once
def sweeps(ports: Ports) -> Sweeps:
    """Return the use case with its ports. The table `workflows` is that of `requests_api`."""
    ledger, clock, environment = ports.ledger, ports.clock, ports.environment
    rings = Rings(ledger, ports.doorbell, clock, actor="sweeper")
    functions = {name: workflow["function"] for name, workflow in environment.table("workflows").items()}
    starts = Starts(ledger, ports.starter(functions))
    events, grace = ProviderEvents(ledger, clock), environment.seconds("GRACE_SECONDS")
    return Sweeps(ledger, rings, starts, events, ports.executions, clock, grace)


@once
def at_most(ports: Ports) -> timedelta:
    """Return how long a sweep starts new repairs."""
    return ports.environment.seconds("AT_MOST_SECONDS")


def sweep(_: Any) -> None:
    """Sweep once, and log and count the findings."""
    found: Counter[str] = Counter()
    try:
        for finding in sweeps().sweep(at_most()):
            found[tell(finding)] += 1
    finally:  # reported findings must be counted even if the ledger fails
        for name, number in found.items():
            count(name, number)


def tell(finding: Finding) -> str:
    """Log one finding, and return its metric."""
    is_request, is_event = finding.lost is Lost.START, finding.lost is Lost.EVENT
    about(task_id="" if is_request or is_event else finding.name, request_id=finding.name if is_request else "")
    where = where_it_failed(finding.error) if finding.error else {}
    log = logger.info if finding.mended else logger.error
    log("overdue", lost=finding.lost, about=finding.name, mended=finding.mended, **where)
    return "Mended" if finding.mended else STAYS_LOST[finding.lost]


def handler(event: dict[str, Any], _: Any) -> None:
    """Lambda's entry; the event has no content."""
    run_one(sweep, event)
