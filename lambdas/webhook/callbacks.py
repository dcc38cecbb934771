"""`POST /callbacks/succeed|fail|heartbeat`, the answers of machines: decode, one call, encode."""

from collections.abc import Callable, Mapping
from http import HTTPStatus

from countersign.composition import Ports, once
from countersign.contracts import validation
from countersign.domain import strict_json
from countersign.domain.answers import Sender
from countersign.domain.errors import ContractError
from countersign.domain.links import Link
from countersign.domain.provider_events import WAITING
from countersign.functions import http, limits
from countersign.functions.http import Event
from countersign.functions.log import logger
from countersign.functions.telemetry import about
from countersign.services.answers import Receipt, Results, failure_of
from countersign.services.limits import Limiter, Rates

IDENTIFIED_BY = "callback token"
"""The audit's word for how a worker was identified."""

WORKER = "worker"
"""The name of a machine that answers with its token, on the task and in its audit."""


@once
def limiter(ports: Ports) -> Limiter:
    """Return the rate limiter of callbacks. LIMITS has the fields of `Rates`."""
    return Limiter("callbacks", Rates(**ports.environment.document("LIMITS")), ports.counters, ports.clock)


@once
def results(ports: Ports) -> Results:
    """Return the use case with its ports."""
    return Results(ports.ledger, ports.heartbeats, ports.clock, ports.cipher)


def succeed(event: Event) -> http.Reply:
    """Record the answer of a machine.

    HTTP:
        body object: The answer, which keeps the contract of the task.
        200 answer-receipt: The answer is recorded, was recorded before, or is held for a person.
        202 answer-receipt: The answer is recorded, and the task awaits more.
        problems: contract, unknown_token, decided_otherwise, too_many_answers, closed, answer_refused
        problems: too_many_requests
    """
    body, link = _read(event)
    document = strict_json.read(body)
    if not isinstance(document, dict):
        raise ContractError("the answer must be a JSON object")
    return _replied(results().succeed(link.task_id, document, _sender(event, link)))


def fail(event: Event) -> http.Reply:
    """Record the failure of a machine.

    HTTP:
        body failure: The reason.
        200 answer-receipt: The failure is recorded, or was recorded before.
        problems: contract, unknown_token, decided_otherwise, closed, too_many_requests
    """
    body, link = _read(event)
    document = validation.check("failure", strict_json.read(body))
    return _replied(results().fail(link.task_id, failure_of(document), _sender(event, link)))


def heartbeat(event: Event) -> http.Reply:
    """Record that a machine still works on its task.

    HTTP:
        body any: Ignored.
        200 heartbeat-receipt: The callback waits on.
        problems: unknown_token, decided_otherwise, closed, too_many_requests
    """
    _, link = _read(event)
    results().heartbeat(link.task_id)
    logger.info("heartbeat")
    return http.document(HTTPStatus.OK, {"status": "alive"})


def _read(event: Event) -> tuple[bytes, Link]:
    """Count a request, and return its body and the callback of its token."""
    limits.admit(limiter().admit, event, http.bearer_of(event))
    body, link = http.body_bytes(event), results().link_of(http.bearer_of(event))
    about(task_id=link.task_id)
    return body, link


def _sender(event: Event, link: Link) -> Sender:
    """Return the sender: the channel of the token's hand-off if the task has several channels, else `WORKER`."""
    return Sender(link.recipient or WORKER, IDENTIFIED_BY, http.source_of(event), http.bearer_of(event))


def _replied(receipt: Receipt) -> http.Reply:
    logger.info("answered", handling=receipt.handling)
    status = HTTPStatus.ACCEPTED if receipt.handling in WAITING else HTTPStatus.OK
    missing = {"missing": list(receipt.missing)} if receipt.missing else {}
    return http.document(status, {"status": receipt.handling, **missing})


ROUTES: Mapping[str, Callable[[Event], http.Reply]] = {
    "POST /callbacks/succeed": succeed,
    "POST /callbacks/fail": fail,
    "POST /callbacks/heartbeat": heartbeat,
}
