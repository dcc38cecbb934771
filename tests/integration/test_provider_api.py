"""The calls to providers' APIs, against a server on the loopback."""

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from countersign.adapters.provider_api import MOST_BYTES, HttpsProviderApi, over_tls
from countersign.domain.errors import LookFailedError

SHORT = 0.3


class Server(BaseHTTPRequestHandler):
    """Answers `/<status>/<bytes>`; `/slow` and `/drip` never finish, `/broken` closes the connection."""

    asked: list[tuple[str, str]]

    def do_GET(self) -> None:
        self.asked.append((self.command, self.path))
        if self.path == "/slow":
            time.sleep(2 * SHORT)
        elif self.path == "/drip":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            for _ in range(8):
                self.wfile.write(b"X-More: 1\r\n")
                time.sleep(SHORT / 4)
        elif self.path != "/broken":
            _, status, size = self.path.split("/")
            self.send_response(int(status))
            self.send_header("Location", "/200/1")
            self.send_header("Content-Length", size)
            self.end_headers()
            self.wfile.write(b"x" * int(size))

    do_POST = do_GET  # noqa: N815  http.server finds it by this name

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with serving() as port:
        yield port


@contextmanager
def serving() -> Iterator[int]:
    # A handler that is late belongs to an earlier server, and writes into that one's list.
    Server.asked = []
    handler = type("Handler", (Server,), {"asked": Server.asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def called(port: int, path: str, body: bytes | None = None) -> bytes:
    api = HttpsProviderApi(lambda host: HTTPConnection(host, port, timeout=SHORT), seconds=SHORT)
    return api.at("127.0.0.1")(path, {"Accept": "application/json"}, body)


def test_an_answer_is_returned_up_to_the_limit(port: int) -> None:
    assert called(port, f"/200/{MOST_BYTES}") == b"x" * MOST_BYTES
    assert called(port, "/200/2", b"grant_type=client_credentials") == b"xx"
    assert [method for method, _ in Server.asked] == ["GET", "POST"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (f"/200/{MOST_BYTES + 1}", "too_large"),
        *((f"/{status}/1", "redirecting") for status in (301, 302, 307, 308)),
        ("/401/1", "denied"),
        ("/403/1", "denied"),
        ("/404/1", "not_found"),
        ("/400/1", "refused"),
        ("/429/1", "down"),
        ("/500/1", "down"),
        ("/503/1", "down"),
        ("/204/0", "unreadable"),
        ("/slow", "slow"),
        ("/drip", "slow"),
        ("/broken", "down"),
    ],
)
def test_any_other_answer_is_a_failure_with_its_reason(
    port: int, path: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with pytest.raises(LookFailedError) as error:
        called(port, path)
    assert error.value.reason == reason
    assert [path for _, path in Server.asked] == [path], "no redirect is followed"


def test_a_server_that_is_not_there_is_down() -> None:
    with serving() as port:
        pass
    with pytest.raises(LookFailedError, match="down"):
        called(port, "/200/1")


def test_all_calls_of_one_look_share_its_time(port: int) -> None:
    call = HttpsProviderApi(lambda host: HTTPConnection(host, port), seconds=0.0).at("127.0.0.1")
    with pytest.raises(LookFailedError, match="slow"):
        call("/slow", {}, None)


def test_by_default_the_certificate_of_the_host_is_verified() -> None:
    connection = over_tls("api.example.com")
    assert isinstance(connection, HTTPSConnection)
    context: ssl.SSLContext = vars(connection)["_context"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
