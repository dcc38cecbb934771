"""The examples for callers, against the real requests function over HTTP. A test acts for the workflow."""

import ast
import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from countersign.client import Client
from countersign.composition import Ports, use
from countersign.domain.clock import SystemClock
from countersign.domain.requests import RequestStatus
from countersign.testing.builders import CALLER, REQUEST_ID, WORKFLOW, any_input, http_event
from countersign.testing.fakes import MemoryDirectory, MemoryLedger, MemoryStarter
from docs.examples.client import ask_and_wait, cancel, export_failed, on_request_ended, web_handler
from requests_api.handler import handler
from tests.integration.conftest import CODE_TABLES
from tests.integration.http_api import Reply, serving

EXAMPLES = sorted((Path(__file__).parents[2] / "docs/examples/client").glob("*.py"))
QUESTION = {"title": "Refund of order 1001", "requester": "rita@example.com", "approvers": ["maria@example.com"]}


@dataclass
class Stage:
    """A stage, whose workflow ends at once.

    Attributes:
        ends: The status, the result and the error of the request's end, by the method of the call that precedes it.
    """

    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    ends: dict[str, tuple[RequestStatus, Any, str]] = field(default_factory=dict)

    def __call__(self, method: str, url: str, _: Any, body: str) -> Reply:
        address = urlsplit(url)
        event = http_event(method, address.path, body, query=dict(parse_qsl(address.query)), caller=CALLER)
        answer = handler(event, None)
        if method in self.ends:
            status, result, error = self.ends[method]
            self.ledger.finish(REQUEST_ID, WORKFLOW, status, result, SystemClock().now(), error)
        return answer["statusCode"], answer["headers"], answer["body"]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A stage that the examples find in their environment."""
    stage = Stage()
    workflows = {
        name: {"function": f"{name}:live", "deadline_seconds": 3600, "contract": name, "retired": False}
        for name in (WORKFLOW, "approval")
    }
    ports = Ports({}, CODE_TABLES | {"workflows": workflows})
    ports.ledger, ports.directory = stage.ledger, MemoryDirectory()
    monkeypatch.setattr(ports, "starter", lambda _: MemoryStarter())
    vars(ports)["places"] = SimpleNamespace(take=lambda *_: None)  # nobody waits at the API
    with use(ports), serving(stage) as url:
        credentials = {"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "eu-central-1"}
        for name, value in {"API_URL": url, **credentials}.items():
            monkeypatch.setenv(name, value)
        yield stage


APPROVED = (RequestStatus.SUCCEEDED, {"status": "approved"}, "")
CANCELLED = (RequestStatus.CANCELLED, None, "withdrawn")


@pytest.mark.parametrize(
    ("end", "said"),
    [(APPROVED, "order-1001 is approved"), (CANCELLED, "order-1001 is cancelled: withdrawn")],
)
def test_ask_and_wait(stage: Stage, end: Any, said: str) -> None:
    stage.ends["POST"] = end
    assert ask_and_wait.main("1001", "250.00", "maria@example.com") == said
    assert stage.ledger.asked[REQUEST_ID].submitted_by == CALLER


def test_a_web_handler_asks_and_looks_later(stage: Stage) -> None:
    def answered(method: str, path: str, body: str = "") -> tuple[str, Any]:
        heard: list[str] = []
        environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "wsgi.input": io.StringIO(body)}
        (text,) = web_handler.application(environ, lambda status, _: heard.append(status))
        return heard[0], json.loads(text)

    asked = json.dumps(QUESTION)
    assert answered("POST", "/refunds/1001", asked) == ("202 Accepted", {"status": "asked"})
    assert answered("GET", "/refunds/1001") == ("200 OK", {"status": "running", "result": None})
    assert answered("POST", "/refunds/1001", asked.replace("1001", "1002"))[0] == "409 Refused"
    assert answered("GET", "/refunds/1002")[0] == "404 Refused"
    assert answered("GET", "/refunds/..")[0] == "400 Bad Request"


def test_an_event_of_a_queue_is_acted_on_and_then_deleted(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.ends["POST"] = (RequestStatus.FAILED, None, "timed_out")
    client = Client(os.environ["API_URL"])
    client.request(WORKFLOW, REQUEST_ID, any_input())
    event = {"source": "countersign", "detail-type": "RequestEnded", "detail": {"request_id": REQUEST_ID}}
    deleted: list[str] = []
    sqs = SimpleNamespace(
        receive_message=lambda **_: {"Messages": [{"Body": json.dumps(event), "ReceiptHandle": "r"}]},
        delete_message=lambda **given: deleted.append(given["ReceiptHandle"]),
    )
    on_request_ended.take(sqs, "https://sqs.example/q", client, on_request_ended.tell)
    assert capsys.readouterr().out.endswith("order-approval order-1001 failed: timed_out\n")
    assert deleted == ["r"]


TOO_LATE = "too late: the request has ended and can no longer be cancelled; GET it for its result"


@pytest.mark.parametrize(("ended", "said"), [(False, "order-1001 is cancelled"), (True, TOO_LATE)])
def test_cancel(stage: Stage, ended: bool, said: str) -> None:
    assert cancel.main(REQUEST_ID, "ordered twice") == "order-1001 is not a request of this role"
    if ended:
        stage.ends["POST"] = APPROVED
    Client(os.environ["API_URL"]).request(WORKFLOW, REQUEST_ID, any_input())
    stage.ends["DELETE"] = CANCELLED
    assert cancel.main(REQUEST_ID, "ordered twice") == said


def test_failed_requests_are_exported(stage: Stage) -> None:
    client, table = Client(os.environ["API_URL"]), io.StringIO()
    stage.ends["POST"] = (RequestStatus.FAILED, None, "timed_out")
    for request_id in (REQUEST_ID, "order-1002"):
        client.request(WORKFLOW, request_id, any_input())
    assert export_failed.main(table) == 1
    header, line = table.getvalue().splitlines()
    assert header == "request_id,workflow,error,created_at,ended_at"
    assert line.startswith("order-1001,order-approval,timed_out,20")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_has_at_most_forty_lines_of_python_3_10(example: Path) -> None:
    text = example.read_text("utf-8")
    ast.parse(text, feature_version=(3, 10))
    assert text.count("\n") <= 40
