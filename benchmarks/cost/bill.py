"""The bill of a stage: what is used, times the list prices."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from benchmarks.cost import run
from benchmarks.cost.assumptions import MONTH_DAYS, POLL_SECONDS, POLLERS
from benchmarks.cost.deployed import STREAM_READERS, Deployed
from benchmarks.cost.prices import Prices
from benchmarks.cost.run import AT_ONCE, Cloud, Counted, Used

BOUND, BOUND_WITH_COPIES = 75, 90
"""The most dollars for a million approvals before mail; the larger one for a stage that copies the audit."""

MILLION = 1_000_000
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
"""The names of prices, by service."""


@dataclass(frozen=True)
class Bill:
    """What a stage costs."""

    deployed: Deployed
    prices: Prices

    @cached_property
    def one_by_one(self) -> Counted:
        """An approval at a low load: one record a batch."""
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
        return self._added(run.reminded, run.counted(self.deployed, run.not_reminded, self.batches, AT_ONCE).used)

    @cached_property
    def told(self) -> Used:
        """What telling the requester the outcome adds to an approval."""
        return self._added(run.told, self.approval.used)

    def _added(self, longer: Callable[[Cloud, int], None], without: Used) -> Used:
        with_it = run.counted(self.deployed, longer, self.batches, AT_ONCE).used
        return {name: with_it[name] - without.get(name, 0) for name in with_it}

    @cached_property
    def payment(self) -> Used:
        """A payment with its event."""
        return run.counted(self.deployed, run.payments, self.batches, AT_ONCE).used

    @cached_property
    def idle(self) -> Used:
        """What a month without requests uses. A metric that no graph or alarm shows is not in it."""
        queues = len(set(self.deployed.mappings) - set(STREAM_READERS))
        polls = queues * POLLERS * MONTH_DAYS * 86_400 / POLL_SECONDS
        sweeps = MONTH_DAYS * 24 * 60 / self.deployed.settings.sweeper.every_minutes
        swept = run.counted(self.deployed, run.sweep, {}, 1).used
        return {
            **self.deployed.fixed,
            **{name: quantity * sweeps for name, quantity in swept.items()},
            "queue_requests": polls,
        }

    def dollars(self, used: Used, names: tuple[str, ...]) -> float:
        """Return the dollars for the quantities of these names."""
        return sum(self.prices.prices[name].of(used.get(name, 0)) for name in names)

    def arithmetic(self, used: Used, names: tuple[str, ...]) -> str:
        """Return how the dollars are calculated, such as `4 M x 1 + 2.35 GB x 0.1`."""
        return " + ".join(self.prices.prices[name].amount(used[name]) for name in names if used.get(name))

    def before_mail(self, used: Used) -> float:
        """Return the dollars of a million before mail and storage."""
        return MILLION * sum(self.dollars(used, names) for names in BEFORE_MAIL.values())

    @property
    def bound(self) -> int:
        """The most dollars for a million approvals before mail."""
        return BOUND_WITH_COPIES if self.deployed.settings.audit.object_lock_days else BOUND

    @property
    def is_within(self) -> bool:
        """Whether a million approvals cost at most the bound."""
        return self.before_mail(self.approval.used) <= self.bound
