"""Many approvals and payments at once on one embedded cloud: those who answer, and what the ledger says afterwards."""

import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from countersign.adapters.keys import AUDIT, REQUEST
from local.client import RequestsApi, open_page, press
from local.demo.sandbox import PROVIDER, Event, Payment, Sandbox
from local.demo.scripts import ORDER
from local.emulator.emulator import Emulator
from local.launch import bring_up, take_down
from operate.embedded import aws
from operate.embedded.cloud import Cloud
from operate.embedded.http import Answer
from operate.embedded.mailbox import Mailbox

AT_ONCE = 8
"""How many answer at once. Each is a process of the emulator's, of some 50 MB."""

_DEADLINE_SECONDS = 36_000
_LOOK_SECONDS = 1
_PATIENCE_SECONDS = 900
_STILL_SECONDS = 200
"""After which nothing comes any more: a message that a killed function had taken is seen again after 90 or 180."""

_TRIES = 20
_ONCE = ("decided", "applied")
_PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class Tally:
    """What the ledger says of requests.

    Attributes:
        ended: How many ended as they were answered.
        lost: Those that did not.
        duplicated: Tasks that were decided or applied more than once.
    """

    ended: int
    lost: tuple[str, ...]
    duplicated: tuple[str, ...]

    @property
    def is_right(self) -> bool:
        """Whether nothing was lost, and nothing happened twice."""
        return not self.lost and not self.duplicated


@dataclass
class Approvals:
    """Order approvals, each with an approver of its own.

    Attributes:
        cloud: Where they run.
        ids: Their requests.
    """

    cloud: Cloud
    ids: list[str]
    _links: dict[str, str] = field(default_factory=dict)

    task = "approval"
    ends_as = "approved"

    def start(self) -> None:
        """Ask for all of them."""
        _each(self.ids, self._ask)

    def wait(self) -> None:
        """Wait until each approver has a mail."""
        until(self._have_links)

    def answer(self) -> list[float]:
        """Have everybody approve; return how many milliseconds each click took, from the POST to the page."""
        return _each(self.ids, self.approve)

    def _ask(self, request_id: str) -> None:
        approvers = [_approver(request_id)]
        order = {**ORDER, "order_id": request_id, "approvers": approvers, "deadline_seconds": _DEADLINE_SECONDS}
        _start(self.cloud, "order-approval", request_id, order)

    def _have_links(self) -> bool:
        mails = Mailbox(self.cloud.mailbox_url).mails()
        found = {recipient: mail.review_link or "" for mail in mails for recipient in mail.recipients}
        self._links = {each: found[_approver(each)] for each in self.ids if _approver(each) in found}
        return len(self._links) == len(self.ids)

    def approve(self, request_id: str) -> float:
        """Approve, again when the page does not come, and return the milliseconds of the click."""

        def click() -> tuple[float, Answer]:
            page = open_page(self._links[request_id])
            if not page.forms:  # decided: the answer to the click before was lost; or the function is gone
                return 0.0, page.answer
            began = time.perf_counter()
            answer = press(page, "approve").answer
            return 1_000 * (time.perf_counter() - began), answer

        return _tried(click, (200, 409, 410))


@dataclass
class Payments:
    """Payments at the sandbox provider.

    Attributes:
        cloud: Where they run.
        ids: Their requests.
        duplicates: How many of the events are posted twice, at the same moment.
    """

    cloud: Cloud
    ids: list[str]
    duplicates: int = 0

    task = "payment"
    ends_as = "paid"

    def start(self) -> None:
        """Ask for all of them."""
        _each(self.ids, self._ask)

    def wait(self) -> None:
        """Wait until each payment's task is open."""
        until(lambda: self._open() >= set(self.ids))

    def answer(self) -> list[float]:
        """Have the provider say that all are paid; return how many milliseconds each of its posts took."""
        events = [Event.of(_payment(request_id), "paid") for request_id in self.ids]
        posts = [event for number, event in enumerate(events) for _ in range(2 if number < self.duplicates else 1)]
        return _each(posts, self._post)

    def _ask(self, request_id: str) -> None:
        payment = _payment(request_id)
        document = {
            "order_id": request_id,
            "provider": PROVIDER,
            "external_id": payment.external_id,
            "amount": payment.amount,
            "currency": payment.currency,
            "deadline_seconds": _DEADLINE_SECONDS,
        }
        _start(self.cloud, "payment", request_id, document)

    def _open(self) -> set[str]:
        return {item["request_id"]["S"] for item in items(self.cloud) if item["sk"]["S"] == "TASK"}

    def _post(self, event: Event) -> float:
        def post() -> tuple[float, Answer]:
            began = time.perf_counter()
            answer = Sandbox(self.cloud).post(event, self.cloud.providers[PROVIDER])
            if answer is None:
                raise ConnectionError("nothing came back")
            return 1_000 * (time.perf_counter() - began), answer

        return _tried(post, (200, 202))


@contextmanager
def a_cloud(variables: Mapping[str, str] | None = None) -> Iterator[tuple[Emulator, Cloud]]:
    """Bring up an embedded cloud of its own, with these settings of the emulator, and take it down at the end."""
    with tempfile.TemporaryDirectory() as home:
        try:
            yield bring_up(Path(home), with_parent=True, variables=variables)
        finally:
            take_down(Path(home))


def tally(cloud: Cloud, clients: Approvals | Payments) -> Tally:
    """Wait until every request has ended, or nothing moves any more, and return what the ledger says."""
    before, moved_at = Counter[str](), time.monotonic()
    while True:
        ends, audited = _ends(cloud), _audited(cloud)
        wrong = tuple(request_id for request_id in clients.ids if ends.get(request_id) != clients.ends_as)
        if audited != before:
            before, moved_at = audited, time.monotonic()
        if not wrong or time.monotonic() - moved_at > _STILL_SECONDS:
            break
        time.sleep(_LOOK_SECONDS)
    once = [f"{event}#{request_id}.{clients.task}" for request_id in clients.ids for event in _ONCE]
    return Tally(len(clients.ids) - len(wrong), wrong, tuple(key for key in once if audited[key] > 1))


def items(cloud: Cloud) -> Iterator[dict[str, Any]]:
    """Yield every item of the ledger."""
    table = aws.client("dynamodb", cloud.endpoint_url)
    for page in table.get_paginator("scan").paginate(TableName=cloud.table, ConsistentRead=True):
        yield from page["Items"]


def until(condition: Callable[[], bool]) -> None:
    """Wait for something.

    Raises:
        TimeoutError: It did not happen.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing within {_PATIENCE_SECONDS} seconds")
        time.sleep(_LOOK_SECONDS)


def _ends(cloud: Cloud) -> dict[str, str]:
    """Return the status in the result of each request that has one."""
    requests = (item for item in items(cloud) if item["pk"]["S"].startswith(REQUEST) and "result" in item)
    return {item["pk"]["S"].removeprefix(REQUEST): json.loads(item["result"]["S"])["status"] for item in requests}


def _audited(cloud: Cloud) -> Counter[str]:
    """Return how often each task was decided, and how often applied."""
    entries = (item for item in items(cloud) if item["pk"]["S"].startswith(AUDIT))
    return Counter(
        f"{item['event']['S']}#{item['pk']['S'].removeprefix(AUDIT)}" for item in entries if item["event"]["S"] in _ONCE
    )


def _each(things: Iterable[Any], do: Callable[[Any], Any]) -> list[Any]:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(do, things))


def _start(cloud: Cloud, workflow: str, request_id: str, document: dict[str, Any]) -> None:
    def submit() -> tuple[float, Answer]:
        return 0.0, RequestsApi(cloud.api_url).submit(workflow, request_id, document)

    _tried(submit, (202, 200))  # 200: it was taken the time before, and the answer to that was lost


def _tried(call: Callable[[], tuple[float, Answer]], taken: tuple[int, ...]) -> float:
    """Call until the answer is one of these, as clients do that try again; return the time of the last call."""
    said = ""
    for _ in range(_TRIES):
        try:
            milliseconds, answer = call()
        except OSError as error:
            said = str(error)
        else:
            if answer.status in taken:
                return milliseconds
            said = f"{answer.status} {answer.text[:200]}"
        time.sleep(_PAUSE_SECONDS)
    raise RuntimeError(f"tried {_TRIES} times in vain; the last answer: {said}")


def _approver(request_id: str) -> str:
    return f"{request_id}@example.com"


def _payment(request_id: str) -> Payment:
    return Payment(f"pay-{request_id}", "120.00", "EUR")
