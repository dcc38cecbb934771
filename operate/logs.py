"""The log lines of functions, in CloudWatch's form, on AWS and on the embedded cloud."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from operator import attrgetter
from typing import Any

from countersign.domain.requests import Request
from operate.stage import Stage

_PLATFORM = re.compile(r"(START|END|REPORT|INIT_START) ")
_AROUND = timedelta(seconds=5)
"""How far the lines of one failed invocation are apart: in its last moments, it writes its traceback."""

_MOST_STREAMS = 100
"""CloudWatch's most streams in one call: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html."""


@dataclass(frozen=True)
class Line:
    """A line of a function's log, without metrics and without Lambda's own about each invocation.

    Attributes:
        at: When it was written, in UTC.
        function: The short name of its function.
        stream: Its stream.
        text: Its text.
        fields: Its fields; empty if it is no JSON object.
        key: Tells it from every other line.
    """

    at: datetime
    function: str
    stream: str
    text: str
    fields: Mapping[str, Any]
    key: tuple[Any, ...]

    @property
    def invocation(self) -> str:
        """Lambda's id of its invocation; empty if the line does not have it."""
        return str(self.fields.get("requestId") or self.fields.get("function_request_id") or "")

    @property
    def is_error(self) -> bool:
        """Whether its level says that something failed."""
        return self.fields.get("level") in ("ERROR", "CRITICAL")


class Logs:
    """The logs of a stage's functions."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._client = stage.client("logs")

    @cached_property
    def groups(self) -> dict[str, str]:
        """The log group of each function, by the short name that the function has in its log lines."""
        named = (
            (function["Environment"]["Variables"].get("POWERTOOLS_SERVICE_NAME", ""), function["LoggingConfig"])
            for function in self._stage.functions()
            if "Environment" in function
        )
        return {name: config["LogGroup"] for name, config in sorted(named, key=lambda pair: pair[0]) if name}

    def of_functions(self, names: Iterable[str], since: datetime) -> list[Line]:
        """Return the lines of functions, in the order of their times."""
        return sorted((line for name in names for line in self._read(name, since)), key=attrgetter("at"))

    def of_request(self, request: Request, since: datetime) -> list[Line]:
        """Return the lines about a request, in the order of their times.

        These are the lines of every function that name the request or a task of it, and everything that the workflow's
        function wrote in the invocations in which it failed: the traceback of its error names no request.
        """
        others = {each for each in self._stage.merged("Workflows") if each != request.workflow}
        found = [
            line
            for name in self.groups.keys() - others
            for line in self._read(name, since, pattern=f'"{request.request_id}"')
            if _names(request.request_id, line.text)
        ]
        known = {line.key for line in found}
        found += (line for line in self._failing(request, found) if line.key not in known)
        return sorted(found, key=attrgetter("at"))

    def _failing(self, request: Request, found: Iterable[Line]) -> Iterator[Line]:
        """Yield the lines of the invocations in which a request's workflow failed."""
        errors = [line for line in found if line.function == request.workflow and line.is_error]
        if errors:
            since, until = errors[0].at - _AROUND, errors[-1].at + _AROUND
            ids, streams = {line.invocation for line in errors}, tuple({line.stream for line in errors})
            lines = self._read(request.workflow, since, until, streams=streams[-_MOST_STREAMS:])
            yield from (line for line in lines if line.invocation in ids or not line.fields)
        elif request.raised and request.ended_at:  # its code was never imported, or Lambda ended the environment
            lines = self._read(request.workflow, request.ended_at - _AROUND, request.ended_at + _AROUND)
            yield from (line for line in lines if "request_id" not in line.fields and "executionArn" not in line.fields)

    def _read(
        self,
        name: str,
        since: datetime,
        until: datetime | None = None,
        *,
        pattern: str = "",
        streams: tuple[str, ...] = (),
    ) -> Iterator[Line]:
        asked: dict[str, Any] = {"logGroupName": self.groups[name], "startTime": _milliseconds(since)}
        asked |= {"endTime": _milliseconds(until)} if until else {}
        asked |= {"filterPattern": pattern} if pattern else {}
        asked |= {"logStreamNames": list(streams)} if streams else {}
        alike: Counter[tuple[Any, ...]] = Counter()
        for page in self._client.get_paginator("filter_log_events").paginate(**asked):
            for event in page["events"]:
                place = (event["logStreamName"], event["timestamp"], event["message"])
                alike[place] += 1  # the embedded cloud numbers no events
                line = _line(name, event, (*place, alike[place]))
                if line:
                    yield line


def _line(name: str, event: Mapping[str, Any], key: tuple[Any, ...]) -> Line | None:
    text = event["message"].rstrip()
    fields = _fields(text)
    if not text or _PLATFORM.match(text) or "_aws" in fields:
        return None
    at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
    return Line(at, name, event["logStreamName"], text, fields, key)


def _fields(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text) if text.startswith("{") else None
    except ValueError:
        document = None
    return document if isinstance(document, dict) else {}


def _names(request_id: str, text: str) -> bool:
    """Tell whether a line names a request or one of its tasks, and not another request whose id is longer."""
    return re.search(rf"(?<![\w-]){re.escape(request_id)}(?![\w-])", text) is not None


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
