"""A payment on the embedded cloud, answered by an event on the bus."""

import json

from operate.embedded import aws
from operate.embedded.cloud import Cloud
from tests.e2e.payment_scene import AMOUNT, CURRENCY, PaymentScene

SOURCE = "com.example.payments"


def test_an_event_on_the_bus_pays_in_the_name_of_its_source(cloud: Cloud) -> None:
    payment = PaymentScene(cloud)
    payment.submit()
    answer = {"status": "paid", "amount": AMOUNT, "currency": CURRENCY}
    detail = {"version": 1, "task_id": payment.task()["task_id"], "outcome": "succeeded", "answer": answer}
    entry = {"EventBusName": cloud.bus, "Source": SOURCE, "DetailType": "TaskResult", "Detail": json.dumps(detail)}
    assert aws.client("events", cloud.endpoint_url).put_events(Entries=[entry])["FailedEntryCount"] == 0
    assert payment.ended()["result"]["status"] == "paid"
    decided = [item for item in payment.items().values() if item.get("event") == {"S": "decided"}]
    assert [(item["actor"]["S"], item["identified_by"]["S"]) for item in decided] == [(SOURCE, "event bus")]
