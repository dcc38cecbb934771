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
from countersign.ports import Cipher, Directory, HandOff, Ledger
from countersign.services.waits import Waits

EXECUTION_MARGIN = timedelta(hours=1)
"""How long before its execution times out a task's deadline must have passed, so that the workflow can still end."""


@dataclass(frozen=True)
class Runtime:
    """The ports of one workflow function.

    Attributes:
        workflow: The workflow's name.
        execution_timeout: How long Lambda lets an execution live.
        ledger: The ledger.
        hand_off: The channel that carries tasks outside.
        directory: What is known of people.
        clock: The time, read in steps only.
        callbacks_url: Where machines answer.
        key: What opens encrypted answers; None where the workflow has none.
        policy: Who approves which amount; None where requests say so themselves. The version of the function holds it,
            so that an execution keeps the policy that it was started under.
        operators: Who settles held payments; nobody in other workflows. The version of the function holds it, too.
    """

    workflow: str
    execution_timeout: timedelta
    ledger: Ledger
    hand_off: HandOff
    directory: Directory
    clock: Clock
    callbacks_url: str = ""
    key: Cipher | None = None
    policy: Policy | None = None
    operators: tuple[str, ...] = ()

    @property
    def waits(self) -> Waits:
        """The bodies of this workflow's steps."""
        return Waits(self.ledger, self.hand_off, self.directory, self.clock, self.workflow, self.callbacks_url)

    @property
    def cipher(self) -> Cipher:
        """What opens encrypted answers.

        Raises:
            LookupError: The function was deployed without a key.
        """
        if self.key is None:
            raise LookupError("the function has no ANSWERS_KEY; give its workflow `encrypted = true` in the settings")
        return self.key

    def bounded(self, deadline_seconds: int) -> int:
        """Return a deadline, in seconds from the start, cut to what an execution can keep and still end by itself."""
        return min(deadline_seconds, int((self.execution_timeout - EXECUTION_MARGIN).total_seconds()))

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
        KeyError: The environment lacks a variable that `from_environment` reads.
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
    from countersign.adapters.directory import DynamoDirectory
    from countersign.adapters.dynamodb_ledger import DynamoLedger
    from countersign.adapters.event_bus import EventBus
    from countersign.domain.clock import SystemClock
    from countersign.functions.clients import client

    dynamodb = client("dynamodb")
    return Runtime(
        workflow=environment["WORKFLOW"],
        execution_timeout=timedelta(seconds=int(environment["EXECUTION_TIMEOUT_SECONDS"])),
        ledger=DynamoLedger(dynamodb, environment["LEDGER_TABLE"]),
        hand_off=EventBus(client("events"), environment["BUS_NAME"]),
        directory=DynamoDirectory.from_environment(dynamodb, environment),
        clock=SystemClock(),
        key=_cipher(environment),
        callbacks_url=f"{environment['BASE_URL'].rstrip('/')}/callbacks",
        policy=Policy.from_document(json.loads(environment["POLICY"])) if environment.get("POLICY") else None,
        operators=tuple(json.loads(environment.get("OPERATORS") or "[]")),
    )


def _cipher(environment: Mapping[str, str]) -> Cipher | None:
    key_id = environment.get("ANSWERS_KEY")
    if not key_id:
        return None
    from countersign.adapters.kms import KmsCipher
    from countersign.functions.clients import client

    return KmsCipher(client("kms"), key_id)
