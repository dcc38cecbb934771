"""A fake of Slack's Web API on loopback, which refuses requests that do not have the documented shape."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

TOKEN = "xoxb-123-abc"
USER = "U012AB3CD"

_ARGUMENTS = {
    "conversations.open": {"users": str},
    "chat.postMessage": {"channel": str, "text": str, "blocks": list, "unfurl_links": bool, "unfurl_media": bool},
    "chat.update": {"channel": str, "ts": str, "text": str, "blocks": list, "parse": str},
}
_LIMITS = {"section": 3000, "header": 150, "context": 3000, "field": 2000}
"""The most characters of a text: https://docs.slack.dev/reference/block-kit/blocks."""

_FORMS: dict[str, tuple[str, ...]] = {
    "header": ("plain_text",),
    "section": ("mrkdwn", "plain_text"),
    "field": ("mrkdwn",),
    "context": ("mrkdwn",),
}


@dataclass
class SlackApi:
    """The API of one workspace with one user.

    Attributes:
        calls: The method and the arguments of each accepted call.
        messages: The arguments of each message, by its conversation and time.
        failing: The answers of calls that fail, by their method: status, body and headers.
    """

    server: ThreadingHTTPServer
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    messages: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    failing: dict[str, tuple[int, bytes, Mapping[str, str]]] = field(default_factory=dict)

    def connect(self) -> HTTPConnection:
        """Connect to it, as to Slack."""
        return HTTPConnection("127.0.0.1", self.server.server_port, timeout=5)

    def fail(self, method: str, error: str, status: int = 200, **headers: str) -> None:
        """Let a method fail with Slack's code of an error."""
        self.failing[method] = (status, json.dumps({"ok": False, "error": error}).encode(), headers)

    @property
    def methods(self) -> list[str]:
        """The methods that were called, in order."""
        return [method for method, _ in self.calls]

    def answer(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a call."""
        if error := _error_in(method, arguments):
            return {"ok": False, "error": error}
        self.calls.append((method, arguments))
        if method == "conversations.open":
            is_known = arguments["users"] == USER
            return {"ok": True, "channel": {"id": f"D{USER}"}} if is_known else {"ok": False, "error": "user_not_found"}
        if arguments["channel"] != f"D{USER}":
            return {"ok": False, "error": "channel_not_found"}
        moment = arguments.get("ts", f"1700000000.{len(self.messages):06}")
        if method == "chat.update" and (arguments["channel"], moment) not in self.messages:
            return {"ok": False, "error": "message_not_found"}
        self.messages[arguments["channel"], moment] = arguments
        return {"ok": True, "channel": arguments["channel"], "ts": moment, "message": {"text": arguments["text"]}}


@contextmanager
def slack_api() -> Iterator[SlackApi]:
    """Serve the API on a free port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        api = server.api = SlackApi(server)  # type: ignore[attr-defined]
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield api
        server.shutdown()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    """Answers one call."""

    def do_POST(self) -> None:
        api: SlackApi = self.server.api  # type: ignore[attr-defined]
        content = self.rfile.read(int(self.headers["Content-Length"]))
        method = self.path.removeprefix("/api/")
        status, body, headers = api.failing.get(method) or (200, self._answer(api, method, content), {})
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def _answer(self, api: SlackApi, method: str, content: bytes) -> bytes:
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            return b'{"ok": false, "error": "invalid_auth"}'
        if self.headers["Content-Type"] != "application/json; charset=utf-8":
            return b'{"ok": false, "error": "invalid_post_type"}'
        return json.dumps(api.answer(method, json.loads(content))).encode()

    def log_message(self, *_: Any) -> None:
        pass


def texts_in(blocks: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the text objects of blocks, each with the kind of its place."""
    for block in blocks:
        if "text" in block:
            yield block["type"], block["text"]
        yield from (("field", each) for each in block.get("fields", ()))
        yield from (("context", each) for each in block.get("elements", ()))


def _error_in(method: str, arguments: dict[str, Any]) -> str:
    expected = _ARGUMENTS.get(method)
    if expected is None:
        return "unknown_method"
    if {name: type(value) for name, value in arguments.items()} != expected:
        return "invalid_arguments"
    return error_in_blocks(arguments["blocks"]) if "blocks" in expected else ""


def error_in_blocks(blocks: list[dict[str, Any]]) -> str:
    """Return the code of what is wrong with blocks; empty for nothing."""
    if not 1 <= len(blocks) <= 50 or any(not 1 <= len(block.get("fields", "1")) <= 10 for block in blocks):
        return "invalid_blocks"
    for place, text in texts_in(blocks):
        if text["type"] not in _FORMS.get(place, ()) or not 1 <= len(text["text"]) <= _LIMITS[place]:
            return "invalid_blocks"
    return ""
