"""The one place that makes a function's ports from its environment.

Each port is made on first use and kept. Its adapter is imported at that time, so that a cold start does not import the
adapters of other functions.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any, TypeVar

from countersign.domain.clock import Clock, SystemClock
from countersign.functions.clients import client
from countersign.functions.environment import Environment

if TYPE_CHECKING:
    from countersign.adapters.queue import DeadLetters
    from countersign.ports import (
        AuditArchive,
        Bus,
        Cipher,
        Counters,
        Directory,
        Doorbell,
        ExecutionStates,
        HandOff,
        Heartbeats,
        KeptEvents,
        Ledger,
        PaymentLooks,
        Places,
        ProviderApi,
        Secrets,
        WorkflowStarter,
    )

Made = TypeVar("Made")

_LOOK_SECONDS = 16
"""A second longer than the function that asks providers may take."""


class Ports:
    """A function's ports on AWS. Tests assign fakes to the ports that they replace.

    Attributes:
        environment: The function's environment variables and tables.
        clock: The time.
    """

    def __init__(self, variables: Mapping[str, str], tables: Mapping[str, Any] | None = None) -> None:
        self.environment = Environment(variables, tables)
        self.clock: Clock = SystemClock()
        self._made: dict[Callable[[Ports], Any], Any] = {}

    @cached_property
    def ledger(self) -> "Ledger":
        """The ledger, in the table LEDGER_TABLE."""
        from countersign.adapters.dynamodb_ledger import DynamoLedger

        return DynamoLedger(client("dynamodb"), self.environment.text("LEDGER_TABLE"))

    @cached_property
    def directory(self) -> "Directory":
        """The directory, in the table DIRECTORY_TABLE; DIRECTORY_TAGS `separate` keeps subaddresses apart."""
        from countersign.adapters.directory import SEPARATE_TAGS, DynamoDirectory

        separate = self.environment.text("DIRECTORY_TAGS", "") == SEPARATE_TAGS
        table = self.environment.text("DIRECTORY_TABLE")
        return DynamoDirectory(client("dynamodb"), table, separate_tags=separate)

    @cached_property
    def counters(self) -> "Counters":
        """The counters of the rate limits, in the table LIMITS_TABLE."""
        from countersign.adapters.counters import DynamoCounters

        return DynamoCounters(client("dynamodb"), self.environment.text("LIMITS_TABLE"))

    @cached_property
    def places(self) -> "Places":
        """The places of waiting callers, WAITING of them, in the table LIMITS_TABLE."""
        from countersign.adapters.places import DynamoPlaces

        number = int(self.environment.text("WAITING"))
        return DynamoPlaces(client("dynamodb"), self.environment.text("LIMITS_TABLE"), number)

    @cached_property
    def hand_off(self) -> "HandOff":
        """The hand-off bus, BUS_NAME."""
        return self.bus

    @cached_property
    def bus(self) -> "Bus":
        """The hand-off bus, for many envelopes and events at once."""
        from countersign.adapters.event_bus import EventBus

        return EventBus(client("events"), self.environment.text("BUS_NAME"))

    @cached_property
    def doorbell(self) -> "Doorbell":
        """The callback API of durable executions."""
        from countersign.adapters.callbacks import CallbackDoorbell

        return CallbackDoorbell(client("lambda", attempts=1))

    @cached_property
    def executions(self) -> "ExecutionStates":
        """The states of durable executions."""
        from countersign.adapters.executions import LambdaExecutions

        return LambdaExecutions(client("lambda"))

    @cached_property
    def heartbeats(self) -> "Heartbeats":
        """The heartbeats of durable callbacks."""
        from countersign.adapters.callbacks import CallbackHeartbeats

        return CallbackHeartbeats(client("lambda"))

    @cached_property
    def cipher(self) -> "Cipher | None":
        """The cipher for answers, with the key ANSWERS_KEY; None if the function has no key."""
        key_id = self.environment.text("ANSWERS_KEY", "")
        if not key_id:
            return None
        from countersign.adapters.kms import KmsCipher

        return KmsCipher(client("kms"), key_id)

    @cached_property
    def secrets(self) -> "Secrets":
        """The secrets of providers and of the channel: PROVIDERS and CHANNEL_SECRET have their ARNs, by name.

        A provider that signs nothing has none. In the function that asks providers, they are API keys.
        """
        from countersign.adapters.secrets import ManagedSecrets

        providers = self.environment.document("PROVIDERS", "{}")
        arns = {name: provider["secret"] for name, provider in providers.items() if "secret" in provider}
        arns |= self.environment.document("CHANNEL_SECRET", "{}")
        return ManagedSecrets(client("secretsmanager"), arns)

    @cached_property
    def provider_api(self) -> "ProviderApi":
        """The APIs of providers, at the hosts that their schemes name."""
        from countersign.adapters.provider_api import HttpsProviderApi

        return HttpsProviderApi()

    @cached_property
    def looks(self) -> "PaymentLooks":
        """The function that asks providers for payments, LOOKS_FUNCTION."""
        from countersign.adapters.looks import LambdaLooks

        function = self.environment.text("LOOKS_FUNCTION")
        return LambdaLooks(client("lambda", attempts=1, read_seconds=_LOOK_SECONDS), function)

    @cached_property
    def archive(self) -> "AuditArchive":
        """The archive of the audit, in the bucket AUDIT_BUCKET."""
        from countersign.adapters.audit_archive import S3AuditArchive

        return S3AuditArchive(client("s3"), self.environment.text("AUDIT_BUCKET"))

    @cached_property
    def kept_events(self) -> "KeptEvents":
        """The kept events, in the bucket EVENTS_BUCKET; METRICS_STAGE names the stage."""
        from countersign.adapters.kept_events import S3KeptEvents

        bucket, stage = self.environment.text("EVENTS_BUCKET"), self.environment.text("METRICS_STAGE")
        # One attempt: a provider that waits too long sends the event again.
        return S3KeptEvents(client("s3", attempts=1), bucket, stage)

    @cached_property
    def dead_letters(self) -> "DeadLetters":
        """The queue DEAD_LETTERS_URL, for messages that no retry can handle."""
        from countersign.adapters.queue import DeadLetters

        return DeadLetters(client("sqs"), self.environment.text("DEAD_LETTERS_URL"))

    def starter(self, functions: Mapping[str, str]) -> "WorkflowStarter":
        """Return the starter of workflows, by name the ARN of each alias or `<function>:<alias>`."""
        from countersign.adapters.starter import LambdaStarter

        return LambdaStarter(client("lambda"), functions)

    def made(self, make: Callable[["Ports"], Made]) -> Made:
        """Return the result of `make` for these ports; it is called once."""
        if make not in self._made:
            self._made[make] = make(self)
        result: Made = self._made[make]
        return result


_in_place = [Ports(os.environ)]


def current_ports() -> Ports:
    """Return the current ports: the function's, or those of a test."""
    return _in_place[-1]


@contextmanager
def use(other: Ports) -> Iterator[Ports]:
    """Replace the current ports, and everything made from them, within the block."""
    _in_place.append(other)
    try:
        yield other
    finally:
        _in_place.remove(other)


def once(make: Callable[[Ports], Made]) -> Callable[[], Made]:
    """Decorate a factory that takes ports: call it once for the current ports, and keep its result."""

    @wraps(make)
    def made() -> Made:
        return current_ports().made(make)

    return made
