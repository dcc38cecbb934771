"""The routes of `/requests`: decode, one call, encode."""

from http import HTTPStatus
from typing import Any

from countersign.contracts import validation
from countersign.domain import strict_json
from countersign.domain.identity import role_of
from countersign.functions import http
from countersign.functions.http import Event
from countersign.functions.log import logger
from countersign.functions.routing import respond
from requests_api.use_cases import cancellations, lists, rules, submissions, waiting


def submit(event: Event) -> http.Reply:
    """Start a workflow once.

    HTTP:
        body request: The request, under an id that the caller chooses. `input` keeps the schema of its workflow.
        202 request-taken: This call started the workflow.
        200 request-taken: An earlier call with the same request started it.
        problems: contract, caller, workflow_not_allowed, already_asked
        problems: unknown_workflow, request_conflict, retired_workflow
    """
    submission = submissions().submit(strict_json.read(http.body_bytes(event)), submitted_by=http.caller_of(event))
    request = submission.request
    logger.info("request taken", request_id=request.request_id, workflow=request.workflow, started=submission.started)
    status = HTTPStatus.ACCEPTED if submission.started else HTTPStatus.OK
    return http.document(status, {"request_id": request.request_id, "workflow": request.workflow})


def report(event: Event) -> http.Reply:
    """Report a request's status, result and tasks, once it has ended if the query says to wait.

    HTTP:
        query report.query: How long to wait.
        200 request-report: The request as it stands.
        problems: contract, unknown_request
    """
    request_id, query = event["pathParameters"]["request_id"], http.query_of(event)
    validation.check("report.query", query)
    only_of = _only_of(event)
    if "wait" in query:
        waiting().until_ended(request_id, int(query["wait"]), only_of)
    return http.document(HTTPStatus.OK, submissions().report(request_id, only_of))


def page(event: Event) -> http.Reply:
    """List requests, the newest first; those of the caller's role only, if the stage's settings say so.

    HTTP:
        query requests.query: Which requests.
        200 request-list: A page of at most 100 requests.
        problems: contract
    """
    return http.document(HTTPStatus.OK, lists().page(http.query_of(event), _only_of(event)))


def cancel(event: Event) -> http.Reply:
    """Cancel a request that the caller's role has submitted: its open tasks are withdrawn, and its workflow ends.

    HTTP:
        body cancellation: Why.
        202 request-taken: The request is cancelled, by this call or by an earlier one, and ends soon.
        problems: contract, unknown_request, irrevocable, request_decided, request_ended
    """
    document, request_id = strict_json.read(http.body_bytes(event)), event["pathParameters"]["request_id"]
    request = cancellations().cancel(request_id, document, http.caller_of(event))
    logger.info("request cancelled", request_id=request_id, workflow=request.workflow)
    return http.document(HTTPStatus.ACCEPTED, {"request_id": request_id, "workflow": request.workflow})


def _only_of(event: Event) -> str:
    """Return the role whose requests alone the caller sees; empty for all."""
    caller = http.caller_of(event)
    return role_of(caller) if rules().caller(caller).own_only else ""


ROUTES = {
    "POST /requests": submit,
    "GET /requests": page,
    "GET /requests/{request_id}": report,
    "DELETE /requests/{request_id}": cancel,
}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001  Lambda passes it
    """Lambda's entry: an API Gateway event, payload format 2.0."""
    return respond(event, ROUTES)
