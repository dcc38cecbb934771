"""Runs of the real handlers on the soak's simulated cloud, metered."""

import json
import re
from base64 import urlsafe_b64encode
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest

import requests_api.handler
import review.handler
import sweeper.handler
import webhook.handler
from benchmarks.cost.assumptions import (
    APPROVALS_A_SECOND,
    LEDGER_DAYS,
    LOGS_COMPRESSED,
    MONTH_DAYS,
    POLLERS,
    RESPONSE_HEADERS,
    STREAM_SHARDS,
    TRANSACTION,
)
from benchmarks.cost.deployed import STREAM_READERS, Deployed
from benchmarks.cost.meter import Access, Meter, MeteredTables, Noted
from benchmarks.cost.units import STORED_WITH_AN_ITEM, size
from benchmarks.patterns import written
from benchmarks.soak.faults import Faults
from benchmarks.soak.runs import result_of
from benchmarks.soak.world import PROVIDER, SETTINGS, TABLES, World
from countersign.composition import Ports
from countersign.testing.deliveries import any_payment
from countersign.testing.signing import STANDARD_SECRET, sign_standard_webhooks
from local.demo.scripts import ORDER, PAYMENT
from tests.integration.conftest import SAME_ORIGIN, TABLE, Handler, Page, call, forget_what_functions_made

AT_ONCE = 25
"""The executions of a run: enough to fill batches."""

DAY = 86_400
CALLER = "arn:aws:sts::111122223333:assumed-role/shop-orders/i-0123456789abcdef0"
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"
_QUEUES = {
    "approvals": "approver",
    "held_payments": "held-payments",
    "results": "bus-events",
    "executions": "executions",
}
_BROWSER = {**SAME_ORIGIN, "accept-encoding": "gzip, deflate, br"}
_SHOWN = re.compile(r'name="shown" value="([^"]+)"')

Used = Mapping[str, float]


class Cloud(World):
    """The simulated cloud with a stage's settings, a meter, and batches of these sizes by function."""

    def __init__(self, patch: pytest.MonkeyPatch, deployed: Deployed, batches: Mapping[str, int]) -> None:
        self.meter, self.deployed, self.batches = Meter(deployed), deployed, batches
        self.metered = MeteredTables(self.meter)
        self._last = False
        patch.setattr(Faults, "call", self._called)
        super().__init__(patch, self.metered)
        patch.setenv("LIMITS", deployed.settings.limits.review.model_dump_json())
        chance = Random(0)  # noqa: S311  the same tokens in each run, and so the same size once compressed  # nosec B311
        patch.setattr(
            "secrets.token_urlsafe", lambda size: urlsafe_b64encode(chance.randbytes(size)).decode().rstrip("=")
        )
        patch.setenv("POWERTOOLS_SERVICE_NAME", "")
        patch.setenv("_X_AMZN_TRACE_ID", TRACE)
        if deployed.settings.audit.object_lock_days:
            patch.setenv("AUDIT_BUCKET", "audit")
        prefix = "arn:aws:lambda:eu-central-1:111122223333:function:"
        workflows: dict[str, Any] = {
            name: {**each, "function": f"{prefix}{each['function']}"} for name, each in TABLES["workflows"].items()
        }
        forget_what_functions_made(**TABLES | {"workflows": workflows, "policies": deployed.policies})
        self._clients |= {
            "events": Noted(self.bus, "put_events", self.meter.events),
            "sesv2": Noted(self.post, "send_email", self.meter.mail),
            "s3": Noted(None, "put_object", self.meter.put_object),
        }

    def _called(self, service: str, operation: str, do: Callable[[], Any], _: object = ()) -> Any:
        self.meter.calls.append(operation if operation == TRANSACTION else service)
        return do()

    def _ports_of(self, workflow: str) -> Ports:
        year = {"WORKFLOW": workflow, "EXECUTION_TIMEOUT_SECONDS": str(366 * DAY)}
        return Ports(SETTINGS | year, {"policy": self.deployed.policies.get(workflow, ()), "operators": ()})

    def _invoke(self, workflow: str, event: Any, context: Any) -> Any:
        with self.meter.invocation(workflow, self.output):
            return super()._invoke(workflow, event, context)

    def call(self, handler: Handler, method: str, path: str, **event: Any) -> Page:
        """Call the API, which must answer with success."""
        function = handler.__module__.partition(".")[0].replace("_", "-")
        with self.meter.invocation(function, self.output):
            page = call(handler, method, path, **event)
        assert page.status < HTTPStatus.MULTIPLE_CHOICES, page.body
        headers = RESPONSE_HEADERS + "".join(f"{name}: {value}\r\n" for name, value in page.headers.items())
        self.meter.used["http_requests"] += 1
        self.meter.used["bytes_out"] += len(f"{headers}\r\n".encode()) + page.size
        caller = event.get("caller", "-")
        values = {"requestId": "XqX3pdhY8oAMEMWw=", "routeKey": f"{method} {path}", "identity.userArn": caller}
        self.meter.log(self.deployed.access_log({**values, "status": str(page.status), "responseLatency": "129"}))
        return page

    def sweep(self) -> None:
        """Invoke the sweeper."""
        with self.meter.invocation("sweeper", self.output):
            sweeper.handler.handler({}, None)

    def gather(self) -> list[dict[str, Any]]:
        """Give the stream's new records to the functions whose filters let them through."""
        records: list[dict[str, Any]] = self.tables.new_records()
        for name in STREAM_READERS:
            for record in records:
                if self.deployed.wants(name, record):
                    self.sources[name].put(record)
        return records

    def finish(self) -> None:
        """Do all pending work, and deliver what fills no batch."""
        self._last = True
        self.settle(waiting=False)
        self._last = False

    def _work_off(self) -> bool:
        self.gather()
        due = [run for run in self.durable.living() if run.due]
        for run in due:
            self.durable.run(run)
        return bool(due) or self._deliver(whole=True) or self._deliver(whole=False)

    def _deliver(self, *, whole: bool) -> bool:
        """Deliver the whole batches, or all: the publisher's last, since nothing waits for them."""
        busy = False
        for name, source in self.sources.items():
            function = _QUEUES.get(name, name)
            most = self.batches.get(function, 1)
            if not whole and name == "publisher" and not self._last:
                continue
            while len(source.waiting) >= (most if whole else 1):
                busy = True
                batch = source.waiting[:most]
                self.meter.used["queue_requests"] += (len(batch) + 2) * (name in _QUEUES)
                with self.meter.invocation(function, self.output, len(batch)):
                    source.deliver(batch)
                assert not source.waiting or source.waiting[0] not in batch, f"{function} failed"
        return busy


@dataclass(frozen=True)
class Counted:
    """What one execution uses.

    Attributes:
        used: The quantities, by the names of their prices.
        records: The records that it gives to each function.
        invocations: The invocations of each function.
        accesses: The reads and writes of the run.
    """

    used: Used
    records: Mapping[str, float]
    invocations: Mapping[str, float]
    accesses: list[Access]


def counted(deployed: Deployed, play: Callable[[Cloud, int], None], batches: Mapping[str, int], times: int) -> Counted:
    """Return what one execution uses, counted from a run of several."""
    with pytest.MonkeyPatch.context() as patch:
        cloud = Cloud(patch, deployed, batches)
        with cloud.output.captured():
            play(cloud, times)
            cloud.finish()
    meter = cloud.meter
    used = {**meter.used, **_kept(cloud)}

    def each(amounts: Mapping[str, float]) -> dict[str, float]:
        return {name: amount / times for name, amount in amounts.items()}

    return Counted(each(used), each(meter.records), each(meter.invocations), meter.accesses)


def _kept(cloud: Cloud) -> Used:
    """Return the durable data, and the byte-months of all that is kept."""
    settings, used = cloud.deployed.settings, cloud.meter.used
    durable: dict[str, float] = defaultdict(float)
    for run in cloud.durable.runs.values():
        operations = run.execution.operations
        durable["durable_operations"] += sum(each.operation_type.value != "EXECUTION" for each in operations)
        bytes_written = sum(map(written, operations)) + len(json.dumps(result_of(run)).encode())
        durable["durable_written"] += bytes_written
        durable["durable_kept"] += bytes_written * settings.workflows[run.workflow].retention_days / MONTH_DAYS
    items = [item for (table, *_), item in cloud.metered.tables.items.items() if table == TABLE]
    entries = [entry for item in items if (entry := cloud.deployed.index.entry(item))]
    stored, indexed = (sum(size(each) + STORED_WITH_AN_ITEM for each in kept) for kept in (items, entries))
    months = LEDGER_DAYS / MONTH_DAYS
    return durable | {
        "table_kept": (stored + indexed) * months,
        "table_recoverable": stored * months,
        "objects_kept": used["objects_kept"] * settings.audit.object_lock_days / MONTH_DAYS,
        "events_kept": used["events_archived"] * settings.hand_off.archive_days / MONTH_DAYS,
        "logs_kept": used["logs_written"] * LOGS_COMPRESSED * settings.functions.log_retention_days / MONTH_DAYS,
    }


def steady(deployed: Deployed, records: Mapping[str, float]) -> dict[str, int]:
    """Return the records in a batch of each function at APPROVALS_A_SECOND.

    A batch has the record that opens its window and those that come within the window, up to the configured size.
    Without a window it has one record: Lambda then invokes the function for whatever a poll finds.

    Args:
        deployed: The stage.
        records: The records that one approval gives to each function.
    """
    sizes = {}
    for function, mapping in deployed.mappings.items():
        window = mapping.get("MaximumBatchingWindowInSeconds", 0)
        is_stream = function in STREAM_READERS
        readers = STREAM_SHARDS * mapping.get("ParallelizationFactor", 1) if is_stream else POLLERS
        rate = records.get(function, 0) * APPROVALS_A_SECOND / readers
        sizes[function] = min(mapping["BatchSize"], 1 + int(rate * window))
    return sizes


# What is played


def approvals(cloud: Cloud, times: int, *, reminders: int = 0, tells: bool = False, **more: Any) -> None:
    """Request approvals, let reminders pass, look at each, approve it, and get its result.

    Args:
        cloud: The cloud.
        times: How many.
        reminders: How many reminders pass.
        tells: Whether the requesters are told the outcome.
        more: More of the input.
    """
    cloud.bus.tells = tells
    for number in range(times):
        # Nothing else waits for the approver: what waits is read after the click.
        document = {**ORDER, "approvers": [f"approver-{number}@example.com"], "deadline_seconds": 3 * DAY, **more}
        _submit(cloud, "order-approval", number, document)
    for _ in range(reminders):
        cloud.settle(waiting=False)
        cloud.move_clock(DAY)
    cloud.settle(waiting=False)
    for number, mail in enumerate(cloud.post.mails[:times]):
        from_there = {"source": f"198.51.{number}.7", "headers": _BROWSER}
        page = cloud.call(review.handler.handler, "GET", "/review", query={"t": mail.token}, **from_there)
        shown = _SHOWN.search(page.body)
        assert shown
        form = urlencode({"t": mail.token, "decision": "approve", "comment": "", "shown": shown[1]})
        cloud.call(review.handler.handler, "POST", "/review", body=form, **from_there)
    _get_results(cloud, times)


def reminded(cloud: Cloud, times: int) -> None:
    """Play approvals that are decided after one reminder."""
    approvals(cloud, times, reminders=1, reminders_seconds=[DAY])


def not_reminded(cloud: Cloud, times: int) -> None:
    """Play the same approvals, decided before the reminder."""
    approvals(cloud, times, reminders_seconds=[DAY])


def told(cloud: Cloud, times: int) -> None:
    """Play approvals whose requesters are told the outcome."""
    approvals(cloud, times, tells=True)


def payments(cloud: Cloud, times: int) -> None:
    """Request payments, post the signed event of each, and get its result."""
    for number in range(times):
        document = {**PAYMENT, "provider": PROVIDER, "external_id": f"pay_{1001 + number}", "deadline_seconds": 3 * DAY}
        _submit(cloud, "payment", number, document)
    cloud.settle(waiting=False)
    for number in range(times):
        body = any_payment(external_id=f"pay_{1001 + number}", amount=PAYMENT["amount"])
        now = int(cloud.clock.now().timestamp())
        headers = sign_standard_webhooks(STANDARD_SECRET, body, f"evt_{1001 + number}", now)
        cloud.call(
            _webhook,
            "POST",
            f"/webhooks/{PROVIDER}",
            body=body,
            headers={**headers, "content-type": "application/json"},
        )
    _get_results(cloud, times)


def _webhook(event: dict[str, Any], context: Any) -> dict[str, Any]:
    route = {"routeKey": "POST /webhooks/{provider}", "pathParameters": {"provider": PROVIDER}}
    return webhook.handler.handler(event | route, context)


_webhook.__module__ = webhook.handler.__name__


def _submit(cloud: Cloud, workflow: str, number: int, document: Mapping[str, Any]) -> None:
    request = {"workflow": workflow, "request_id": f"order-{1001 + number}", "input": document}
    cloud.call(requests_api.handler.handler, "POST", "/requests", body=json.dumps(request), caller=CALLER)


def _get_results(cloud: Cloud, times: int) -> None:
    cloud.settle(waiting=False)
    for number in range(times):
        page = cloud.call(requests_api.handler.handler, "GET", f"/requests/order-{1001 + number}", caller=CALLER)
        assert page.document["status"] == "succeeded", page.body


def sweep(cloud: Cloud, times: int) -> None:
    """Sweep a ledger in which nothing is overdue."""
    for _ in range(times):
        cloud.sweep()
