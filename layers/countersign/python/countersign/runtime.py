"""What a workflow runs with: its ports, made once from the environment, or the ones that a test puts in place."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cache

from countersign.domain.clock import Clock
from countersign.domain.policy import Policy, Terms
from countersign.ports import HandOff, RequestLedger, TaskLedger
from countersign.services.desk import Desk

EXECUTION_MARGIN = timedelta(hours=1)
"""How long before its execution times out a task's deadline must have passed, so that the workflow can still end."""


@dataclass(frozen=True)
class Runtime:
    """The ports of one workflow function.

    Attributes:
        workflow: The workflow's name.
        execution_timeout: How long Lambda lets an execution live.
        tasks: The ledger's tasks.
        requests: The ledger's requests.
        hand_off: The channel that carries tasks outside.
        clock: The time, read in steps only.
        policy: Who approves which amount; None where requests say so themselves. The version of the function holds it,
            so that an execution keeps the policy that it was started under.
    """

    workflow: str
    execution_timeout: timedelta
    tasks: TaskLedger
    requests: RequestLedger
    hand_off: HandOff
    clock: Clock
    policy: Policy | None = None

    @property
    def desk(self) -> Desk:
        """The bodies of this workflow's steps."""
        return Desk(self.tasks, self.hand_off, self.clock, self.workflow)

    def terms(self, amount: Decimal, currency: str) -> Terms:
        """Return what the policy says of an amount; where there is no policy, all is as the request has it.

        Raises:
            UncoveredAmountError: There is a policy, and it does not cover the amount.
        """
        return self.policy.terms(amount, currency) if self.policy else Terms()


_in_place: list[Runtime] = []


def current() -> Runtime:
    """Return the runtime in place: a test's, or the one of this function's environment.

    Raises:
        KeyError: The environment lacks LEDGER_TABLE, BUS_NAME, WORKFLOW or EXECUTION_TIMEOUT_SECONDS.
    """
    return _in_place[-1] if _in_place else _deployed()


@contextmanager
def use(runtime: Runtime) -> Iterator[Runtime]:
    """Put another runtime in place, for as long as the block lasts."""
    _in_place.append(runtime)
    try:
        yield runtime
    finally:
        _in_place.remove(runtime)


@cache
def _deployed() -> Runtime:
    return from_environment(os.environ)


def from_environment(environment: Mapping[str, str]) -> Runtime:
    """Return the runtime on AWS that these environment variables describe."""
    from countersign.adapters.dynamodb_ledger import DynamoLedger
    from countersign.adapters.event_bus import EventBus
    from countersign.aws import client
    from countersign.domain.clock import SystemClock

    ledger = DynamoLedger(client("dynamodb"), environment["LEDGER_TABLE"])
    return Runtime(
        workflow=environment["WORKFLOW"],
        execution_timeout=timedelta(seconds=int(environment["EXECUTION_TIMEOUT_SECONDS"])),
        tasks=ledger,
        requests=ledger,
        hand_off=EventBus(client("events"), environment["BUS_NAME"]),
        clock=SystemClock(),
        policy=Policy.from_document(json.loads(environment["POLICY"])) if environment.get("POLICY") else None,
    )
