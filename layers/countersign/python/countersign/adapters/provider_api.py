"""Calls to the APIs of providers, with the standard library."""

import ssl
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException, HTTPSConnection

from countersign.domain.errors import LookFailedError

SECONDS = 5.0
"""How long all calls about one payment may take, from the look-up of the name to the last byte."""

MOST_BYTES = 64 * 1024

_REASONS = {401: "denied", 403: "denied", 404: "not_found", 408: "slow", 429: "down"}


def over_tls(host: str) -> HTTPConnection:
    """Return a connection that verifies the host's certificate. It reads no proxy from the environment."""
    return HTTPSConnection(host, timeout=SECONDS, context=ssl.create_default_context())


class HttpsProviderApi:
    """Implements `countersign.ports.ProviderApi`. No redirect is followed: it would receive the API key.

    Args:
        connect: Makes a connection to a host. Only tests give another: no setting and no variable names a host.
        seconds: How long all calls about one payment may take.
    """

    def __init__(self, connect: Callable[[str], HTTPConnection] = over_tls, seconds: float = SECONDS) -> None:
        self._connect = connect
        self._seconds = seconds

    def at(self, host: str) -> Callable[[str, Mapping[str, str], bytes | None], bytes]:
        """See `countersign.ports.ProviderApi.at`."""
        ends = time.monotonic() + self._seconds

        def call(path: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
            return _within(ends - time.monotonic(), lambda: self._called(host, path, headers, body))

        return call

    def _called(self, host: str, path: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
        connection = self._connect(host)
        try:
            connection.request("POST" if body is not None else "GET", path, body, dict(headers))
            with connection.getresponse() as answer:
                return _body_of(answer.status, answer.read(MOST_BYTES + 1) if answer.status == 200 else b"")
        except TimeoutError as error:
            raise LookFailedError("slow") from error
        except (OSError, HTTPException) as error:
            raise LookFailedError("down") from error
        finally:
            connection.close()


def _body_of(status: int, body: bytes) -> bytes:
    if status != 200:
        by_class = {3: "redirecting", 4: "refused", 5: "down"}
        raise LookFailedError(_REASONS.get(status) or by_class.get(status // 100, "unreadable"))
    if len(body) > MOST_BYTES:
        raise LookFailedError("too_large")
    return body


def _within(seconds: float, work: Callable[[], bytes]) -> bytes:
    """Return the result of work, or give up on it: a time-out of a socket counts for each byte anew."""
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(work).result(max(0.0, seconds))
    except TimeoutError as error:
        raise LookFailedError("slow") from error
    finally:
        pool.shutdown(wait=False)
