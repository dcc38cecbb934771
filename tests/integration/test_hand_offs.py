"""The channels of hand-offs past the bus: straight into a queue, and by an asynchronous invocation."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

import approver.handler
from countersign.contracts import envelope
from countersign.domain.errors import HandOffRejectedError, NotHandledError
from countersign.domain.tasks import Status
from countersign.functions.clients import client
from countersign.ports import HandOff
from countersign.workflows.runtime import EXECUTION_MARGIN, from_environment
from tests.builders import CALLBACK_ID, any_envelope, any_question, any_token, any_wait, sqs_event
from tests.integration.conftest import ENVIRONMENT, REGION, Answer, Kit, Operation, Reaction, answering, session
from tests.integration.test_main_path import WORKFLOW_ENVIRONMENT

APPROVER_ARN = f"arn:aws:lambda:{REGION}:111122223333:function:approver"
WORKER_ARN = f"arn:aws:lambda:{REGION}:111122223333:function:worker"
OF_MACHINE = any_envelope(
    kind="payment.requested",
    task={"order_id": "1001"},
    callback={"url": "https://api.example.com/callbacks", "token": any_token()},
)
KINDS = [
    ("approvals", any_envelope()),
    ("approvals", any_envelope(kind="approval.reminder")),
    ("approvals", any_envelope(kind="approval.escalated")),
    ("external-tasks", OF_MACHINE),
]
ACCEPTED = Answer(202)


def channel(name: str, **variables: str) -> HandOff:
    """Return the channel of a workflow that is deployed with it."""
    environment = {key: value for key, value in WORKFLOW_ENVIRONMENT.items() if key != "BUS_NAME"}
    return from_environment(environment | {"HAND_OFF": name} | variables).hand_off


@pytest.fixture
def urls(aws: None) -> dict[str, str]:
    sqs = session().create_client("sqs", region_name=REGION)
    return {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("approvals", "external-tasks")}


@pytest.fixture
def by_queue(urls: dict[str, str]) -> HandOff:
    return channel("queue", APPROVALS_URL=urls["approvals"], EXTERNAL_TASKS_URL=urls["external-tasks"])


@pytest.fixture
def by_invoke(aws: None) -> HandOff:
    return channel("invoke", APPROVER_ARN=APPROVER_ARN, WORKER_ARN=WORKER_ARN)


def received(url: str) -> list[Any]:
    messages = client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"]) for message in messages]


# The queue


@pytest.mark.parametrize(("queue", "handed_off"), KINDS)
def test_an_envelope_goes_into_the_queue_of_those_who_act_on_it_and_no_other(
    urls: dict[str, str], by_queue: HandOff, queue: str, handed_off: dict[str, Any]
) -> None:
    by_queue.send(handed_off)
    found = {name: received(url) for name, url in urls.items()}
    assert found == {name: [handed_off] if name == queue else [] for name in urls}


# The invocation


@pytest.mark.parametrize(("queue", "handed_off"), KINDS)
def test_an_envelope_invokes_the_function_that_acts_on_it_and_nobody_waits_for_it(
    by_invoke: HandOff, queue: str, handed_off: dict[str, Any]
) -> None:
    with answering("lambda", "Invoke", ACCEPTED) as invocations:
        by_invoke.send(handed_off)
    (request,) = invocations.asked
    function = {"approvals": "approver", "external-tasks": "worker"}[queue]
    assert request.url.endswith(f"function%3A{function}/invocations")
    assert request.headers["X-Amz-Invocation-Type"] in ("Event", b"Event")
    assert invocations.documents == [handed_off]


def test_without_a_worker_machines_cannot_be_asked_and_people_can(aws: None) -> None:
    hand_off = channel("invoke", APPROVER_ARN=APPROVER_ARN)
    with answering("lambda", "Invoke", ACCEPTED) as invocations:
        with pytest.raises(HandOffRejectedError, match="no worker"):
            hand_off.send(OF_MACHINE)
        assert invocations.asked == []
        hand_off.send(any_envelope())
    assert len(invocations.asked) == 1


# When the channel does not take it


BROKEN = EndpointConnectionError(endpoint_url="https://example.com", error="broken")


@pytest.mark.parametrize(
    ("name", "service", "operation"), [("by_queue", "sqs", "SendMessage"), ("by_invoke", "lambda", "Invoke")]
)
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(429, "TooManyRequestsException"), "TooManyRequestsException"),
        (Answer(403, "AccessDeniedException"), "AccessDeniedException"),
        (Answer(500, "ServiceException"), "ServiceException"),
        (BROKEN, "EndpointConnectionError"),
    ],
)
def test_a_hand_off_that_is_not_taken_is_rejected_without_its_content_and_can_be_sent_again(
    request: pytest.FixtureRequest, name: str, service: str, operation: str, answer: Reaction, code: str
) -> None:
    hand_off: HandOff = request.getfixturevalue(name)
    with answering(service, operation, answer), pytest.raises(HandOffRejectedError, match=code) as rejection:
        hand_off.send(OF_MACHINE)
    assert any_token() not in f"{rejection.value!r} {rejection.value.__cause__!r}"
    with answering(service, operation, ACCEPTED if service == "lambda" else None):
        hand_off.send(OF_MACHINE)


def test_a_workflow_s_first_hand_off_goes_by_its_channel(kit: Kit, urls: dict[str, str], by_queue: HandOff) -> None:
    environment = WORKFLOW_ENVIRONMENT | {
        "HAND_OFF": "queue",
        "APPROVALS_URL": urls["approvals"],
        "EXTERNAL_TASKS_URL": urls["external-tasks"],
    }
    bench = from_environment(environment).waits
    wait = any_wait(expires_at=kit.now + EXECUTION_MARGIN)
    assert bench.open(wait, any_question())["status"] == Status.OPEN
    (handed_off,) = received(urls["approvals"])
    assert envelope.read(handed_off)["kind"] == "approval.requested"


def test_a_channel_that_there_is_not_is_an_error(aws: None) -> None:
    with pytest.raises(KeyError, match="pigeon"):
        channel("pigeon")


# The approver, invoked


def invoke(document: Any) -> Any:
    return approver.handler.handler(document, None)


def test_the_approver_mails_what_it_is_invoked_with_as_what_comes_from_its_queue(kit: Kit, mails: Operation) -> None:
    handed_off = envelope.requested(kit.open_task())
    assert invoke(handed_off) == {}
    assert len(mails.documents) == 1
    assert approver.handler.handler(sqs_event(handed_off), None) == {"batchItemFailures": []}
    assert invoke(handed_off) == {}
    assert len(mails.documents) == 1, "a hand-off that comes twice, by whichever way, is one mail"


@pytest.mark.parametrize("document", [{}, {"kind": "approval.requested"}, any_envelope(version=2)])
def test_what_is_no_envelope_is_refused_when_invoked_too(kit: Kit, mails: Operation, document: Any) -> None:
    with pytest.raises(NotHandledError):
        invoke(document)
    assert mails.documents == []


@pytest.fixture
def failing_mails(mails: Operation) -> Iterator[Operation]:
    mails.by_default = Answer(429, "TooManyRequestsException", {"message": f"{any_token()} {CALLBACK_ID}"})
    yield mails
    mails.by_default = Answer(document={"MessageId": "mail"})


def test_an_invocation_that_fails_is_lambda_s_to_try_again_and_tells_it_nothing(
    kit: Kit, failing_mails: Operation
) -> None:
    handed_off = envelope.requested(kit.open_task())
    with pytest.raises(NotHandledError) as failure:
        invoke(handed_off)
    assert (str(failure.value), failure.value.__cause__, failure.value.__context__) == ("", None, None)
    failing_mails.by_default = Answer(document={"MessageId": "mail"})
    assert invoke(handed_off) == {}


def test_the_default_is_the_bus(aws: None) -> None:
    assert "HAND_OFF" not in ENVIRONMENT
    assert type(from_environment(WORKFLOW_ENVIRONMENT).hand_off).__name__ == "EventBus"
