"""A server for AI agents: they ask people for an approval, read the answer, and take a question back.

    python -m countersign.mcp https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com

It speaks the Model Context Protocol on its standard input and output, and calls the API with the AWS credentials of its
environment: those of a role that has `agent = true` under `[callers]` in the stage's settings. It keeps nothing. A
question lives under its request id, so an agent that was stopped reads the answer days later.

No tool returns a token, a link, or the address of a person. The module needs the package `mcp`, and is not deployed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Callable, Sequence
from hashlib import sha256
from json import dumps
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, Field

from countersign.client import (
    AlreadyAskedError,
    CallerRefusedError,
    CallError,
    Client,
    Report,
    RequestConflictError,
    TooLateError,
    UnavailableError,
    UnknownRequestError,
)

__all__ = ["Answer", "Document", "Question", "Row", "main", "server"]

WORKFLOW = "approval"
MOST_WAIT_SECONDS = 25
"""The longest time that a tool takes: clients of agents give up soon after."""

INSTRUCTIONS = """Ask people for an approval before you act. Keep the request_id of every answer: people may take days,
and you read their decision by get_request with it, also after you were restarted. Do not act while the state is
waiting. Do not ask again in other words after a rejection: the answer was no."""


class Row(BaseModel):
    """A fact that the people read below the question."""

    label: Annotated[str, Field(min_length=1, max_length=60)]
    value: Annotated[str, Field(max_length=20_000)]


class Document(BaseModel):
    """A document that is stored elsewhere. The people see its name and its address."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    url: Annotated[str, Field(description="https only")]


class Question(BaseModel):
    """What you ask, in your words."""

    title: Annotated[str, Field(min_length=1, max_length=200, description="The question in one line")]
    rows: Annotated[list[Row], Field(max_length=30, description="What the people need to decide")] = []
    amount: Annotated[str | None, Field(description="Such as 250.00; the policy of some stages needs it")] = None
    currency: Annotated[str | None, Field(description="ISO 4217 code; with an amount only")] = None
    on_behalf_of: Annotated[str | None, Field(description="For whom you ask: they may not decide")] = None
    attachments: Annotated[list[Document], Field(max_length=20)] = []
    deadline_seconds: Annotated[int | None, Field(ge=1, description="When the question expires")] = None


class Answer(BaseModel):
    """A question as it stands."""

    request_id: Annotated[str, Field(description="Keep it: get_request needs it")]
    state: Annotated[
        Literal["waiting", "approved", "rejected", "expired", "cancelled", "failed"],
        Field(description="Act only on approved"),
    ]
    next: Annotated[str, Field(description="What to do now")]
    comment: Annotated[str | None, Field(description="What the person who decided wrote")] = None
    decided_at: Annotated[str | None, Field(description="RFC 3339, in UTC")] = None
    amount: Annotated[str | None, Field(description="The amount that was decided on")] = None
    currency: str | None = None


_NEXT = {
    "waiting": "Nobody has decided yet. Keep the request_id and call get_request later; do not act before.",
    "approved": "You may act, on this amount and nothing else.",
    "rejected": "Do not act, and do not ask the same again.",
    "expired": "Nobody decided in time. Do not act. You may ask again under a new request_id.",
    "cancelled": "The question was withdrawn. Do not act.",
    "failed": "Something went wrong. Do not act; tell the people who run the system.",
}

_ADVICE: dict[type[CallError], str] = {
    UnknownRequestError: "Check the request_id: it must be one that your role has asked under.",
    RequestConflictError: "Another question has this request_id: choose another one.",
    TooLateError: "It can no longer be cancelled. Read its state with get_request.",
    CallerRefusedError: "Do not act. Tell the people who run the system: your role lacks the right to call.",
    UnavailableError: "Call the tool again later with the same request_id: nobody is asked twice.",
}

RequestId = Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,64}$")]
WaitSeconds = Annotated[int, Field(ge=0, le=MOST_WAIT_SECONDS, description="How long to wait for the decision")]


class Tools:
    """The tools, over the client of one stage."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def request_approval(
        self,
        question: Question,
        request_id: Annotated[
            RequestId | None, Field(description="Left out, it follows from the question: the same one has the same id")
        ] = None,
        wait_seconds: WaitSeconds = 0,
    ) -> Answer:
        """Ask people for an approval. The stage's policy says whom. The same call again asks nobody twice."""
        document = {name: value for name, value in question.model_dump().items() if value not in (None, [])}
        name = request_id or f"ask-{sha256(dumps(document, sort_keys=True).encode()).hexdigest()[:32]}"

        def ask() -> Answer:
            self._client.request(WORKFLOW, name, document)
            return _answer(self._client.wait(name, wait_seconds))

        return await _answered(name, ask)

    async def get_request(self, request_id: RequestId, wait_seconds: WaitSeconds = 20) -> Answer:
        """Read how a question stands, by the request_id of request_approval."""
        return await _answered(request_id, lambda: _answer(self._client.wait(request_id, wait_seconds)))

    async def cancel_request(
        self, request_id: RequestId, reason: Annotated[str, Field(min_length=1, max_length=2_000)]
    ) -> Answer:
        """Take a question back that is not decided yet. The people who were asked read the reason."""

        def cancel() -> Answer:
            self._client.cancel(request_id, reason)  # from now on nobody can decide it
            return Answer(request_id=request_id, state="cancelled", next=_NEXT["cancelled"])

        return await _answered(request_id, cancel)


def server(client: Client) -> MCPServer[Any]:
    """Return the server with its tools, over the client of one stage."""
    made, tools = MCPServer("countersign", instructions=INSTRUCTIONS), Tools(client)
    for tool in (tools.request_approval, tools.get_request, tools.cancel_request):
        made.tool()(tool)
    return made


async def _answered(request_id: str, call: Callable[[], Answer]) -> Answer:
    """Return the answer of a call, in a thread, since it waits.

    Raises:
        ToolError: The API refused the call; has its code and what to do.
    """
    try:
        return await asyncio.to_thread(call)
    except AlreadyAskedError as error:
        until = f" You may ask it again after {error.until:%Y-%m-%dT%H:%M:%SZ}." if error.until else ""
        said = f"{error.code}: you have asked the same before. Call get_request with {error.request_id}.{until}"
        raise ToolError(said) from error
    except CallError as error:
        advice = next((text for kind, text in _ADVICE.items() if isinstance(error, kind)), "Correct the call.")
        raise ToolError(f"{error} ({request_id}). {advice}") from error
    except ValueError as error:
        raise ToolError(str(error)) from error


def _answer(report: Report) -> Answer:
    result = report.result if isinstance(report.result, dict) else {}
    by_status = {"running": "waiting", "succeeded": result.get("status"), "cancelled": "cancelled"}
    state = by_status.get(report.status)
    state = state if state in _NEXT else "failed"
    known = {name: result.get(name) for name in ("comment", "decided_at", "amount", "currency")}
    return Answer.model_validate({"request_id": report.request_id, "state": state, "next": _NEXT[state], **known})


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve one agent until its client closes the standard input."""
    parser = argparse.ArgumentParser(prog="python -m countersign.mcp", description=(__doc__ or "").partition("\n")[0])
    url = os.environ.get("COUNTERSIGN_URL", "")
    parser.add_argument("url", nargs="?", default=url, help="the stage's output ApiUrl; by default COUNTERSIGN_URL")
    parser.add_argument("--region", help="the stage's region; by default that of the URL or of AWS_REGION")
    given = parser.parse_args(arguments)
    if not given.url:
        parser.error("no URL; give the stage's output ApiUrl, or set COUNTERSIGN_URL")
    try:
        client = Client(given.url, region=given.region)
    except ValueError as error:
        parser.error(str(error))
    server(client).run()


if __name__ == "__main__":
    main()
