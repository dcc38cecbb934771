"""`POST /requests` and `GET /requests/{request_id}`: decode, one call, encode."""

import os
from functools import cache
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from countersign.adapters.directory import DynamoDirectory
from countersign.adapters.dynamodb_ledger import DynamoLedger
from countersign.adapters.starter import LambdaStarter
from countersign.domain import strict_json
from countersign.domain.clock import SystemClock
from countersign.domain.errors import CountersignError
from countersign.functions import http
from countersign.functions.clients import client
from countersign.functions.telemetry import count
from countersign.services.submissions import Submissions
from requests_api.settings import Settings

logger = Logger()
app = APIGatewayHttpResolver()


@cache
def submissions() -> Submissions:
    """Return the use case with its ports on AWS, made once."""
    settings = Settings.load(os.environ)
    dynamodb = client("dynamodb")
    ledger = DynamoLedger(dynamodb, settings.ledger_table)
    directory = DynamoDirectory.from_environment(dynamodb, os.environ)
    starter = LambdaStarter(client("lambda"), settings.functions)
    return Submissions(ledger, starter, directory, SystemClock(), settings.workflows, settings.door)


@app.post("/requests")
def submit() -> Response[str]:
    """Start a workflow once: 202 started, 200 when the same request was started before."""
    document = strict_json.read(http.body_bytes(app.current_event.raw_event))
    submission = submissions().submit(document, submitted_by=http.caller_of(app.current_event.raw_event))
    request = submission.request
    logger.info("request taken", request_id=request.request_id, workflow=request.workflow, started=submission.started)
    if submission.started:
        count("RequestsStarted")
    status = HTTPStatus.ACCEPTED if submission.started else HTTPStatus.OK
    return _encoded(http.document(status, {"request_id": request.request_id, "workflow": request.workflow}))


@app.get("/requests/<request_id>")
def report(request_id: str) -> Response[str]:
    """Tell how a request goes: its status, result and tasks."""
    return _encoded(http.document(HTTPStatus.OK, submissions().report(request_id)))


@app.exception_handler(CountersignError)
def refuse(error: CountersignError) -> Response[str]:
    """Answer an error of ours as a problem document."""
    status, headers, body = http.problem_of(error)
    logger.warning("request refused", status=status, error_type=type(error).__name__)
    return _encoded((status, headers, body))


@app.not_found
def wrong_route(_: Exception) -> Response[str]:
    """Answer a method or a path that there is not."""
    return _encoded(
        http.problem(http.UNKNOWN_ROUTE, {"detail": "there is POST /requests and GET /requests/{request_id}"})
    )


@app.exception_handler(Exception)
def fail(error: Exception) -> Response[str]:
    """Answer what nobody expected, without a word of it leaving the function."""
    logger.error("request failed", **http.where_it_failed(error))
    return _encoded(http.problem(http.UNEXPECTED, {"detail": "the same request may be sent again"}))


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry."""
    return app.resolve(event, context)


def _encoded(answer: tuple[int, dict[str, str], str]) -> Response[str]:
    status, headers, body = answer
    return Response(status_code=status, content_type=headers["Content-Type"], headers={**headers}, body=body)
