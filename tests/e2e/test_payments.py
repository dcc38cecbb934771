"""Payments on the embedded cloud: every habit of a provider, machines that answer, secrets that are rotated."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.client import answer
from local.demo.sandbox import SCHEME, Delivery, Event, Sandbox
from local.providers import activate, made_up
from operate.embedded import aws
from operate.embedded.cloud import Cloud
from tests.e2e.payment_scene import AMOUNT, CURRENCY, PaymentScene
from tests.e2e.scene import until
from tests.e2e.test_logs import all_logs


@pytest.fixture
def scene(cloud: Cloud) -> PaymentScene:
    return PaymentScene(cloud)


def settled_by(scene: PaymentScene, habit: str) -> list[Delivery]:
    """Have a payment asked for and settled by a provider with a habit; return how it posted."""
    provider = Sandbox(scene.cloud, habit)
    scene.submit()
    until(lambda: scene.payment in provider.asked(), "the payment in the queue")
    return list(provider.settle(scene.payment))


# What providers do


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


def test_an_event_that_comes_before_the_request_settles_it_as_soon_as_it_opens(scene: PaymentScene) -> None:
    early = scene.post(scene.says("paid"))
    assert (early.status, early.json()) == (202, {"status": "parked"})
    scene.submit()
    assert scene.result()["status"] == "paid"
    assert scene.decisions() == 1


def test_the_sandbox_serves_until_it_is_stopped(scene: PaymentScene) -> None:
    provider = Sandbox(scene.cloud)
    until(lambda: not provider.asked(), "an end of what other tests have left")
    scene.submit()
    assert next(provider.serve()).statuses == (200,)
    assert scene.result()["status"] == "paid"


def test_the_sandbox_leaves_what_is_for_others_in_the_queue(cloud: Cloud) -> None:
    sqs, queue = aws.client("sqs", cloud.endpoint_url), cloud.queues["external-tasks"]
    others = [json.dumps({"kind": "enrichment.requested", "task": {"provider": "sandbox"}}), "no JSON at all"]
    for body in others:
        sqs.send_message(QueueUrl=queue, MessageBody=body)
    for _ in range(8):  # more often than a message may be received before the queue gives it up
        Sandbox(cloud).asked()
    left: list[str] = []

    def both() -> bool:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            left.append(message["Body"])
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return set(others) <= set(left)

    until(both, "what is for others")
    assert sorted(body for body in left if body in others) == sorted(others)


# What workers answer


def test_a_worker_may_answer_in_the_provider_s_place_once(scene: PaymentScene) -> None:
    scene.submit()
    asked = scene.envelope()
    assert answer(asked, "heartbeat").json() == {"status": "alive"}
    assert answer(asked, "succeed", {"status": "paid"}, token="x" * 43).status == 401
    refused = answer(asked, "succeed", {"status": "stolen"})
    assert (refused.status, refused.json()["pointer"]) == (422, "/status")
    assert answer(asked, "succeed", {"status": "pending"}).status == 202
    paid = {"status": "paid", "amount": AMOUNT, "currency": CURRENCY}
    assert answer(asked, "succeed", paid).json() == {"status": "recorded"}
    assert answer(asked, "succeed", paid).json() == {"status": "duplicate"}
    assert answer(asked, "fail", {"code": "too_late"}).status == 409
    assert answer(asked, "heartbeat").status == 409
    assert scene.result()["status"] == "paid"
    assert scene.decisions() == 1
    assert "refused" in scene.audit()


# Secrets


def test_a_secret_that_is_rotated_in_the_middle_of_a_stream_of_events_loses_none(cloud: Cloud) -> None:
    scenes = [PaymentScene(cloud, provider="svix") for _ in range(4)]
    for scene in scenes:
        scene.submit()
    old, new, where = cloud.providers["svix"], made_up(SCHEME), cloud.provider_secret("svix")
    provider = Sandbox(cloud, provider="svix")

    def deliver(scene: PaymentScene, secret: str) -> int:
        answer = provider.deliver(scene.says("paid"), secret)[-1]
        return answer.status if answer else 0

    assert {deliver(scene, old) for scene in scenes[:1]} <= {200, 202}
    with ThreadPoolExecutor(3) as threads:
        activate(cloud.endpoint_url, where, new, old)
        signed_by = (old, new, new)
        assert set(threads.map(deliver, scenes[1:], signed_by)) <= {200, 202}
    activate(cloud.endpoint_url, where, old)
    assert [scene.result()["status"] for scene in scenes] == ["paid"] * 4


def test_a_burst_of_events_with_duplicates_settles_every_payment_exactly_once(cloud: Cloud) -> None:
    scenes = [PaymentScene(cloud) for _ in range(5)]
    provider = Sandbox(cloud)
    events = [scene.says("paid") for scene in scenes]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda scene: scene.submit(), scenes))
        posts = [*events, *events[:3]]
        answers = list(threads.map(lambda event: provider.deliver(event, cloud.providers["sandbox"])[-1], posts))
    assert {answer.status for answer in answers if answer} <= {200, 202}
    assert all(answers)
    assert [scene.result()["status"] for scene in scenes] == ["paid"] * len(scenes)
    assert [scene.decisions() for scene in scenes] == [1] * len(scenes)


def test_no_log_holds_a_token_a_secret_a_callback_id_or_a_body(scene: PaymentScene, cloud_log: Path) -> None:
    scene.submit()
    asked = scene.envelope()
    answer(asked, "heartbeat")
    answer(asked, "succeed", {"status": "paid", "amount": "7.00", "currency": "EUR", "reason": "private-word"})
    answer(asked, "fail", "private-word")
    event = scene.says("failed")
    scene.post(Event(event.message_id, event.body.replace(b"insufficient_funds", b"private-word")))
    scene.ended()
    callback_id = scene.items()[f"TASK#{scene.task_id}/TASK"]["callback_id"]["S"]
    logged = until(lambda: text if scene.task_id in (text := all_logs(scene.cloud)) else None, "a log of this run")
    logged += cloud_log.read_text(errors="replace")
    for secret in (asked["callback"]["token"], callback_id, "private-word", *scene.cloud.providers.values()):
        assert secret not in logged
