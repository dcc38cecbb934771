"""Payments on the embedded cloud, and the sandbox that stands in for a provider."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.demo.sandbox import Delivery, Event, Sandbox
from operate.client import answer
from operate.embedded import aws
from operate.embedded.cloud import Cloud
from tests.e2e.payment_scene import AMOUNT, CURRENCY, PaymentScene
from tests.e2e.scene import until
from tests.e2e.test_logs import all_logs
from tests.e2e.test_poison import taken_from


@pytest.fixture
def scene(cloud: Cloud) -> PaymentScene:
    return PaymentScene(cloud)


def settled_by(scene: PaymentScene, habit: str) -> list[Delivery]:
    """Submit a payment, have the sandbox settle it in a mode, and return its deliveries."""
    provider = Sandbox(scene.cloud, habit)
    scene.submit()
    until(lambda: scene.payment in provider.asked(), "the payment in the queue")
    return list(provider.settle(scene.payment))


def test_a_payment_is_paid_once_however_often_its_event_is_delivered(scene: PaymentScene) -> None:
    deliveries = settled_by(scene, "duplicates")
    assert [delivery.statuses[-1] for delivery in deliveries] == [200] * 4
    assert sorted(delivery.handling for delivery in deliveries) == ["duplicate"] * 3 + ["recorded"]
    assert scene.result() == {
        "order_id": scene.request_id,
        "status": "paid",
        "provider": "sandbox",
        "external_id": scene.payment.external_id,
        "amount": AMOUNT,
        "currency": CURRENCY,
    }
    assert (scene.decisions(), scene.audit().count("responded")) == (1, 1)


def test_the_sandbox_serves_until_it_is_stopped(scene: PaymentScene) -> None:
    provider = Sandbox(scene.cloud)
    until(lambda: not provider.asked(), "an end of what other tests have left")
    scene.submit()
    assert next(provider.serve()).statuses == (200,)
    assert scene.result()["status"] == "paid"


def test_the_sandbox_leaves_the_messages_of_others_in_the_queue(cloud: Cloud) -> None:
    sqs, queue = aws.client("sqs", cloud.endpoint_url), cloud.queues["external-tasks"]
    others = [json.dumps({"kind": "enrichment.requested", "task": {"provider": "sandbox"}}), "no JSON at all"]
    for body in others:
        sqs.send_message(QueueUrl=queue, MessageBody=body)
    for _ in range(8):  # more often than the queue delivers a message
        Sandbox(cloud).asked()
    left: list[str] = []

    def both() -> bool:
        left.extend(taken_from(sqs, queue))
        return set(others) <= set(left)

    until(both, "the messages of others")
    assert sorted(body for body in left if body in others) == sorted(others)


def test_a_burst_of_events_with_duplicates_settles_every_payment_exactly_once(cloud: Cloud) -> None:
    scenes = [PaymentScene(cloud) for _ in range(3)]
    provider = Sandbox(cloud)
    events = [scene.event("paid") for scene in scenes]
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda scene: scene.submit(), scenes))
        posts = [*events, *events[:2]]
        answers = list(threads.map(lambda event: provider.deliver(event, cloud.providers["sandbox"])[-1], posts))
    assert {answer.status for answer in answers if answer} <= {200, 202}
    assert all(answers)
    assert [scene.result()["status"] for scene in scenes] == ["paid"] * len(scenes)
    assert [scene.decisions() for scene in scenes] == [1] * len(scenes)


def test_no_log_of_a_payment_has_a_token_a_secret_a_callback_id_or_a_body(scene: PaymentScene, cloud_log: Path) -> None:
    scene.submit()
    asked = scene.envelope()
    answer(asked, "heartbeat")
    answer(asked, "succeed", {"status": "paid", "amount": "7.00", "currency": "EUR", "reason": "private-word"})
    answer(asked, "fail", "private-word")
    event = scene.event("failed")
    scene.post(Event(event.message_id, event.body.replace(b"insufficient_funds", b"private-word")))
    scene.ended()
    callback_id = scene.items()[f"TASK#{scene.task_id}/TASK"]["callback_id"]["S"]
    logged = until(lambda: text if scene.task_id in (text := all_logs(scene.cloud)) else None, "a log of this run")
    logged += cloud_log.read_text(errors="replace")
    for secret in (asked["callback"]["token"], callback_id, "private-word", *scene.cloud.providers.values()):
        assert secret not in logged
