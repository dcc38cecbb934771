"""The parts together, without a durable execution around them: what one writes, the next one reads."""

from collections.abc import Mapping
from urllib.parse import urlencode

import pytest

import approver.handler
import publisher.handler
import relay.handler
import review.handler
from countersign.composition import Ports, current_ports, use
from countersign.domain.errors import MissingSettingError
from countersign.domain.requests import EXECUTION_MARGIN
from countersign.domain.tasks import Status
from countersign.testing.builders import (
    APPROVER,
    COMMENT,
    WORKFLOW,
    any_question,
    any_wait,
    is_unbroken,
    sqs_event,
    stream_event,
)
from countersign.workflows.runtime import Runtime, current
from tests.integration.conftest import BUS, ENVIRONMENT, Kit, Operation, call
from tests.integration.test_approver import token_in
from tests.integration.test_publisher import entries, for_publisher

WORKFLOW_ENVIRONMENT = ENVIRONMENT | {"WORKFLOW": WORKFLOW, "EXECUTION_TIMEOUT_SECONDS": "86400"}


def runtime_of(environment: Mapping[str, str]) -> Runtime:
    with use(Ports(environment)):
        return current()


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_an_approval_goes_from_the_workflow_to_the_mail_the_click_the_ring_and_back(
    kit: Kit, mails: Operation, events: Operation, callbacks: Operation, decision: str
) -> None:
    bench = runtime_of(WORKFLOW_ENVIRONMENT).waits
    wait = any_wait(expires_at=kit.now + EXECUTION_MARGIN)
    assert bench.open(wait, any_question())["status"] == Status.OPEN

    (handed_off,) = entries(events)
    assert (handed_off["EventBusName"], handed_off["DetailType"]) == (BUS, "approval.requested")
    assert approver.handler.handler(sqs_event(handed_off["Detail"]), None) == {"batchItemFailures": []}

    token = token_in(mails.documents[0])
    page = call(review.handler.handler, "GET", "/review", query={"t": token})
    form = {"t": token, "decision": decision, "comment": COMMENT, "shown": kit.task().shown}
    assert form["shown"] in page.body
    assert call(review.handler.handler, "POST", "/review", body=urlencode(form)).status == 200

    records = for_publisher(kit)
    decided = [record for record in records if record["dynamodb"]["NewImage"]["status"] == {"S": "DECIDED"}]
    assert relay.handler.handler(stream_event(decided[0]), None) == {"batchItemFailures": []}
    assert len(callbacks.asked) == 1

    report = bench.read(wait)
    assert (report["status"], report["outcome"]) == ("APPLIED", {"approve": "approved", "reject": "rejected"}[decision])
    assert [(vote["by"], vote["comment"]) for vote in report["votes"]] == [(APPROVER, COMMENT)]

    publisher.handler.handler(stream_event(*records, *for_publisher(kit)), None)
    told = [entry["DetailType"] for entry in entries(events)]
    assert told == ["approval.requested", "TaskOpened", "TaskDecided", "TaskApplied"]
    assert kit.audited() == ["opened", "minted", "sent", "voted", "decided", "rung", "applied"]
    assert is_unbroken(kit.audit(), kit.task().audit_head, kit.task().audit_seq)


def test_a_workflow_function_is_set_up_by_its_environment(kit: Kit) -> None:
    runtime = runtime_of(WORKFLOW_ENVIRONMENT)
    assert (runtime.workflow, runtime.execution_timeout.total_seconds()) == (WORKFLOW, 86400)
    for name in ("LEDGER_TABLE", "DIRECTORY_TABLE", "BUS_NAME", "WORKFLOW", "EXECUTION_TIMEOUT_SECONDS"):
        with pytest.raises(MissingSettingError, match=name):
            runtime_of({key: value for key, value in WORKFLOW_ENVIRONMENT.items() if key != name})


def test_a_test_puts_its_own_ports_in_place_for_as_long_as_its_block(kit: Kit) -> None:
    inner, outer = Ports(WORKFLOW_ENVIRONMENT), Ports(WORKFLOW_ENVIRONMENT)
    with use(outer):
        with use(inner):
            runtime = current()
            assert (current_ports(), runtime.ledger) == (inner, inner.ledger)
            assert current() is runtime, "made once"
        assert current().ledger is outer.ledger
