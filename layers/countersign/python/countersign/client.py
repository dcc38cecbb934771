"""Call a stage's API: start requests, wait for their end, cancel and list them.

    from countersign.client import Client

    client = Client("https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com")
    client.request("order-approval", "order-1001", {"order_id": "1001", "amount": "250.00", "currency": "EUR"})
    report = client.wait("order-1001", timeout=600)
    if report.status == "succeeded":
        print(report.result["status"])

Calls are signed with the AWS credentials that botocore finds: variables, a profile, a role. The request id makes
`request` idempotent, so every call is repeated when the API does not answer, or answers that it may be repeated.

The module needs botocore and Python 3.10, and no other module of the kit. It is not deployed.
"""

from __future__ import annotations

import json
import os
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

__all__ = [
    "AlreadyAskedError",
    "CallError",
    "CallerRefusedError",
    "Client",
    "ContractError",
    "Failure",
    "Problem",
    "Report",
    "RequestConflictError",
    "RetiredWorkflowError",
    "Started",
    "Summary",
    "Task",
    "TooLateError",
    "UnavailableError",
    "UnknownRequestError",
    "UnknownWorkflowError",
]

_ENDED = frozenset({"succeeded", "failed", "cancelled"})
_REQUEST_ID = re.compile("[A-Za-z0-9_-]{1,64}")
_REGION = re.compile(r"\.execute-api\.([a-z0-9-]+)\.")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

_MOST_WAIT_SECONDS = 25
"""The longest time that the API holds an answer back."""
_TIME_OUT_SECONDS = 35
"""API Gateway gives up after 30."""

_TRANSIENT = frozenset({429, 500, 502, 503, 504})
_ATTEMPTS = 4
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 20.0


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a call.

    Attributes:
        detail: What is wrong.
        pointer: Where, as a JSON pointer into the body, such as `/input/amount`; empty for the whole body.
    """

    detail: str
    pointer: str = ""


class CallError(Exception):
    """The API refused a call, or did not answer.

    Attributes:
        status: The HTTP status; 0 if there was no answer.
        code: The problem's code; empty if the answer has none, as those of API Gateway itself.
        detail: What is wrong, and what to do.
        problems: Everything that is wrong with the body.
    """

    def __init__(self, status: int, code: str, detail: str, problems: tuple[Problem, ...] = ()) -> None:
        places = "; ".join(f"{problem.pointer}: {problem.detail}" for problem in problems if problem.pointer)
        super().__init__(" ".join(part for part in (str(status or ""), code, places or detail) if part))
        self.status = status
        self.code = code
        self.detail = detail
        self.problems = problems


class ContractError(CallError):
    """The body breaks the contract, or can never succeed; `problems` names everything that is wrong."""


class UnknownWorkflowError(CallError):
    """No workflow of this name is deployed."""


class RetiredWorkflowError(CallError):
    """The workflow takes no new requests."""


class RequestConflictError(CallError):
    """A request of this id exists with another workflow or another input."""


class UnknownRequestError(CallError):
    """No request has this id, or another role submitted it and the caller may not see or cancel it."""


class AlreadyAskedError(CallError):
    """An AI agent has asked the same by another request.

    Attributes:
        request_id: The other request.
        until: When the agent may ask it again; None while the other request runs.
    """

    request_id = ""
    until: datetime | None = None


class TooLateError(CallError):
    """The request can no longer be cancelled.

    Its `code` says why: it has ended (`request_ended`), an answer is recorded and takes effect (`request_decided`), or
    a machine may have acted already (`irrevocable`).
    """


class CallerRefusedError(CallError):
    """The caller may not do this: IAM or the stage refuses it, or the signature is wrong."""


class UnavailableError(CallError):
    """The API did not answer any attempt of a call, or asked to repeat the call later.

    Attributes:
        retry_after: Seconds after which to repeat the call; 0 if the API names none.
    """

    retry_after: float = 0


_BY_CODE: Mapping[str, type[CallError]] = {
    "malformed": ContractError,
    "contract": ContractError,
    "body_too_large": ContractError,
    "unknown_workflow": UnknownWorkflowError,
    "retired_workflow": RetiredWorkflowError,
    "request_conflict": RequestConflictError,
    "unknown_request": UnknownRequestError,
    "already_asked": AlreadyAskedError,
    "request_ended": TooLateError,
    "request_decided": TooLateError,
    "irrevocable": TooLateError,
}


@dataclass(frozen=True)
class Started:
    """A request that the API has taken.

    Attributes:
        request_id: The request's id.
        workflow: The workflow's name.
        is_new: False if the same request was taken before: by an earlier call, or by an earlier attempt of this one
            whose answer was lost.
    """

    request_id: str
    workflow: str
    is_new: bool


@dataclass(frozen=True)
class Failure:
    """Why a request did not succeed.

    Attributes:
        code: `withdrawn`, `stopped`, `timed_out`, `failed`, `hand_off_failed` or `unsound`.
        message: The reason, for people.
        raised: What the workflow raised, such as `KeyError at refund/handler.py:38`; on the embedded cloud only.
    """

    code: str
    message: str = ""
    raised: str = ""


@dataclass(frozen=True)
class Task:
    """One question of a request to somebody outside.

    Attributes:
        task_id: The task's id.
        kind: The kind of the question, such as `approval` or `payment`.
        status: `OPEN`, `DECIDED`, `APPLIED`, `EXPIRED` or `CANCELLED`.
        outcome: The decision, such as `approved`; None without one.
        opened_at: When it was opened.
        expires_at: Its deadline.
        decided_at: When it was decided; None while it is not.
        round: How often it was asked, counted from 1: an approver may send it back to the requester.
        document: The task as the API reports it.
    """

    task_id: str
    kind: str
    status: str
    outcome: str | None = None
    opened_at: datetime | None = None
    expires_at: datetime | None = None
    decided_at: datetime | None = None
    round: int = 1
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Summary:
    """A request in a list.

    Attributes:
        request_id: The request's id.
        workflow: The workflow's name.
        status: `running`, `succeeded`, `failed` or `cancelled`.
        error: Why it failed or was cancelled; None for every other request.
        created_at: When it was submitted; None if the stage's release does not report it.
        ended_at: When it ended; None while it runs.
    """

    request_id: str
    workflow: str
    status: str
    error: Failure | None = None
    created_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def ended(self) -> bool:
        """Whether the request has ended."""
        return self.ended_at is not None or self.status in _ENDED


@dataclass(frozen=True)
class Report(Summary):
    """A request with its result and its tasks.

    Attributes:
        result: The workflow's result; None without one. It may have personal data, so it is not in the `repr`.
        tasks: Its tasks.
        document: The report as the API sends it.
    """

    result: Any = field(default=None, repr=False)
    tasks: tuple[Task, ...] = ()
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)


class Client:
    """Calls the API of one stage; safe to share between threads."""

    def __init__(self, url: str, *, region: str | None = None, session: Any = None) -> None:
        """Make a client.

        Args:
            url: The output `ApiUrl` of the stage: https, or http on this machine.
            region: The region of the stage; by default that of the URL or of the session.
            session: The botocore or boto3 session that has the credentials; by default a new one of botocore. The
                credentials are read for each call, so that those of a role are renewed.

        Raises:
            ValueError: The URL is not allowed, or nothing names the region.
        """
        self.url = _checked(url)
        self._session = session or _new_session()
        self._region = region or _region_of(self.url, self._session)
        self._pause: Callable[[float], None] = time.sleep
        self._clock = time.monotonic

    def request(self, workflow: str, request_id: str, input: Mapping[str, Any]) -> Started:  # noqa: A002  the contract's word
        """Start a workflow. The same call again starts nothing.

        Args:
            workflow: The workflow's name.
            request_id: The id of your choice: 1 to 64 letters, digits, `_` and `-`. Derive it from what is asked, such
                as the order's number, and a program that crashed can ask again.
            input: The workflow's input; amounts of money are texts.

        Raises:
            ContractError: The input breaks the contract, or nobody could decide it.
            UnknownWorkflowError: No such workflow is deployed.
            RetiredWorkflowError: The workflow takes no new requests.
            RequestConflictError: The id belongs to a request with another workflow or input.
            AlreadyAskedError: The caller is an AI agent that has asked the same, by another request.
            CallerRefusedError: The credentials may not start the workflow.
            UnavailableError: The API does not answer; make the same call later.
            ValueError: The input is not JSON.
        """
        body = {"workflow": workflow, "request_id": request_id, "input": input}
        status, document = self._call("POST", "/requests", body)
        return Started(str(document["request_id"]), str(document["workflow"]), is_new=status == 202)

    def get(self, request_id: str) -> Report:
        """Return the report of a request.

        Raises:
            UnknownRequestError: No request has this id.
            CallerRefusedError: The credentials may not read it.
            UnavailableError: The API does not answer.
            ValueError: The id has another form than ids have.
        """
        return _report(self._call("GET", _path(request_id))[1])

    def wait(self, request_id: str, timeout: float) -> Report:
        """Wait until a request has ended, and return its report; at the time-out, return that of the running request.

        While the API does not answer, the wait goes on.

        Args:
            request_id: The request's id.
            timeout: The most seconds to wait. `report.ended` tells whether they were enough.

        Raises:
            UnknownRequestError: No request has this id.
            CallerRefusedError: The credentials may not read it.
            UnavailableError: The API did not answer at the end of the time.
            ValueError: The id has another form than ids have.
        """
        path, until, pace = _path(request_id), self._clock() + timeout, 1.0
        while True:
            began = self._clock()
            answer = self._look(path, until - began)
            now = self._clock()
            if now >= until or (isinstance(answer, Report) and answer.ended):
                break
            # The API answers at once if it is of an earlier release, or if many wait already.
            least = max(pace / 2 + _jitter(pace / 2), getattr(answer, "retry_after", 0.0))
            self._pause(max(0.0, min(began + least, until) - now))
            pace = min(2 * pace, _LONGEST_PAUSE_SECONDS)
        if isinstance(answer, UnavailableError):
            raise answer
        return answer

    def _look(self, path: str, seconds: float) -> Report | UnavailableError:
        """Ask once for a report, which the API may hold back for these seconds."""
        wait = int(min(seconds, _MOST_WAIT_SECONDS))
        try:
            return _report(self._once("GET", f"{path}?wait={wait}" if wait > 0 else path)[1])
        except UnavailableError as error:
            return error

    def cancel(self, request_id: str, reason: str) -> None:
        """Cancel a request that the caller's role has submitted: withdraw its open tasks, and end its workflow.

        The request ends soon after, with the status `cancelled`; `wait` tells. The same call again changes nothing.

        Args:
            request_id: The request's id.
            reason: Why; the people who were asked read it.

        Raises:
            UnknownRequestError: No request has this id, or another role has submitted it.
            TooLateError: It has ended or is decided, or a machine may have acted already.
            ContractError: The reason is missing or too long.
            CallerRefusedError: The credentials may not cancel it.
            UnavailableError: The API does not answer; make the same call later.
            ValueError: The id has another form than ids have.
        """
        self._call("DELETE", _path(request_id), {"reason": reason})

    def list(self, *, status: str = "", workflow: str = "", since: datetime | None = None) -> Iterator[Summary]:
        """Yield requests, the newest first; pages are read as they are needed.

        Args:
            status: Only those of this status.
            workflow: Only those of this workflow.
            since: Only those that were taken at this time or later; a time with a zone.

        Raises:
            ContractError: A filter is not allowed.
            CallerRefusedError: The credentials may not list requests.
            UnavailableError: The API does not answer.
            ValueError: `since` has no zone.
        """
        if since is not None and since.tzinfo is None:
            raise ValueError(
                f"since is {since.isoformat()}; allowed: a time with a zone, as of datetime.now(timezone.utc)"
            )
        text = since.astimezone(timezone.utc).isoformat().replace("+00:00", "Z") if since else ""
        filters, cursor = {"status": status, "workflow": workflow, "since": text}, ""
        while True:
            query = {name: value for name, value in {**filters, "cursor": cursor}.items() if value}
            _, page = self._call("GET", f"/requests?{urlencode(query, quote_via=quote, safe='')}".rstrip("?"))
            yield from (Summary(**_summary(each)) for each in page["requests"])
            cursor = page.get("cursor") or ""
            if not cursor:
                return

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        """Send a call, again if that may help; return the status and the document of the answer."""
        try:
            content = None if body is None else json.dumps(body, allow_nan=False).encode()
        except TypeError as error:
            raise ValueError(f"the input is not JSON: {error}") from error
        for attempt in range(_ATTEMPTS - 1):
            try:
                return self._once(method, path, content)
            except UnavailableError as error:  # noqa: PERF203  a network is slower than Python 3.10's `try`
                self._pause(min(error.retry_after, _LONGEST_PAUSE_SECONDS) + _jitter(_FIRST_PAUSE_SECONDS * 2**attempt))
        return self._once(method, path, content)

    def _once(self, method: str, path: str, content: bytes | None = None) -> tuple[int, Any]:
        url = f"{self.url}{path}"
        status, retry_after, text = _sent(method, url, content, self._signed(method, url, content))
        document = _json(text)
        if not 200 <= status < 300 or document is None:
            raise _error(status, document, retry_after)
        return status, document

    def _signed(self, method: str, url: str, content: bytes | None) -> dict[str, str]:
        """Return the headers of a call, with its signature."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        credentials = self._session.get_credentials()
        if credentials is None:
            raise CallerRefusedError(0, "", "there are no AWS credentials: set AWS_PROFILE, or run with a role")
        request = AWSRequest(method, url, {"Content-Type": "application/json"}, content)
        SigV4Auth(credentials.get_frozen_credentials(), "execute-api", self._region).add_auth(request)
        return dict(request.headers.items())


def _sent(method: str, url: str, content: bytes | None, headers: Mapping[str, str]) -> tuple[int, float, str]:
    """Send a call; return the status, the seconds of Retry-After, and the body. A redirect is an answer."""
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request

    host = urlsplit(url)
    request = Request(url, content, dict(headers), method=method)  # noqa: S310  https, or http on this machine
    try:
        with _opener(host.hostname in _LOOPBACK).open(request, timeout=_TIME_OUT_SECONDS) as answer:
            return answer.status, 0, answer.read().decode(errors="replace")
    except HTTPError as error:
        with error:
            return error.code, _seconds(error.headers.get("Retry-After")), error.read().decode(errors="replace")
    except (OSError, HTTPException) as error:
        raise UnavailableError(0, "", f"{host.netloc} did not answer: {getattr(error, 'reason', error)!r}") from error


@cache
def _opener(is_direct: bool) -> Any:  # noqa: FBT001
    """Return what sends calls. It follows no redirect, as a signature is for one host; directly is without proxies."""
    from urllib.request import HTTPRedirectHandler, ProxyHandler, build_opener

    class NoRedirects(HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            """Follow none."""

    return build_opener(NoRedirects, *([ProxyHandler({})] if is_direct else []))


def _error(status: int, document: Any, retry_after: float) -> CallError:
    """Return the error of an answer: a problem document, one of API Gateway's own, or something else."""
    if 200 <= status < 400:
        return CallError(status, "", "the answer is not the API's: is the URL the stage's output ApiUrl?")
    known = document or {}
    is_problem = str(known.get("type", "")).startswith("urn:countersign:problem:")
    code = str(known["code"]) if is_problem else ""
    detail = str(known.get("detail") or known.get("message") or "the answer has no explanation")
    found = known.get("errors") or [known] if is_problem else []
    problems = tuple(Problem(each["detail"], each.get("pointer", "")) for each in found)
    if status in _TRANSIENT:
        unavailable = UnavailableError(status, code, detail, problems)
        unavailable.retry_after = retry_after
        return unavailable
    kind = _BY_CODE.get(code, CallerRefusedError if status == 403 else CallError)
    refused = kind(status, code, detail, problems)
    if isinstance(refused, AlreadyAskedError):
        refused.request_id, refused.until = str(known.get("request_id", "")), _moment(known.get("until"))
    return refused


def _report(document: Mapping[str, Any]) -> Report:
    """Read a report; an earlier release lacks some members."""
    tasks = tuple(_task(each) for each in document.get("tasks", ()))
    return Report(**_summary(document), result=document.get("result"), tasks=tasks, document=document)


def _summary(document: Mapping[str, Any]) -> dict[str, Any]:
    error = document.get("error")
    return {
        "request_id": document["request_id"],
        "workflow": document["workflow"],
        "status": document["status"],
        "error": error and _failure(error),
        "created_at": _moment(document.get("created_at")),
        "ended_at": _moment(document.get("ended_at")),
    }


def _failure(document: Mapping[str, str]) -> Failure:
    raised = " at ".join(document[name] for name in ("class", "at") if document.get(name))
    return Failure(document["code"], document.get("message", ""), raised)


def _task(document: Mapping[str, Any]) -> Task:
    return Task(
        document["task_id"],
        document["kind"],
        document["status"],
        document.get("outcome"),
        _moment(document.get("opened_at")),
        _moment(document.get("expires_at")),
        _moment(document.get("decided_at")),
        document.get("round", 1),
        document,
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


def _json(text: str) -> Any:
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _seconds(text: str | None) -> float:
    """Return the seconds of a Retry-After; 0 without one, or for one with a date."""
    return float(text) if text and text.isdecimal() else 0.0


def _jitter(most: float) -> float:
    """Return a time up to this one, so that callers do not repeat their calls all at once."""
    return random.uniform(0, most)  # noqa: S311  keeps no secret  # nosec B311


def _path(request_id: str) -> str:
    if not _REQUEST_ID.fullmatch(request_id):
        raise ValueError(f"request_id is {request_id!r}; allowed: 1 to 64 letters, digits, `_` and `-`")
    return f"/requests/{request_id}"


def _checked(url: str) -> str:
    """Return the URL of an API without a slash at its end."""
    parts = urlsplit(url)
    is_allowed = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not is_allowed or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError(
            f"url is {parts.scheme}://{parts.hostname or ''}…; allowed: https://<host>, or http on this machine, "
            "without a user, a query or a fragment: take the stage's output ApiUrl"
        )
    return url.rstrip("/")


def _new_session() -> Any:
    from botocore.session import get_session

    return get_session()


def _region_of(url: str, session: Any) -> str:
    named = _REGION.search(urlsplit(url).netloc)
    region = named[1] if named else os.environ.get("AWS_REGION") or _default_region(session)
    if not region:
        raise ValueError("neither the URL nor the session names a region; pass region, such as region='eu-central-1'")
    return str(region)


def _default_region(session: Any) -> Any:
    """Return the region of a session of boto3, or of botocore."""
    return session.region_name if hasattr(session, "region_name") else session.get_config_variable("region")
