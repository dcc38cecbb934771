"""Tasks that wait, written into an embedded cloud's ledger directly: opening them so takes no executions."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from countersign.adapters.dynamodb_ledger import DynamoLedger
from countersign.domain.links import Link, Purpose
from countersign.domain.questions import Correlation
from countersign.domain.tasks import Task, opened
from countersign.domain.tokens import mint
from countersign.testing import any_payment_task, any_task
from local.demo.sandbox import PROVIDER, Payment
from operate.embedded import aws
from operate.embedded.cloud import Cloud

AT_ONCE = 8
"""The number of clients at once. Each keeps a process of the emulator busy, of some 50 MB."""

IN_AN_INBOX = 20
"""The tasks that wait for one person."""

_LASTS = timedelta(hours=10)


def each(things: Iterable[Any], do: Callable[[Any], Any], at_once: int = AT_ONCE) -> list[Any]:
    """Call a function for each thing, several at once, and return the results in order."""
    with ThreadPoolExecutor(at_once) as threads:
        return list(threads.map(do, things))


def ledger_of(cloud: Cloud) -> DynamoLedger:
    """Return the ledger of a cloud."""
    return DynamoLedger(aws.client("dynamodb", cloud.endpoint_url), cloud.table)


def put_payments(cloud: Cloud, payments: Iterable[Payment]) -> None:
    """Put a waiting task for each payment at the sandbox provider."""

    def put(payment: Payment) -> None:
        money = Correlation(PROVIDER, payment.external_id, Decimal(payment.amount), payment.currency)
        _open(cloud, any_payment_task(**_times(), **_ids(payment.external_id, "payment"), correlation=money))

    each(payments, put)


def put_approvals(cloud: Cloud, numbers: Iterable[int]) -> None:
    """Put waiting approvals with their links; `IN_AN_INBOX` of neighbouring numbers wait for the same person."""

    def put(number: int) -> None:
        person = approver(number)
        named = _ids(f"waiting-{number}", "approval")
        task = any_task(**_times(), **named, audience=(person,), sent_at=datetime.now(UTC))
        _open(cloud, task)
        link = Link(sha256(task.task_id.encode()).hexdigest(), task.task_id, person)
        ledger_of(cloud).put_link(link, task.expires_at)

    each(numbers, put)


def inbox_of(cloud: Cloud, number: int) -> str:
    """Return a link to the inbox of the person for whom the approval of a number waits."""
    token, fingerprint = mint()
    until = datetime.now(UTC) + _LASTS
    ledger_of(cloud).put_link(Link(fingerprint, "", approver(number), Purpose.INBOX, until), until)
    return f"{cloud.api_url}/inbox?t={token}"


def approver(number: int) -> str:
    """Return the person for whom the approval of a number waits."""
    return f"person-{number // IN_AN_INBOX}@example.com"


def _open(cloud: Cloud, task: Task) -> None:
    ledger_of(cloud).open(task, (opened(task, task.workflow),), datetime.now(UTC))


def _ids(request_id: str, wait: str) -> dict[str, str]:
    return {"request_id": request_id, "task_id": f"{request_id}.{wait}"}


def _times() -> dict[str, datetime]:
    now = datetime.now(UTC)
    return {"opened_at": now, "expires_at": now + _LASTS, "max_expires_at": now + _LASTS}
