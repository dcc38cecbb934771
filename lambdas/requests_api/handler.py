"""The routes of `/requests`: decode, one call, encode."""

from http import HTTPStatus
from typing import Any

from countersign.composition import Ports, once
from countersign.contracts import validation
from countersign.domain import strict_json
from countersign.domain.identity import role_of
from countersign.domain.policy import Policy
from countersign.functions import http
from countersign.functions.http import Event
from countersign.functions.log import logger
from countersign.functions.routing import respond
from countersign.services.caller_rules import CallerRules
from countersign.services.cancellations import Cancellations
from countersign.services.lists import Lists
from countersign.services.submissions import Startable, Submissions
from countersign.services.waiting import Waiting


@once
def rules(ports: Ports) -> CallerRules:
    """Return the stage's rules for callers, in the table `requests`."""
    return CallerRules.from_document(ports.environment.table("requests"))


@once
def submissions(ports: Ports) -> Submissions:
    """Return the use case with its ports.

    The table `workflows` has, by workflow, its `function`, its `deadline_seconds`, its `contract` and whether it is
    `retired`; `policies` the rows of each workflow with a policy. The variable TELL_ERRORS is set on the embedded cloud
    only.
    """
    table = ports.environment.table
    workflows = table("workflows")
    policies = {name: Policy.from_document(rows) for name, rows in table("policies").items()}
    startable = {
        name: Startable(
            int(workflow["deadline_seconds"]), workflow["contract"], policies.get(name), workflow["retired"]
        )
        for name, workflow in workflows.items()
    }
    return Submissions(
        ports.ledger,
        ports.starter({name: workflow["function"] for name, workflow in workflows.items()}),
        ports.directory,
        ports.clock,
        startable,
        rules(),
        tells_errors=bool(ports.environment.text("TELL_ERRORS", "")),
    )


@once
def waiting(ports: Ports) -> Waiting:
    """Return the use case with its ports."""
    return Waiting(ports.ledger, ports.places, ports.clock)


@once
def lists(ports: Ports) -> Lists:
    """Return the use case with its ports."""
    return Lists(ports.ledger, tuple(ports.environment.table("workflows")))


@once
def cancellations(ports: Ports) -> Cancellations:
    """Return the use case with its ports."""
    return Cancellations(ports.ledger, ports.clock)


def submit(event: Event) -> http.Reply:
    """Start a workflow once.

    HTTP:
        body request: The request, under an id that the caller chooses. `input` keeps the schema of its workflow.
        202 request-taken: This call started the workflow.
        200 request-taken: An earlier call with the same request started it.
        problems: contract, caller, workflow_not_allowed, unknown_workflow, request_conflict, retired_workflow
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
    if "wait" in query:
        waiting().until_ended(request_id, int(query["wait"]))
    return http.document(HTTPStatus.OK, submissions().report(request_id))


def page(event: Event) -> http.Reply:
    """List requests, the newest first; those of the caller's role only, if the stage's settings say so.

    HTTP:
        query requests.query: Which requests.
        200 request-list: A page of at most 100 requests.
        problems: contract
    """
    caller = http.caller_of(event)
    role = role_of(caller) if rules().caller(caller).own_only else ""
    return http.document(HTTPStatus.OK, lists().page(http.query_of(event), role))


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


ROUTES = {
    "POST /requests": submit,
    "GET /requests": page,
    "GET /requests/{request_id}": report,
    "DELETE /requests/{request_id}": cancel,
}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001  Lambda passes it
    """Lambda's entry: an API Gateway event, payload format 2.0."""
    return respond(event, ROUTES)
