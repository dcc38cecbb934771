"""The fault client: it makes calls of an AWS client fail, or lets another process act before them."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from botocore.exceptions import ConnectionClosedError, EndpointConnectionError

from benchmarks.soak.table import error_of
from tests.integration.conftest import LIMITS_TABLE


class Crash(BaseException):
    """The function's process ends: no `except Exception` catches it."""


class Kind(StrEnum):
    """The kinds of faults."""

    THROTTLED = "throttled"
    SERVER_ERROR = "server error"
    UNREACHABLE = "unreachable"
    LOST_RESPONSE = "lost response"
    CRASH_BEFORE = "crash before a write"
    CRASH_AFTER = "crash after a write"
    CONFLICT = "transaction conflict"
    REFUSED_ENTRY = "refused entry"
    KMS = "KMS error"
    DENIED = "ring denied"
    MEANWHILE = "another process is faster"


READS = frozenset({"get_item", "batch_get_item", "query", "scan", "get_secret_value", "decrypt"})
RINGS = frozenset({"send_durable_execution_callback_success", "send_durable_execution_callback_failure"})
COUNT = "count"
"""The operation of the limiter's counters: it can fail like any other, and is no write to the ledger."""

_THROTTLING = {"dynamodb": "ProvisionedThroughputExceededException", "lambda": "TooManyRequestsException"}
_WRITES_ONLY = frozenset({Kind.LOST_RESPONSE, Kind.CRASH_BEFORE, Kind.CRASH_AFTER})
_AFTERWARDS = frozenset({Kind.LOST_RESPONSE, Kind.CRASH_AFTER})
_ONLY = {
    Kind.CONFLICT: frozenset({"transact_write_items"}),
    Kind.REFUSED_ENTRY: frozenset({"put_events"}),
    Kind.KMS: RINGS | {"encrypt", "decrypt"},
    Kind.DENIED: RINGS,
    Kind.MEANWHILE: frozenset({"transact_write_items", "update_item", "checkpoint"}),
}
"""The operations of the kinds that do not hit all."""


@dataclass
class Fault:
    """A fault that waits for its call.

    Attributes:
        kind: Its kind.
        skip: The number of calls that it could hit and lets pass.
        times: The number of calls in a row that it hits.
        meanwhile: The other process's action before the call, for MEANWHILE.
    """

    kind: Kind
    skip: int = 0
    times: int = 1
    meanwhile: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        """Skip few calls of the rare operations."""
        if self.kind in _ONLY:
            self.skip %= 2

    def hits(self, operation: str) -> bool:
        """Whether the fault hits this call; counts it."""
        if self.kind in _ONLY and operation not in _ONLY[self.kind]:
            return False
        if self.kind in _WRITES_ONLY and operation in READS:
            return False
        self.skip -= 1
        return self.skip < 0


class Faults:
    """The armed faults and their results.

    Attributes:
        armed: The faults that wait for their call.
        injected: The number of calls that each kind has hit.
        writes: The number of calls that may have written, without those of the limiter's counters.
        surprises: The errors of actions between two calls.
    """

    def __init__(self) -> None:
        self.armed: list[Fault] = []
        self.injected: Counter[Kind] = Counter()
        self.writes = 0
        self.surprises: list[Exception] = []
        self._resting = False

    def call(self, service: str, operation: str, do: Callable[..., Any], entries: Sequence[Any] = ()) -> Any:
        """Make a call, unless an armed fault hits it.

        Args:
            service: The service.
            operation: The operation.
            do: Makes the call; arguments replace its own.
            entries: The entries of a call that can be refused in part.
        """
        if operation not in READS and operation != COUNT:
            self.writes += 1
        fault = self._next(operation)
        if fault is None:
            return do()
        self.injected[fault.kind] += 1
        if fault.kind is Kind.REFUSED_ENTRY:
            return _refuse_the_first(entries, do)
        return self._spoil(fault, service, operation, do)

    @contextmanager
    def only(self, fault: Fault) -> Iterator[None]:
        """Arm only this fault during a block."""
        others, self.armed = self.armed, [fault]
        try:
            yield
        finally:
            self.armed = others

    def _next(self, operation: str) -> Fault | None:
        if self._resting:
            return None
        fault = next((fault for fault in self.armed if fault.hits(operation)), None)
        if fault is not None:
            fault.times -= 1
            if fault.times <= 0:
                self.armed.remove(fault)
        return fault

    def _spoil(self, fault: Fault, service: str, operation: str, do: Callable[..., Any]) -> Any:
        if fault.kind in _AFTERWARDS:
            do()
        if fault.kind is Kind.MEANWHILE:
            self._undisturbed(fault.meanwhile)
            return do()
        raise _ERRORS[fault.kind](service, operation)

    def _undisturbed(self, act: Callable[[], None]) -> None:
        self._resting = True
        try:
            act()
        except Exception as error:  # noqa: BLE001  the caller would swallow it
            self.surprises.append(error)
        finally:
            self._resting = False


def _refuse_the_first(entries: Sequence[Any], do: Callable[..., Any]) -> Any:
    _, *others = entries
    taken = do(Entries=others)["Entries"] if others else []
    return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}, *taken]}


_AWS = "https://aws.example"
_ERRORS: dict[Kind, Callable[[str, str], BaseException]] = {
    Kind.CRASH_BEFORE: lambda service, name: Crash(),
    Kind.CRASH_AFTER: lambda service, name: Crash(),
    Kind.UNREACHABLE: lambda service, name: EndpointConnectionError(endpoint_url=_AWS),
    Kind.LOST_RESPONSE: lambda service, name: ConnectionClosedError(endpoint_url=_AWS),
    Kind.THROTTLED: lambda service, name: error_of(_THROTTLING.get(service, "ThrottlingException"), name, 429),
    Kind.SERVER_ERROR: lambda service, name: error_of("ServiceException", name, 500),
    Kind.CONFLICT: lambda service, name: error_of(
        "TransactionCanceledException", name, CancellationReasons=[{"Code": "TransactionConflict"}, {"Code": "None"}]
    ),
    Kind.KMS: lambda service, name: error_of("KMSThrottlingException", name, 400),
    Kind.DENIED: lambda service, name: error_of("AccessDeniedException", name, 403),
}


class FaultClient:
    """A client of one service whose calls go through the faults."""

    def __init__(self, service: str, client: Any, faults: Faults) -> None:
        self._service = service
        self._client = client
        self._faults = faults

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            name = COUNT if arguments.get("TableName") == LIMITS_TABLE else operation
            entries = arguments.get("Entries", ())
            return self._faults.call(
                self._service, name, lambda **more: getattr(self._client, operation)(**arguments | more), entries
            )

        return call
