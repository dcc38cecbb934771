"""Ask from a web application, which answers at once: `POST /refunds/1001` asks, `GET /refunds/1001` looks.

Never wait for people in a web handler. Take the requester from your own log-in, not from the body as this example does.
"""

import json
import os
from collections.abc import Callable, Iterable
from typing import Any

from countersign.client import CallError, Client, UnavailableError


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer a request, as WSGI has it: https://peps.python.org/pep-3333/."""
    client, request_id = Client(os.environ["API_URL"]), environ["PATH_INFO"].strip("/").replace("/", "-")
    try:
        if environ["REQUEST_METHOD"] == "POST":
            client.request("approval", request_id, json.load(environ["wsgi.input"]))
            status, document = "202 Accepted", {"status": "asked"}
        else:
            report = client.get(request_id)
            status, document = "200 OK", {"status": report.status, "result": report.result}
    except UnavailableError:
        status, document = "503 Service Unavailable", {"error": "nothing is lost; send the same again"}
    except CallError as error:
        status, document = f"{error.status} Refused", {"error": error.detail}
    except ValueError:
        status, document = "400 Bad Request", {"error": "the path or the body is malformed"}
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(document).encode()]


if __name__ == "__main__":
    from wsgiref.simple_server import make_server

    make_server("localhost", 8000, application).serve_forever()
