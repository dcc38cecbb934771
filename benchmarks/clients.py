"""Many approvals or payments at once on one embedded cloud: the clients that start and answer them, and the results."""

import json
import tempfile
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from benchmarks.waiting import AT_ONCE, each
from countersign.adapters.keys import AUDIT, REQUEST
from local.demo.demo import wait_for
from local.demo.sandbox import PROVIDER, Event, Payment, signed
from local.demo.scripts import ORDER, PAYMENT
from local.emulator.emulator import Emulator
from local.launch import bring_up, take_down
from operate.client import open_page, press
from operate.embedded import aws, http
from operate.embedded.cloud import Cloud
from operate.embedded.http import Answer
from operate.embedded.mailbox import Mailbox

_DEADLINE_SECONDS = 36_000
_PATIENCE_SECONDS = 900
_STILL_SECONDS = 200
"""The time without a change after which none comes: the queues show a killed function's messages after 90 or 180 s."""

_TRIES = 20
_PAUSE_SECONDS = 0.5
_ONCE = ("decided", "applied")

Result = TypeVar("Result")


@dataclass(frozen=True)
class Tally:
    """The state of requests in the ledger.

    Attributes:
        ended: How many ended as their answer says.
        lost: The other requests.
        duplicated: The tasks that were decided or applied more than once.
    """

    ended: int
    lost: tuple[str, ...]
    duplicated: tuple[str, ...]

    @property
    def is_right(self) -> bool:
        """Whether nothing was lost, and nothing happened twice."""
        return not self.lost and not self.duplicated


@dataclass
class Clients(ABC):
    """The clients of one workflow.

    Attributes:
        cloud: The cloud that they call.
        ids: The ids of their requests.
        at_once: How many of them answer at once.
        workflow: The workflow that they start.
        task: The name of its wait.
        ends_as: The status of its result, once it is answered.
    """

    cloud: Cloud
    ids: list[str]
    at_once: int = field(default=AT_ONCE, kw_only=True)
    workflow: ClassVar[str]
    task: ClassVar[str]
    ends_as: ClassVar[str]

    def start(self) -> None:
        """Start all requests."""
        client = self.cloud.client()

        def submit(request_id: str) -> None:
            document = {**self._input(request_id), "order_id": request_id, "deadline_seconds": _DEADLINE_SECONDS}
            client.request(self.workflow, request_id, document)

        each(self.ids, submit)

    def wait(self) -> None:
        """Wait until all of them can be answered."""
        wait_for(f"every {self.task} to be handed off", self._can_be_answered, _PATIENCE_SECONDS)

    def tally(self) -> Tally:
        """Wait until every request has ended, or nothing changes any more, and return the tally."""
        before, changed_at = Counter[str](), time.monotonic()
        while True:
            ends, audited = _state(self.cloud)
            wrong = tuple(request_id for request_id in self.ids if ends.get(request_id) != self.ends_as)
            if audited != before:
                before, changed_at = audited, time.monotonic()
            if not wrong or time.monotonic() - changed_at > _STILL_SECONDS:
                break
            time.sleep(1)
        once = [f"{event}#{request_id}.{self.task}" for request_id in self.ids for event in _ONCE]
        return Tally(len(self.ids) - len(wrong), wrong, tuple(key for key in once if audited[key] > 1))

    @abstractmethod
    def answer(self) -> list[float]:
        """Answer all of them; return the milliseconds of each answer, from the POST to the response."""

    @abstractmethod
    def _input(self, request_id: str) -> Mapping[str, Any]:
        """Return the input of a request."""

    @abstractmethod
    def _can_be_answered(self) -> bool:
        """Whether everything was handed off."""


@dataclass
class Approvals(Clients):
    """Order approvals, each with an approver of its own."""

    workflow, task, ends_as = "order-approval", "approval", "approved"
    _links: dict[str, str] = field(default_factory=dict)

    def answer(self) -> list[float]:
        """See `Clients.answer`. If the response to a click was lost, the page has no form, and the time is 0."""

        def click(request_id: str) -> tuple[float, Answer]:
            page = open_page(self._links[_approver(request_id)])
            return timed(lambda: press(page, "approve").answer) if page.forms else (0.0, page.answer)

        return each(self.ids, lambda request_id: _tried(lambda: click(request_id), (200, 409, 410)), self.at_once)

    def _input(self, request_id: str) -> Mapping[str, Any]:
        return {**ORDER, "approvers": [_approver(request_id)]}

    def _can_be_answered(self) -> bool:
        mails = Mailbox(self.cloud.mailbox_url).mails()
        self._links = {recipient: mail.review_link or "" for mail in mails for recipient in mail.recipients}
        return self._links.keys() >= set(map(_approver, self.ids))


@dataclass
class Payments(Clients):
    """Payments at the sandbox provider."""

    workflow, task, ends_as = "payment", "payment", "paid"

    def answer(self) -> list[float]:
        """See `Clients.answer`."""
        events = [Event.of(_payment(request_id), "paid") for request_id in self.ids]
        url, secret = f"{self.cloud.api_url}/webhooks/{PROVIDER}", self.cloud.providers[PROVIDER]

        def post(event: Event) -> tuple[float, Answer]:
            return timed(lambda: http.send("POST", url, event.body, signed(event, secret)))

        return each(events, lambda event: _tried(lambda: post(event), (200, 202)), self.at_once)

    def _input(self, request_id: str) -> Mapping[str, Any]:
        return {**PAYMENT, "external_id": _payment(request_id).external_id}

    def _can_be_answered(self) -> bool:
        opened = {item["request_id"]["S"] for item in _items(self.cloud) if item["sk"]["S"] == "TASK"}
        return opened >= set(self.ids)


@contextmanager
def a_cloud(variables: Mapping[str, str] | None = None) -> Iterator[tuple[Emulator, Cloud]]:
    """Bring up an embedded cloud of its own, with these settings of the emulator, and take it down at the end."""
    with tempfile.TemporaryDirectory() as home:
        try:
            yield bring_up(Path(home), with_parent=True, variables=variables)
        finally:
            take_down(Path(home))


def deployed(cloud: Cloud, folder: str) -> dict[str, Any]:
    """Return Lambda's description of the function of a folder."""
    pages = aws.client("lambda", cloud.endpoint_url).get_paginator("list_functions").paginate()
    functions: dict[str, dict[str, Any]] = {each["Handler"]: each for page in pages for each in page["Functions"]}
    return functions[f"{folder}.handler.handler"]


def _items(cloud: Cloud) -> Iterator[dict[str, Any]]:
    """Yield every item of the ledger."""
    table = aws.client("dynamodb", cloud.endpoint_url)
    for page in table.get_paginator("scan").paginate(TableName=cloud.table, ConsistentRead=True):
        yield from page["Items"]


def _state(cloud: Cloud) -> tuple[dict[str, str], Counter[str]]:
    """Return the status of each request's result, and how often each task was decided and applied."""
    ends: dict[str, str] = {}
    audited = Counter[str]()
    for item in _items(cloud):
        key = item["pk"]["S"]
        if key.startswith(REQUEST) and "result" in item:
            ends[key.removeprefix(REQUEST)] = json.loads(item["result"]["S"])["status"]
        elif key.startswith(AUDIT) and item["event"]["S"] in _ONCE:
            audited[f"{item['event']['S']}#{key.removeprefix(AUDIT)}"] += 1
    return ends, audited


def timed(send: Callable[[], Result]) -> tuple[float, Result]:
    """Return the milliseconds of a call, and its answer."""
    began = time.perf_counter()
    answer = send()
    return 1_000 * (time.perf_counter() - began), answer


def _tried(call: Callable[[], tuple[float, Answer]], accepted: tuple[int, ...]) -> float:
    """Call until the status is one of these, as clients do that try again; return the milliseconds of the last call."""
    last = ""
    for _ in range(_TRIES):
        try:
            milliseconds, answer = call()
        except OSError as error:
            last = str(error)
        else:
            if answer.status in accepted:
                return milliseconds
            last = f"{answer.status} {answer.text[:200]}"
        time.sleep(_PAUSE_SECONDS)
    raise RuntimeError(f"no success in {_TRIES} tries; the last answer: {last}")


def _approver(request_id: str) -> str:
    return f"{request_id}@example.com"


def _payment(request_id: str) -> Payment:
    return Payment(f"pay-{request_id}", PAYMENT["amount"], PAYMENT["currency"])
