"""`countersign.mcp`: an AI agent's tools by the SDK's own client, and everything that the agent's credentials reach."""

import json
import os
import re
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import anyio
import pytest
from mcp import Client as Agent
from mcp import StdioServerParameters

from countersign import mcp
from countersign.client import Client
from countersign.composition import Ports, use
from countersign.domain.clock import SystemClock
from countersign.domain.requests import RequestStatus
from countersign.ports import RequestLedger
from countersign.testing.builders import APPROVER, any_request, http_event
from countersign.testing.fakes import MemoryDirectory, MemoryLedger, MemoryStarter
from requests_api.handler import handler
from tests.integration.conftest import CODE_TABLES
from tests.integration.http_api import Reply, serving
from tests.integration.test_requests import AGENT, as_agent
from tools import interfaces

QUESTION: dict[str, Any] = {"title": "Buy the yearly plan?", "rows": [{"label": "Vendor", "value": "Acme"}]}
OTHER = "arn:aws:sts::111122223333:assumed-role/shop/i-0abc"


class Stage:
    """The requests function over HTTP, called by the agent."""

    def __init__(self, ledger: RequestLedger) -> None:
        self.ledger, self.url = ledger, ""

    def __call__(self, method: str, url: str, _: Any, body: str) -> Reply:
        answer = self.call(method, url, body)
        return answer["statusCode"], answer["headers"], answer["body"]

    def call(self, method: str, url: str, body: str = "", caller: str = AGENT) -> dict[str, Any]:
        address = urlsplit(url)
        event = http_event(method, address.path, body, query=dict(parse_qsl(address.query)), caller=caller)
        return handler(event, None)

    def decide(self, request_id: str, status: str) -> None:
        result = {"status": status, "decided_by": APPROVER, "decided_at": "2026-03-01T09:00:00Z", "comment": "Fine"}
        self.ledger.finish(request_id, "approval", RequestStatus.SUCCEEDED, result, SystemClock().now())


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with staged(MemoryLedger(), monkeypatch) as stage:
        yield stage


@contextmanager
def staged(ledger: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Serve a stage with an agent, on a ledger."""
    stage = Stage(ledger)
    ports = Ports({}, CODE_TABLES | as_agent())
    ports.ledger, ports.directory = ledger, MemoryDirectory()
    monkeypatch.setattr(ports, "starter", lambda _: MemoryStarter())
    vars(ports)["places"] = SimpleNamespace(take=lambda *_: None)  # nobody waits at the API
    with use(ports), serving(stage) as url:
        stage.url = url
        credentials = {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "eu-central-1"}
        for name, value in credentials.items():
            monkeypatch.setenv(name, value)
        yield stage


def run(stage: Stage, server: Any, script: Callable[[Agent], Coroutine[Any, Any, None]]) -> None:
    """Connect an agent to a server for a script."""

    async def connected() -> None:
        async with Agent(server) as agent:
            await script(agent)

    anyio.run(connected)


async def used(agent: Agent, tool: str, **arguments: Any) -> dict[str, Any]:
    """Return the answer of a tool, or its error as text under `error`."""
    result = await agent.call_tool(tool, arguments)
    text = "".join(getattr(part, "text", "") for part in result.content)
    return {"error": text} if result.is_error else dict(result.structured_content or {})


def test_an_agent_that_was_killed_reads_the_decision_with_the_same_question(stage: Stage) -> None:
    """First over the standard input and output of a process, then by another server."""
    paths = os.pathsep.join(path for path in sys.path if path)
    known = {name: os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "PATH")}
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "countersign.mcp", stage.url], env={**known, "PYTHONPATH": paths}
    )
    heard: list[dict[str, Any]] = []

    async def ask(agent: Agent) -> None:
        heard.append(await used(agent, "request_approval", question=QUESTION))

    run(stage, server, ask)
    stage.decide(heard[0]["request_id"], "approved")
    run(stage, mcp.server(Client(stage.url)), ask)
    assert [answer["state"] for answer in heard] == ["waiting", "approved"]
    assert heard[0]["request_id"] == heard[1]["request_id"]
    assert heard[1]["comment"] == "Fine"
    assert APPROVER not in str(heard), "an agent learns no address"


def test_a_refusal_is_an_error_of_the_tool_with_its_code_and_advice(stage: Stage) -> None:
    async def script(agent: Agent) -> None:
        asked = await used(agent, "request_approval", question=QUESTION)
        same = {"title": QUESTION["title"].upper(), "rows": QUESTION["rows"]}
        again = await used(agent, "request_approval", question=same)
        assert re.search(f"already_asked: .* get_request with {asked['request_id']}", again["error"])
        other = await used(agent, "request_approval", question={"title": "Else?"}, request_id=asked["request_id"])
        assert "request_conflict" in other["error"]
        uncovered = {"title": "Buy?", "amount": "1.00", "currency": "EUR"}
        assert "/input/amount" in (await used(agent, "request_approval", question=uncovered))["error"]
        assert "unknown_request" in (await used(agent, "get_request", request_id="nope", wait_seconds=0))["error"]
        assert "error" in await used(agent, "get_request", request_id="../requests", wait_seconds=0)
        cancelled = await used(agent, "cancel_request", request_id=asked["request_id"], reason="Not needed")
        assert cancelled["state"] == "cancelled"

    run(stage, mcp.server(Client(stage.url)), script)


# Everything that an agent reaches

_BY_CREDENTIALS = {"POST /requests", "GET /requests", "GET /requests/{request_id}", "DELETE /requests/{request_id}"}
_BY_TOKEN = {
    *("GET /review", "HEAD /review", "POST /review", "POST /delegate", "GET /inbox", "HEAD /inbox", "POST /inbox"),
    *("GET /request", "HEAD /request", "POST /request", "POST /webhooks/{provider}"),
    *("POST /callbacks/succeed", "POST /callbacks/fail", "POST /callbacks/heartbeat"),
}
"""Routes that open by a token or a signature, which is in no answer to an agent."""
_GIVES_ACCESS = re.compile(r"[A-Za-z0-9_-]{43}|/review|/inbox|[?&]t=|@")
"""A token, a link, or the address of a person."""


def test_every_route_and_every_tool_is_judged_and_no_tool_gives_access(stage: Stage) -> None:
    async def script(agent: Agent) -> None:
        assert {tool.name for tool in (await agent.list_tools()).tools} == {
            *("request_approval", "get_request", "cancel_request")
        }
        asked = await used(agent, "request_approval", question=QUESTION)
        read = await used(agent, "get_request", request_id=asked["request_id"], wait_seconds=0)
        cancelled = await used(agent, "cancel_request", request_id=asked["request_id"], reason="Not needed")
        assert not _GIVES_ACCESS.search(json.dumps([asked, read, cancelled]))

    run(stage, mcp.server(Client(stage.url)), script)
    assert {each.key for each in interfaces.operations()} == _BY_CREDENTIALS | _BY_TOKEN


def test_an_agents_credentials_reach_nothing_of_others_and_no_vote(stage: Stage) -> None:
    stage.call("POST", "/requests", json.dumps(any_request(request_id="other-1")), OTHER)
    mine = {"workflow": "approval", "request_id": "mine-1", "input": {"title": "Buy it?"}}
    taken = [
        stage.call("POST", "/requests", json.dumps(mine)),
        stage.call("GET", "/requests"),
        stage.call("GET", "/requests/mine-1"),
    ]
    assert [answer["statusCode"] for answer in taken] == [202, 200, 200]
    assert [each["request_id"] for each in json.loads(taken[1]["body"])["requests"]] == ["mine-1"]
    assert not _GIVES_ACCESS.search("".join(answer["body"] for answer in taken))
    refused = [
        stage.call("POST", "/requests", json.dumps(any_request(request_id="mine-2"))),
        stage.call("POST", "/requests", json.dumps(any_request(request_id="other-1"))),
        stage.call("GET", "/requests/other-1"),
        stage.call("DELETE", "/requests/other-1", json.dumps({"reason": "Mine"})),
    ]
    assert [answer["statusCode"] for answer in refused] == [403, 403, 404, 404]
    assert stage.call("GET", "/requests/other-1", caller=OTHER)["statusCode"] == 200
