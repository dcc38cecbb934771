"""Act on the end of each request: `python on_request_ended.py QUEUE_URL`.

A rule on the kit's bus brings the events to a queue of yours: source `countersign`, detail type `RequestEnded`. An
event can arrive twice, and has no result: the API has it.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from countersign.client import Client, Report


def take(sqs: Any, queue_url: str, client: Client, act: Callable[[Report], None]) -> None:
    """Act on the events that wait in the queue. A message is deleted afterwards: what fails comes again."""
    received = sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=20, MaxNumberOfMessages=10)
    for message in received.get("Messages", []):
        detail = json.loads(message["Body"])["detail"]
        act(client.get(detail["request_id"]))
        sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])


def tell(report: Report) -> None:
    """Print how a request ended; put your own action here, and make it idempotent by `report.request_id`."""
    why = f": {report.error.code}" if report.error else ""
    print(f"{report.workflow} {report.request_id} {report.status}{why}")


if __name__ == "__main__":
    import boto3

    while True:
        take(boto3.client("sqs"), sys.argv[1], Client(os.environ["API_URL"]), tell)
