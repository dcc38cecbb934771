"""The example worker as a program, on the embedded cloud."""

import signal
import subprocess
import sys

from operate.embedded import aws
from operate.embedded.cloud import ROOT, Cloud
from tests.e2e.payment_scene import PaymentScene


def test_the_worker_answers_a_payment_of_its_queue_and_ends_on_sigterm(cloud: Cloud) -> None:
    scene = PaymentScene(cloud)
    command = [sys.executable, "docs/examples/worker.py", cloud.queues["external-tasks"]]
    worker = subprocess.Popen(
        command, cwd=ROOT, env=aws.environment(cloud.endpoint_url), stderr=subprocess.PIPE, text=True
    )
    try:
        scene.submit()
        result = scene.result()
    finally:
        worker.send_signal(signal.SIGTERM)
        _, log = worker.communicate(timeout=30)
    assert result["status"] == "paid"
    assert (worker.returncode, f"payment.requested {scene.request_id}.payment: succeeded" in log) == (0, True), log
    decided = [item for item in scene.items().values() if item.get("event") == {"S": "decided"}]
    assert [(item["actor"]["S"], item["identified_by"]["S"]) for item in decided] == [("worker", "callback token")]
