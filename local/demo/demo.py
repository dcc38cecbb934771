"""A demo: one request on the embedded cloud, from the start to the resumed workflow, told as it happens."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, ClassVar, TypeVar

from local.client import RequestsApi
from local.demo.watch import Execution
from operate.embedded.cloud import Cloud
from operate.terminal import Terminal

_terminal = Terminal()

PATIENCE_SECONDS = 60
_LOOK_SECONDS = 0.25

T = TypeVar("T")


class DemoError(Exception):
    """The demo did not end as it should; the message says where it stopped."""


@dataclass(kw_only=True)
class Demo(ABC):
    """One run of a scenario.

    Attributes:
        workflow: The workflow that it shows.
        answers: What each `--answer` is to end as.
        cloud: Where it runs.
        answer: The `--answer`; None for the scenario's own way.
        request_id: The request.
        tell: Prints a step that has happened, and what there is to say of it.
    """

    workflow: ClassVar[str]
    answers: ClassVar[Mapping[str, str]]
    cloud: Cloud
    answer: str | None = None
    request_id: str = field(default_factory=lambda: f"demo-{time.strftime('%Y%m%d-%H%M%S')}")
    tell: Callable[[str, str], None] = _terminal.done

    @abstractmethod
    def run(self) -> dict[str, Any]:
        """Run it to its end and return the workflow's result.

        Raises:
            DemoError: A step did not happen, or the workflow ended otherwise than asked.
        """

    def execution(self) -> Execution | None:
        """Find the durable execution; None before it was started."""
        return Execution.named(self.cloud.endpoint_url, self.cloud.workflow(self.workflow), self.request_id)

    @property
    def _api(self) -> RequestsApi:
        return RequestsApi(self.cloud.api_url)

    @abstractmethod
    def _input(self) -> Mapping[str, Any]:
        """Return the workflow's input."""

    @abstractmethod
    def _sentence(self, result: Mapping[str, Any]) -> str:
        """Say how it ended."""

    def _submit(self) -> None:
        answer = self._api.submit(self.workflow, self.request_id, dict(self._input()))
        if answer.status != HTTPStatus.ACCEPTED:
            raise DemoError(f"POST /requests answered {answer.status} instead of 202: {answer.text}")
        self.tell("request", f"POST /requests → 202 accepted: {self.workflow} {self.request_id}")

    def _report(self) -> dict[str, Any]:
        answer = self._api.report(self.request_id)
        if answer.status != HTTPStatus.OK:
            raise DemoError(f"GET /requests/{self.request_id} answered {answer.status} instead of 200: {answer.text}")
        report: dict[str, Any] = answer.json()
        return report

    def ended_report(self) -> dict[str, Any] | None:
        """Return what the API says of the request; None while it runs."""
        report = self._report()
        return None if report["status"] == "running" else report

    def _end(self, execution: Execution) -> dict[str, Any]:
        """Wait for the end, tell it and check it."""
        report = wait_for("the workflow to end", self.ended_report)
        wait_for("the durable execution to be over", lambda: execution.has_ended() or None)
        self.tell("resumed", f"the workflow ran on from where it stopped: {_told(execution)}")
        result: dict[str, Any] = report["result"] or {}
        self.tell("result", f"{report['status']}: {self._sentence(result)}")
        self._check(report)
        return result

    def _check(self, report: Mapping[str, Any]) -> None:
        status = (report["result"] or {}).get("status")
        wanted = (self.answers[self.answer],) if self.answer else tuple(self.answers.values())
        if status not in wanted:
            raise DemoError(f"the workflow ended {status!r} ({report['status']}), not {' or '.join(wanted)}")


def wait_for(what: str, find: Callable[[], T | None], seconds: float = PATIENCE_SECONDS) -> T:
    """Return what there is to find, as soon as there is.

    Raises:
        DemoError: It took too long.
    """
    deadline = time.monotonic() + seconds
    while (found := find()) is None:
        if time.monotonic() > deadline:
            raise DemoError(f"waited {seconds:.0f} seconds in vain for {what}")
        time.sleep(_LOOK_SECONDS)
    return found


def clock(instant: str) -> str:
    """Return the time of day of an instant."""
    return datetime.fromisoformat(instant).astimezone(UTC).strftime("%H:%M:%S UTC")


def _told(execution: Execution) -> str:
    steps = execution.operations()
    return f"{execution.invocations()} invocations, {len(steps)} durable operations ({', '.join(steps)})"
