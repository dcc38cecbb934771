"""`POST /requests` and `GET /requests/{request_id}`: decode, one call, encode."""

from http import HTTPStatus
from typing import Any

from countersign.composition import Ports, once
from countersign.domain import strict_json
from countersign.domain.policy import Policy
from countersign.functions import http
from countersign.functions.http import Event
from countersign.functions.log import logger
from countersign.functions.routing import respond
from countersign.services.caller_rules import CallerRules
from countersign.services.submissions import Startable, Submissions


@once
def submissions(ports: Ports) -> Submissions:
    """Return the use case with its ports.

    The table `workflows` has, by workflow, its `function`, its `deadline_seconds`, its `contract` and whether it is
    `retired`; `policies` the rows of each workflow with a policy; `requests` the fields of `CallerRules`. The variable
    TELL_ERRORS is set on the embedded cloud only.
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
        CallerRules.from_document(table("requests")),
        tells_errors=bool(ports.environment.text("TELL_ERRORS", "")),
    )


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
    """Report a request's status, result and tasks.

    HTTP:
        200 request-report: The request as it stands.
        problems: unknown_request
    """
    return http.document(HTTPStatus.OK, submissions().report(event["pathParameters"]["request_id"]))


ROUTES = {"POST /requests": submit, "GET /requests/{request_id}": report}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001  Lambda passes it
    """Lambda's entry: an API Gateway event, payload format 2.0."""
    return respond(event, ROUTES)
