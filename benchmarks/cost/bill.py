"""The bill: what is used, times the list prices."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from benchmarks.cost import run
from benchmarks.cost.assumptions import IDLE_POLLERS, MONTH_DAYS, POLL_SECONDS
from benchmarks.cost.deployed import STREAM_READERS, Deployed
from benchmarks.cost.prices import Prices
from benchmarks.cost.run import AT_ONCE, Counted, Used

MILLION = 1_000_000
BOUND, BOUND_WITH_COPIES = 75, 90
"""The most dollars for a million approvals before mail; the larger one for a stage that copies the audit."""

BEFORE_MAIL: Mapping[str, tuple[str, ...]] = {
    "HTTP API": ("http_requests",),
    "durable execution": ("durable_operations", "durable_written"),
    "Lambda": ("lambda_requests", "lambda_seconds"),
    "DynamoDB": ("write_units", "read_units"),
    "EventBridge": ("events", "events_archived"),
    "SQS": ("queue_requests",),
    "CloudWatch Logs": ("logs_written",),
    "X-Ray": ("traces",),
    "transfer": ("bytes_out",),
    "copies of the audit": ("object_puts", "objects_kept"),
}
AFTER: Mapping[str, tuple[str, ...]] = {
    "mail": ("mails",),
    "storage": ("table_kept", "table_recoverable", "durable_kept", "events_kept", "logs_kept"),
}


@dataclass(frozen=True)
class Line:
    """One line of a bill: a service, the dollars and their arithmetic."""

    service: str
    dollars: float
    arithmetic: str


@dataclass(frozen=True)
class Bill:
    """What a stage costs."""

    deployed: Deployed
    prices: Prices

    @cached_property
    def one_by_one(self) -> Counted:
        """One approval at low load: one record a batch."""
        return run.counted(self.deployed, run.approvals, {}, 1)

    @cached_property
    def batches(self) -> Mapping[str, int]:
        """The records of a batch of each function, at the steady load."""
        return run.steady(self.deployed, self.one_by_one.records)

    @cached_property
    def approval(self) -> Counted:
        """An approval at the steady load."""
        return run.counted(self.deployed, run.approvals, self.batches, AT_ONCE)

    @cached_property
    def full(self) -> Counted:
        """An approval at a load that fills every batch."""
        most = {name: mapping["BatchSize"] for name, mapping in self.deployed.mappings.items()}
        return run.counted(self.deployed, run.approvals, most, AT_ONCE)

    @cached_property
    def reminder(self) -> Used:
        """What a reminder adds to an approval."""
        reminded, other = (
            run.counted(self.deployed, play, self.batches, AT_ONCE) for play in (run.reminded, run.not_reminded)
        )
        return reminded.less(other)

    @cached_property
    def payment(self) -> Counted:
        """A payment with its event."""
        return run.counted(self.deployed, run.payments, self.batches, AT_ONCE)

    def lines(self, used: Used, services: Mapping[str, tuple[str, ...]] = BEFORE_MAIL) -> list[Line]:
        """Return the lines of a million."""
        return [line for line in (self._line(each, names, used) for each, names in services.items()) if line.dollars]

    def _line(self, service: str, names: tuple[str, ...], used: Used) -> Line:
        amounts = [(self.prices.prices[name], MILLION * used.get(name, 0)) for name in names]
        arithmetic = " + ".join(price.amount(quantity) for price, quantity in amounts if quantity)
        return Line(service, sum(price.of(quantity) for price, quantity in amounts), arithmetic)

    def before_mail(self, used: Used) -> float:
        """Return the dollars of a million before mail and storage."""
        return sum(line.dollars for line in self.lines(used))

    @property
    def bound(self) -> int:
        """The most dollars for a million approvals before mail."""
        return BOUND_WITH_COPIES if self.deployed.settings.audit.object_lock_days else BOUND

    @property
    def is_within(self) -> bool:
        """Whether a million approvals cost at most the bound."""
        return self.before_mail(self.approval.used) <= self.bound

    @cached_property
    def fixed(self) -> list[Line]:
        """The lines of a month without any request."""
        lines = []
        for name, number in self.deployed.fixed.items():
            price = self.prices.prices[name]
            lines.append(Line(name.replace("_", " "), price.of(number), price.amount(number)))
        return [*lines, *self._idle()]

    def _idle(self) -> Iterator[Line]:
        queues = len(set(self.deployed.mappings) - set(STREAM_READERS))
        polls = queues * IDLE_POLLERS * MONTH_DAYS * 86_400 / POLL_SECONDS
        price = self.prices.prices["queue_requests"]
        yield Line("polls of idle queues", price.of(polls), price.amount(polls))
        sweeps = MONTH_DAYS * 24 * 60 / self.deployed.settings.sweeper.every_minutes
        used = run.counted(self.deployed, run.sweep, {}, 1).used
        yield Line("sweeps", self.before_mail(used) * sweeps / MILLION, f"{sweeps:,.0f} sweeps")
