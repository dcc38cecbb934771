"""The main path on the embedded cloud: from POST /requests to the click to the resumed durable execution."""

import pytest

from local import aws, http
from local.client import open_page, press
from local.cloud import Cloud
from local.watch import Execution
from tests.e2e.scene import REQUESTER, Scene, until


@pytest.fixture
def scene(cloud: Cloud) -> Scene:
    return Scene(cloud)


@pytest.mark.parametrize(("decision", "status"), [("approve", "approved"), ("reject", "rejected")])
def test_a_click_resumes_the_workflow_with_who_when_and_why(scene: Scene, decision: str, status: str) -> None:
    scene.submit()
    page = scene.decide(decision, comment="Seen and decided")
    assert page.answer.status == 200
    report = scene.ended()
    assert report["status"] == "succeeded"
    assert report["result"]["status"] == status
    assert report["result"]["decided_by"] == scene.approver()
    assert report["result"]["comment"] == "Seen and decided"
    assert [task["status"] for task in report["tasks"]] == ["APPLIED"]
    until(lambda: "rung" in scene.audit(), "the record of the ring")
    assert sorted(scene.audit()) == ["applied", "decided", "minted", "opened", "rung", "sent", "voted"]


def test_nobody_answers_and_the_request_expires(scene: Scene) -> None:
    scene.submit(deadline_seconds=3)
    link = scene.link()
    assert scene.ended()["result"]["status"] == "expired"
    page = open_page(link)
    assert page.answer.status == 410
    assert page.forms == ()


def test_a_plain_approval_is_four_operations_and_two_invocations(scene: Scene) -> None:
    scene.submit()
    scene.decide("approve")
    scene.ended()
    alias = scene.cloud.workflow("order-approval")
    execution = until(lambda: Execution.named(scene.cloud.endpoint_url, alias, scene.request_id))
    until(execution.has_ended, "the end of the execution")
    assert execution.operations() == ["approval callback 1", "approval open 1", "approval read 1", "record result"]
    assert execution.invocations() == 2


def test_the_same_click_again_is_recorded_once_and_answered_the_same(scene: Scene) -> None:
    scene.submit()
    page = scene.page()
    assert [press(page, "approve").answer.status for _ in range(3)] == [200, 200, 200]
    assert scene.audit().count("voted") == 1


def test_the_requester_cannot_approve(scene: Scene) -> None:
    requester = scene.approver("rita")
    scene.submit(requester=requester, approvers=[requester, scene.approver()])
    assert press(scene.page(requester), "approve").answer.status == 403
    assert scene.task()["status"] == "OPEN"
    assert "refused" in scene.audit()


def test_a_callback_completed_from_the_console_changes_nothing_and_the_click_counts(scene: Scene) -> None:
    scene.submit()
    link = scene.link()
    callback_id = scene.items()[f"TASK#{scene.task_id}/TASK"]["callback_id"]["S"]
    console = aws.client("lambda", scene.cloud.endpoint_url)
    console.send_durable_execution_callback_success(CallbackId=callback_id, Result=b'{"decision": "approve"}')
    until(lambda: scene.items()[f"TASK#{scene.task_id}/TASK"]["callback_id"]["S"] != callback_id, "a fresh callback")
    assert scene.task()["status"] == "OPEN"
    press(open_page(link), "reject")
    assert scene.ended()["result"]["status"] == "rejected"


def test_a_stopped_execution_closes_its_task_and_a_late_click_hears_so(scene: Scene) -> None:
    scene.submit()
    page = scene.page()
    alias = scene.cloud.workflow("order-approval")
    execution = until(lambda: Execution.named(scene.cloud.endpoint_url, alias, scene.request_id))
    execution.client.stop_durable_execution(DurableExecutionArn=execution.arn)
    assert scene.ended()["status"] == "failed"
    until(lambda: scene.task()["status"] == "CANCELLED", "the end of the task")
    assert press(page, "approve").answer.status == 410


def test_a_reminder_is_mailed_and_both_links_are_one_persons(scene: Scene) -> None:
    scene.submit(reminders_seconds=[2])
    pages = [open_page(link) for link in scene.reminder()]
    assert [press(page, "approve").answer.status for page in pages] == [200, 200]
    assert scene.audit().count("voted") == 1
    assert scene.ended()["result"]["status"] == "approved"


def test_a_request_sent_again_starts_nothing_and_another_input_is_refused(scene: Scene) -> None:
    scene.submit()
    document = {
        "order_id": scene.request_id,
        "amount": "250.00",
        "currency": "EUR",
        "description": "Twelve office chairs",
        "requester": REQUESTER,
        "approvers": [scene.approver()],
        "deadline_seconds": 600,
    }
    assert scene.api.submit("order-approval", scene.request_id, document).status == 200
    assert scene.api.submit("order-approval", scene.request_id, document | {"amount": "2.00"}).status == 409
    scene.decide("approve")
    assert len(scene.ended()["tasks"]) == 1


def test_machines_without_credentials_are_refused_and_unknown_requests_are_404(scene: Scene) -> None:
    assert http.send("POST", f"{scene.cloud.api_url}/requests", b"{}").status == 403
    assert scene.api.report("never-submitted").status == 404
    assert http.send("PUT", f"{scene.cloud.api_url}/review").status in (404, 405)
    assert open_page(f"{scene.cloud.api_url}/review?t={'x' * 43}").answer.status == 404


def test_lifecycle_events_reach_the_bus_without_details_or_people(scene: Scene) -> None:
    events = aws.client("events", scene.cloud.endpoint_url)
    sqs = aws.client("sqs", scene.cloud.endpoint_url)
    url = sqs.create_queue(QueueName=f"heard-{scene.request_id}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = '{"source": ["countersign"], "detail-type": [{"prefix": "Task"}]}'
    rule = f"heard-{scene.request_id}"
    events.put_rule(Name=rule, EventBusName=scene.cloud.bus, EventPattern=pattern)
    events.put_targets(Rule=rule, EventBusName=scene.cloud.bus, Targets=[{"Id": "queue", "Arn": arn}])
    scene.submit()
    scene.decide("approve", comment="a private word")
    heard: list[str] = []

    def all_three() -> bool:
        received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        heard.extend(message["Body"] for message in received if scene.task_id in message["Body"])
        return len(heard) >= 3

    until(all_three, "three lifecycle events")
    text = " ".join(heard)
    assert all(kind in text for kind in ("TaskOpened", "TaskDecided", "TaskApplied"))
    assert not any(secret in text for secret in ("private", "@example.com", "chairs"))
