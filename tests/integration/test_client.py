"""`countersign.client`: its calls, its errors, its retries and its waits, against a server that plays the API."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.credentials import Credentials, RefreshableCredentials

from countersign import client
from countersign.client import (
    CallerRefusedError,
    CallError,
    Client,
    ContractError,
    Failure,
    Problem,
    RequestConflictError,
    Started,
    UnavailableError,
    UnknownRequestError,
)
from tests.integration.http_api import Reply, serving

DOCS = Path(__file__).parents[2] / "docs"
RUNNING: dict[str, Any] = {"request_id": "r1", "workflow": "payment", "status": "running", "result": None, "tasks": []}
ENDED = RUNNING | {"status": "succeeded", "result": {"status": "paid"}}


def said(status: int, document: Any, **headers: str) -> Reply:
    return status, headers, document if isinstance(document, str) else json.dumps(document)


def problem(status: int, code: str, **members: Any) -> Reply:
    kind = f"urn:countersign:problem:{code}"
    return said(status, {"type": kind, "title": "T", "status": status, "code": code, "detail": "why", **members})


BUSY = problem(503, "try_again")


@dataclass
class Api:
    """Answers with one reply after the other, again and again with the last, and keeps what it was asked.

    Attributes:
        slept: The pauses of the client.
        held: How many seconds the API holds an answer back; the clock of the client moves so much at each call.
    """

    replies: list[Reply] = field(default_factory=list)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    held: float = 0
    now: float = 0
    url: str = ""

    def __call__(self, method: str, path: str, headers: Any, body: str) -> Reply:
        self.asked.append((method, path, body))
        self.signatures.append(headers["Authorization"])
        self.now += self.held
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def client(self, *replies: Reply, session: Any = None) -> Client:
        self.replies = list(replies)
        credentials = SimpleNamespace(get_credentials=lambda: Credentials("AKIA1", "s"))
        made = Client(self.url, region="eu-central-1", session=session or credentials)
        made._pause, made._clock = self.sleep, lambda: self.now
        return made


@pytest.fixture(scope="module")
def server() -> Iterator[Api]:
    api = Api()
    with serving(api) as url:
        api.url = f"{url}/api"
        yield api


@pytest.fixture
def api(server: Api) -> Api:
    server.__init__(url=server.url)  # type: ignore[misc]
    return server


def test_a_request_is_signed_and_tells_whether_it_is_new(api: Api) -> None:
    taken = {"request_id": "r1", "workflow": "payment"}
    caller = api.client(said(202, taken), said(200, taken))
    started = [caller.request("payment", "r1", {"amount": "1.00"}) for _ in range(2)]
    assert started == [Started("r1", "payment", is_new=True), Started("r1", "payment", is_new=False)]
    body = '{"workflow": "payment", "request_id": "r1", "input": {"amount": "1.00"}}'
    assert api.asked == [("POST", "/api/requests", body)] * 2
    assert "/eu-central-1/execute-api/aws4_request" in api.signatures[0]


def test_a_report_has_its_result_its_error_and_its_tasks(api: Api) -> None:
    times = {"opened_at": "2026-03-01T09:00:00.000000Z", "expires_at": "2026-03-01T10:00:00.000000Z"}
    task = {"task_id": "r1.approval", "kind": "approval.requested", "status": "CANCELLED", "round": 2, **times}
    error = {"code": "withdrawn", "message": "ordered twice"}
    more = {"status": "cancelled", "error": error, "tasks": [task], "created_at": "2026-03-01T08:00:00.000000Z"}
    report = api.client(said(200, RUNNING | more)).get("r1")
    assert (report.status, report.ended, report.error) == ("cancelled", True, Failure("withdrawn", "ordered twice"))
    assert report.created_at == datetime(2026, 3, 1, 8, tzinfo=UTC)
    (approval,) = report.tasks
    assert (approval.round, approval.expires_at) == (2, datetime(2026, 3, 1, 10, tzinfo=UTC))
    assert report.document["tasks"] == [task]


def test_the_report_of_release_0_2_0_has_defaults_for_what_is_new(api: Api) -> None:
    report = api.client(said(200, ENDED)).get("r1")
    assert (report.result, report.error, report.created_at, report.ended) == ({"status": "paid"}, None, None, True)


@pytest.mark.parametrize(
    ("reply", "kind", "text"),
    [
        (problem(409, "request_conflict"), RequestConflictError, "409 request_conflict why"),
        (problem(404, "unknown_request"), UnknownRequestError, "404 unknown_request why"),
        (problem(400, "contract", pointer="/input/a"), ContractError, "400 contract /input/a: why"),
        (problem(418, "of_a_later_release"), CallError, "418 of_a_later_release why"),
        (said(403, {"message": "Forbidden"}), CallerRefusedError, "403 Forbidden"),
        (said(404, "<html>"), CallError, "404 the answer has no explanation"),
        (said(400, {"code": 1, "errors": "x"}), CallError, "400 the answer has no explanation"),
        (said(200, "<html>"), CallError, "200 the answer is not the API's: is the URL the stage's output ApiUrl?"),
        (said(302, "", Location="https://example.com/"), CallError, "302 the answer is not the API's: is the URL the "),
    ],
)
def test_a_refusal_is_an_error_of_its_code_and_is_not_repeated(
    api: Api, reply: Reply, kind: type[CallError], text: str
) -> None:
    with pytest.raises(CallError) as refused:
        api.client(reply).get("r1")
    assert type(refused.value) is kind
    assert str(refused.value).startswith(text)
    assert len(api.asked) == 1


def test_an_error_names_everything_that_is_wrong_with_a_body(api: Api) -> None:
    errors = [{"detail": "is missing", "pointer": "/input/amount"}, {"detail": "is unknown", "pointer": "/input/a"}]
    with pytest.raises(ContractError) as refused:
        api.client(problem(400, "contract", errors=errors)).request("payment", "r1", {})
    assert refused.value.problems == (Problem("is missing", "/input/amount"), Problem("is unknown", "/input/a"))


def test_every_refusal_of_the_routes_for_callers_has_an_error_of_its_own() -> None:
    """Those with the status 403 share one, which is also that of IAM's refusals."""
    rows = re.findall(r"^\| `\w+ /requests\b.*$", (DOCS / "http.md").read_text("utf-8"), re.MULTILINE)
    refusals = {code for row in rows for status, code in re.findall(r"(\d+) `(\w+)`", row) if status != "403"}
    assert refusals == set(client._BY_CODE)


def test_the_page_for_callers_names_every_error() -> None:
    named = re.findall(r"^\| `(\w+Error)` \|", (DOCS / "calling.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(named) == sorted(name for name in client.__all__ if name.endswith("Error"))


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_every_call_is_repeated_after_an_answer_that_may_not_last(api: Api, status: int) -> None:
    later, taken = said(status, {"message": "later"}, **{"Retry-After": "7"}), said(202, RUNNING)
    caller = api.client(later, taken, later, taken, later, taken)
    caller.request("payment", "r1", {})
    caller.get("r1")
    caller.cancel("r1", "ordered twice")
    assert len(api.slept) == 3
    assert all(7 <= seconds <= 7.5 for seconds in api.slept)


def test_a_call_gives_up_after_four_attempts(api: Api) -> None:
    with pytest.raises(UnavailableError, match="503 try_again why"):
        api.client(BUSY).get("r1")
    assert (len(api.asked), len(api.slept)) == (4, 3)


def test_no_answer_is_unavailable(api: Api) -> None:
    caller = api.client(BUSY)
    caller.url = "http://127.0.0.1:9"
    with pytest.raises(UnavailableError, match=r"127.0.0.1:9 did not answer: ConnectionRefusedError") as failed:
        caller.get("r1")
    assert (failed.value.status, len(api.slept)) == (0, 3)


def test_a_wait_returns_as_soon_as_the_request_ends(api: Api) -> None:
    api.held = 25
    assert api.client(said(200, RUNNING), BUSY, said(200, ENDED)).wait("r1", 600).result == {"status": "paid"}
    assert ([path for _, path, _ in api.asked], sum(api.slept)) == (["/api/requests/r1?wait=25"] * 3, 0)


def test_a_wait_asks_less_and_less_often_if_the_api_does_not_hold_its_answers_back(api: Api) -> None:
    assert (api.client(said(200, RUNNING)).wait("r1", 120).ended, api.now) == (False, 120)
    assert 8 <= len(api.asked) <= 20
    assert api.asked[-1][1] == "/api/requests/r1", "the last look is at the end"


def test_a_wait_outlasts_an_outage_but_not_its_time(api: Api) -> None:
    with pytest.raises(UnavailableError):
        api.client(problem(503, "try_again")).wait("r1", 60)
    assert api.now == 60
    with pytest.raises(UnknownRequestError):
        api.client(problem(404, "unknown_request")).wait("r1", 60)


def test_a_list_reads_page_by_page_with_its_filters(api: Api) -> None:
    pages = [{"requests": [RUNNING], "cursor": "a+b/="}, {"requests": [ENDED], "cursor": None}]
    since = datetime(2026, 3, 1, 10, tzinfo=timezone(timedelta(hours=1)))
    listed = api.client(*(said(200, page) for page in pages)).list(status="failed", since=since)
    assert (next(listed).status, len(api.asked), [each.status for each in listed]) == ("running", 1, ["succeeded"])
    filters = "/api/requests?status=failed&since=2026-03-01T09%3A00%3A00Z"
    assert [path for _, path, _ in api.asked] == [filters, f"{filters}&cursor=a%2Bb%2F%3D"]
    with pytest.raises(ValueError, match="since is 2026-03-01T10:00:00; allowed: a time with a zone"):
        next(api.client(BUSY).list(since=since.replace(tzinfo=None)))


def test_a_cancellation_has_its_reason(api: Api) -> None:
    api.client(said(202, RUNNING)).cancel("r1", "ordered twice")
    assert api.asked == [("DELETE", "/api/requests/r1", '{"reason": "ordered twice"}')]


def test_the_credentials_of_a_role_are_renewed_between_calls(api: Api) -> None:
    keys = iter(["AKIA1", "AKIA2"])

    def renewed() -> dict[str, str]:
        soon = datetime.now(UTC) + timedelta(minutes=1)
        return {"access_key": next(keys), "secret_key": "s", "token": "t", "expiry_time": soon.isoformat()}

    role = RefreshableCredentials.create_from_metadata(renewed(), renewed, "sts", advisory_timeout=900)
    api.client(said(200, ENDED), session=SimpleNamespace(get_credentials=lambda: role)).get("r1")
    assert "Credential=AKIA2/" in api.signatures[0]


def test_without_credentials_nothing_is_sent(api: Api) -> None:
    caller = api.client(BUSY, session=SimpleNamespace(get_credentials=lambda: None))
    with pytest.raises(CallerRefusedError, match="there are no AWS credentials: set AWS_PROFILE"):
        caller.get("r1")
    assert api.asked == []


@pytest.mark.parametrize(
    "url", ["http://a.example", "https://u:p@a.example", "https://a.example/?b=c", "a.example", ""]
)
def test_a_url_that_would_send_a_signature_in_the_clear_or_elsewhere_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="allowed: https://<host>, or http on this machine") as refused:
        Client(url)
    assert "p@" not in str(refused.value)


@pytest.mark.parametrize("request_id", ["", "..", "a/b", "a?b", "x" * 65, "é"])
def test_an_id_that_would_call_another_route_is_refused(api: Api, request_id: str) -> None:
    caller = api.client(BUSY)
    for call in (caller.get, lambda each: caller.wait(each, 1), lambda each: caller.cancel(each, "")):
        with pytest.raises(ValueError, match="allowed: 1 to 64 letters"):
            call(request_id)
    with pytest.raises(ValueError, match="not JSON"):
        caller.request("order-approval", "order-1", {"amount": Decimal("1.00")})
    assert api.asked == []


def test_the_region_is_that_of_the_url_the_environment_or_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION", raising=False)
    boto3, botocore = SimpleNamespace(region_name="eu-west-1"), SimpleNamespace(get_config_variable=lambda _: None)
    assert Client("https://ab12.execute-api.us-east-1.amazonaws.com", session=boto3)._region == "us-east-1"
    assert Client("https://api.example", session=boto3)._region == "eu-west-1"
    with pytest.raises(ValueError, match="neither the URL nor the session names a region"):
        Client("https://api.example", session=botocore)
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    assert Client("https://api.example", session=botocore)._region == "eu-north-1"
