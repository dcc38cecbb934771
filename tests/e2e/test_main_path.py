"""The main path: from POST /requests to the vote to the resumed durable execution."""

import pytest

from countersign.client import RequestConflictError
from local.demo.watch import Execution
from operate.embedded import aws, http
from operate.embedded.cloud import Cloud
from tests.e2e.scene import Scene, until


def test_a_vote_resumes_the_workflow_with_its_person_and_comment_in_four_operations_and_two_invocations(
    scene: Scene,
) -> None:
    scene.submit()
    assert not scene.ask().is_new, "a repetition starts nothing"
    with pytest.raises(RequestConflictError):
        scene.ask(amount="2.00")
    assert scene.decide("approve", comment="Seen and decided").answer.status == 200
    report = scene.ended()
    assert (report["status"], report["result"]["status"]) == ("succeeded", "approved")
    assert (report["result"]["decided_by"], report["result"]["comment"]) == (scene.approver(), "Seen and decided")
    assert [task["status"] for task in report["tasks"]] == ["APPLIED"]
    assert scene.audit()[:6] == ["opened", "minted", "sent", "voted", "decided", "applied"]
    alias = scene.cloud.workflow("order-approval")
    execution = until(lambda: Execution.named(scene.cloud.endpoint_url, alias, scene.request_id))
    until(execution.has_ended, "the end of the execution")
    assert execution.operations() == ["approval callback 1", "approval open 1", "approval read 1", "record result"]
    assert execution.invocations() == 2


def test_an_unknown_path_is_a_page_for_browsers_and_problem_details_for_machines(cloud: Cloud) -> None:
    page = http.get(f"{cloud.api_url}/reviews", {"Accept": "text/html"})
    assert (page.status, page.text[:15]) == (404, "<!doctype html>")
    assert http.send("POST", f"{cloud.api_url}/reviews", b"{}").json()["code"] == "unknown_route"


def test_lifecycle_events_reach_the_bus_without_details_or_people(scene: Scene) -> None:
    events = aws.client("events", scene.cloud.endpoint_url)
    sqs = aws.client("sqs", scene.cloud.endpoint_url)
    url = sqs.create_queue(QueueName=f"lifecycle-{scene.request_id}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = '{"source": ["countersign"], "detail-type": [{"prefix": "Task"}]}'
    rule = f"lifecycle-{scene.request_id}"
    events.put_rule(Name=rule, EventBusName=scene.cloud.bus, EventPattern=pattern)
    events.put_targets(Rule=rule, EventBusName=scene.cloud.bus, Targets=[{"Id": "queue", "Arn": arn}])
    scene.submit()
    scene.decide("approve", comment="a private word")
    received: list[str] = []

    def all_three() -> bool:
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        received.extend(message["Body"] for message in messages if scene.task_id in message["Body"])
        return len(received) >= 3

    until(all_three, "three lifecycle events")
    text = " ".join(received)
    assert all(kind in text for kind in ("TaskOpened", "TaskDecided", "TaskApplied"))
    assert not any(secret in text for secret in ("private", "@example.com", "chairs"))
