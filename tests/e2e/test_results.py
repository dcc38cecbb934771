"""A payment on the embedded cloud, answered by an event on the bus."""

import json
from typing import Any

import pytest

from operate.embedded import aws
from operate.embedded.cloud import Cloud
from tests.e2e.payment_scene import AMOUNT, CURRENCY, PaymentScene
from tests.e2e.scene import Scene, until

SOURCE = "com.example.payments"


@pytest.fixture
def payment(cloud: Cloud) -> PaymentScene:
    """A payment that was asked for."""
    scene = PaymentScene(cloud)
    scene.submit()
    return scene


def put(scene: Scene, **detail: Any) -> None:
    """Put an answer on the bus, as a service of the account does."""
    document = {"version": 1, "task_id": scene.task()["task_id"], **detail}
    entry = {
        "EventBusName": scene.cloud.bus,
        "Source": SOURCE,
        "DetailType": "TaskResult",
        "Detail": json.dumps(document),
    }
    answer = aws.client("events", scene.cloud.endpoint_url).put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 0


def dead_letter(scene: Scene, reason: str) -> dict[str, Any]:
    """Wait for this scene's event in the dead letters, with this reason, and take it out."""
    sqs, url = aws.client("sqs", scene.cloud.endpoint_url), scene.cloud.queues["results-dlq"]

    def found() -> dict[str, Any] | None:
        for message in sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=1
        ).get("Messages", []):
            attributes = message["MessageAttributes"]
            if scene.request_id in message["Body"] and attributes["reason"]["StringValue"] == reason:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                body: dict[str, Any] = json.loads(message["Body"])
                return body
        return None

    return until(found, f"a dead letter because of {reason}")


def test_an_event_on_the_bus_pays_and_its_sender_is_on_record(payment: PaymentScene) -> None:
    put(payment, outcome="succeeded", answer={"status": "paid", "amount": AMOUNT, "currency": CURRENCY})
    assert payment.ended()["result"]["status"] == "paid"
    decided = [item for item in payment.items().values() if item.get("event") == {"S": "decided"}]
    assert [(item["actor"]["S"], item["identified_by"]["S"]) for item in decided] == [(SOURCE, "event bus")]


def test_an_answer_that_breaks_the_contract_is_a_dead_letter_and_the_payment_waits_on(payment: PaymentScene) -> None:
    put(payment, outcome="succeeded", answer={"status": "maybe"})
    assert dead_letter(payment, "answer_refused")["detail"]["answer"] == {"status": "maybe"}
    put(payment, outcome="succeeded", answer={"status": "paid", "amount": AMOUNT, "currency": CURRENCY})
    assert payment.ended()["result"]["status"] == "paid"
