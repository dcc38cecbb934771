"""The sweeper on the deployed product repairs a lost ring and a lost start, once."""

from dataclasses import replace
from datetime import timedelta

from countersign.adapters.attributes import to_item
from countersign.adapters.keys import task_key
from countersign.adapters.task_items import audit_document, task_document
from countersign.domain import votes
from countersign.domain.audit import append
from countersign.domain.clock import SystemClock
from countersign.domain.requests import Request
from countersign.domain.rules import Decision
from countersign.domain.strict_json import digest
from operate.embedded import aws
from operate.embedded.cloud import Cloud
from tests.e2e.scene import Scene, until

A_WHILE_AGO = SystemClock().now() - timedelta(hours=1)


def decide_unnoticed(scene: Scene) -> None:
    """Decide a scene's task by deleting and putting its item: the relay rings for modified items only."""
    task = until(lambda: scene.ledger.task(scene.task_id), "an open task")
    change = votes.answer(task, scene.approver(), Decision.APPROVE, "", task.shown, "203.0.113.0/24", A_WHILE_AGO)
    assert change
    document, table = task_document(change.after), aws.client("dynamodb", scene.cloud.endpoint_url)
    minted = next(entry for entry in scene.ledger.audit(task.task_id) if entry.event.event == "minted")
    for voted in change.events:
        event = replace(voted, data={**voted.data, "link": minted.event.data["fingerprint"]})
        seq, head = document["audit_seq"], document["audit_head"]
        entry = append(task.task_id, seq, head, task.shown, event, A_WHILE_AGO, task.question.policy)
        table.put_item(TableName=scene.cloud.table, Item=to_item(audit_document(entry)))
        document |= {"audit_seq": entry.seq, "audit_head": entry.hash}
    table.delete_item(TableName=scene.cloud.table, Key=to_item(task_key(task.task_id)))
    table.put_item(TableName=scene.cloud.table, Item=to_item(document))


def sweep(cloud: Cloud) -> None:
    """Invoke the sweeper, as its schedule does."""
    functions = aws.client("lambda", cloud.endpoint_url)
    pages = functions.get_paginator("list_functions").paginate()
    handlers = {each["Handler"]: each["FunctionName"] for page in pages for each in page["Functions"]}
    answer = functions.invoke(FunctionName=handlers["sweeper.handler.handler"], Payload=b"{}")
    assert "FunctionError" not in answer, answer["Payload"].read()


def test_a_decision_whose_ring_was_lost_reaches_its_workflow(scene: Scene) -> None:
    scene.submit()
    scene.await_record_of_mail()
    decide_unnoticed(scene)
    assert scene.report()["status"] == "running"
    sweep(scene.cloud)
    report = scene.ended()
    assert (report["status"], report["result"]["status"]) == ("succeeded", "approved")
    assert [task["status"] for task in report["tasks"]] == ["APPLIED"]
    until(lambda: "rung" in scene.audit(), "the record of the ring")
    assert scene.audit().count("swept") == scene.audit().count("rung") == 1
    assert scene.ledger.audit_breaks(scene.task_id) == []


def test_a_request_whose_start_was_lost_is_started_once(scene: Scene) -> None:
    document = scene.document()
    request = Request(scene.request_id, scene.workflow, digest(document), "", deadline_seconds=600, input=document)
    scene.ledger.submit(request, A_WHILE_AGO)
    sweep(scene.cloud)
    sweep(scene.cloud)
    assert (scene.decide("approve").answer.status, scene.ended()["result"]["status"]) == (200, "approved")
    assert scene.audit().count("opened") == 1
