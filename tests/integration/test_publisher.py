"""The publisher: lifecycle events and the outbox go to the bus, and audit entries to the archive."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from countersign.adapters.attributes import from_item, to_item
from countersign.adapters.audit_archive import S3AuditArchive
from countersign.adapters.dynamodb import SCHEMA_VERSION
from countersign.adapters.task_items import archived_entry
from countersign.domain.clock import to_text
from countersign.domain.copies import Copy
from countersign.domain.requests import Request, RequestStatus
from countersign.functions.clients import client
from countersign.testing.builders import COMMENT, NOW, REQUEST_ID, TASK_ID, WORKFLOW, any_envelope, stream_record
from publisher.handler import handler
from tests.integration.conftest import ARCHIVE, BUS, TABLE, Answer, Kit, Operation, answering, on_stream
from tests.integration.output import Output

OUTBOX = {"pk": f"TASK#{TASK_ID}", "sk": "OUTBOX#1"}
REFUSED_ENTRY = Answer(document={"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]})
REFUSALS: list[Answer | Exception] = [
    REFUSED_ENTRY,
    Answer(document={"FailedEntryCount": 1, "Entries": [{}]}),
    Answer(400, "AccessDeniedException"),
    Answer(500, "InternalException"),
    EndpointConnectionError(endpoint_url="https://events.eu-central-1.amazonaws.com", error="refused"),
]

run = on_stream(handler)


def number_of(record: dict[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def records_of_tasks(kit: Kit) -> list[dict[str, Any]]:
    return [record for record in kit.stream() if record["dynamodb"]["Keys"]["sk"]["S"] == "TASK"]


def entries(events: Operation) -> list[dict[str, Any]]:
    return [entry for document in events.documents for entry in document["Entries"]]


# Lifecycle events


def test_a_new_task_is_an_event_on_our_bus(kit: Kit, events: Operation) -> None:
    kit.open_task()
    assert run(*records_of_tasks(kit)) == []
    (entry,) = entries(events)
    assert (entry["EventBusName"], entry["Source"], entry["DetailType"]) == (BUS, "countersign", "TaskOpened")
    assert json.loads(entry["Detail"])["task_id"] == TASK_ID


@pytest.mark.parametrize("refusal", REFUSALS, ids=repr)
def test_an_event_that_the_bus_refuses_is_retried(kit: Kit, events: Operation, refusal: Answer | Exception) -> None:
    kit.open_task()
    (record,) = records_of_tasks(kit)
    taken, events.by_default = events.by_default, refusal
    assert run(record) == [number_of(record)]
    events.by_default = taken
    assert run(record) == []


def test_the_events_of_a_batch_are_put_in_their_order_with_few_calls_and_a_refused_one_blocks_no_other(
    kit: Kit, events: Operation, output: Output
) -> None:
    ids = [f"order-{number:02}.approval" for number in range(12)]
    for task_id in ids:
        kit.open_task(task_id=task_id)
    records = records_of_tasks(kit)
    results = [{"ErrorCode": "InternalFailure"} if number == 3 else {"EventId": str(number)} for number in range(10)]
    events.answers = [Answer(document={"FailedEntryCount": 1, "Entries": results})]
    assert run(*records) == [number_of(records[3])]
    assert [json.loads(entry["Detail"])["task_id"] for entry in entries(events)] == ids
    assert [len(document["Entries"]) for document in events.documents] == [10, 2]
    assert output.new().counts == {"TaskOpened": 11}


def test_a_record_that_cannot_be_read_blocks_no_other(kit: Kit, events: Operation) -> None:
    kit.open_task()
    records = [stream_record(to_item({"pk": "TASK#broken", "sk": "TASK"})), *records_of_tasks(kit)]
    assert (run(*records), len(entries(events))) == ([number_of(records[0])], 1)


def test_an_envelope_of_any_size_is_put_alone_and_blocks_no_other(kit: Kit, events: Operation) -> None:
    run(*[outbox_record(comment="x" * size) for size in (10, 300_000, 10)])
    assert [len(document["Entries"]) for document in events.documents] == [1, 1, 1]


def test_the_end_of_a_request_is_an_event(kit: Kit, events: Operation) -> None:
    kit.ledger.submit(Request(REQUEST_ID, WORKFLOW, created_at=NOW), NOW)
    kit.ledger.started(REQUEST_ID, "arn:1")
    kit.ledger.finish(REQUEST_ID, WORKFLOW, RequestStatus.CANCELLED, None, NOW, "withdrawn")
    assert run(kit.stream()[-1]) == []
    (entry,) = entries(events)
    expected = {"version": 1, "kind": "RequestEnded", "request_id": REQUEST_ID, "workflow": WORKFLOW}
    expected |= {"status": "cancelled", "error": "withdrawn", "created_at": to_text(NOW), "ended_at": to_text(NOW)}
    assert (entry["DetailType"], json.loads(entry["Detail"])) == ("RequestEnded", expected)


# The outbox


def outbox_record(kind: str = "approval.escalated", **more: str) -> dict[str, Any]:
    """Put an envelope into the outbox, and return its stream record."""
    item = to_item(OUTBOX | {"envelope": json.dumps(any_envelope(kind=kind) | more)})
    client("dynamodb").put_item(TableName=TABLE, Item=item)
    return stream_record(item)


def test_an_envelope_of_the_outbox_is_sent_and_deleted(kit: Kit, events: Operation, output: Output) -> None:
    assert run(outbox_record()) == []
    (entry,) = entries(events)
    assert (entry["DetailType"], json.loads(entry["Detail"])["kind"]) == ("approval.escalated", "approval.escalated")
    assert (kit.items(), output.new().counts) == ({}, {})


@pytest.mark.parametrize("forged", [{"task_id": "order-2.approval"}, {"request_id": "order-2"}], ids=str)
def test_an_envelope_about_another_task_than_its_item_is_not_sent(
    kit: Kit, events: Operation, forged: dict[str, str]
) -> None:
    record = outbox_record(**forged)
    assert (run(record), events.documents) == ([number_of(record)], [])


def test_a_held_payment_is_counted(kit: Kit, events: Operation, output: Output) -> None:
    assert (run(outbox_record("payment.held")), output.new().counts) == ([], {"PaymentsHeld": 1})


def test_an_envelope_that_the_bus_refuses_stays_in_the_outbox(kit: Kit, events: Operation) -> None:
    record = outbox_record()
    taken, events.by_default = events.by_default, REFUSALS[0]
    assert run(record) == [number_of(record)]
    assert (OUTBOX["pk"], OUTBOX["sk"]) in kit.items()
    events.by_default = taken
    assert (run(record), kit.items()) == ([], {})


def test_an_envelope_that_was_sent_and_not_deleted_is_sent_again(kit: Kit, events: Operation) -> None:
    record = outbox_record()
    with answering("dynamodb", "DeleteItem", Answer(500, "InternalServerError")):
        assert run(record) == [number_of(record)]
    assert (run(record), len(entries(events)), kit.items()) == ([], 2, {})


def test_a_parked_event_that_ttl_removed_is_counted(kit: Kit, events: Operation, output: Output) -> None:
    parked = {"pk": "EXTERNAL#pay#pay-1", "sk": "PARKED#msg_1", "event_id": "msg_1", "status": "paid"}
    assert (run(stream_record(None, to_item(parked))), events.asked) == ([], [])
    assert output.new().counts == {"EventsForgotten": 1}


# The copy of the audit


def is_of_audit(record: dict[str, Any]) -> bool:
    return str(record["dynamodb"]["Keys"]["pk"]["S"]).startswith("AUDIT#")


def audit_records(kit: Kit) -> list[dict[str, Any]]:
    return list(filter(is_of_audit, kit.stream()))


def expected_copies(kit: Kit) -> dict[str, Copy]:
    """Return the copies of the audit entries as they are in the table."""
    items = {sk: from_item(item) for (pk, sk), item in kit.items().items() if pk == f"AUDIT#{TASK_ID}"}
    return {sk: Copy(archived_entry(document)) for sk, document in items.items()}


@pytest.fixture
def decided(kit: Kit, archive: S3AuditArchive) -> Kit:
    kit.open_task()
    kit.decide(comment=COMMENT)
    return kit


def copies(archive: S3AuditArchive) -> Mapping[str, Copy]:
    return archive.copies([TASK_ID])[TASK_ID]


def test_the_audit_entries_of_a_batch_are_copied_by_one_put_which_is_retried_and_blocks_no_event(
    decided: Kit, archive: S3AuditArchive, events: Operation, output: Output
) -> None:
    records = [each for each in decided.stream() if is_of_audit(each) or each["dynamodb"]["Keys"]["sk"]["S"] == "TASK"]
    audit = [record for record in records if is_of_audit(record)]
    with answering("s3", "PutObject", Answer(503)):
        assert run(*records) == [number_of(record) for record in audit]
    assert len(entries(events)) == 2
    with answering("s3", "PutObject") as puts:
        assert run(*records) == []
    assert (len(puts.asked), copies(archive)) == (1, expected_copies(decided))
    copied = [json.loads(copy.content) for copy in copies(archive).values()]
    keys = [{"pk": f"AUDIT#{TASK_ID}", "sk": f"{entry.seq:010d}"} for entry in decided.audit()]
    assert copied == [
        key | entry.to_document() | {"hash": entry.hash, "v": SCHEMA_VERSION}
        for key, entry in zip(keys, decided.audit(), strict=True)
    ]
    assert output.new().counts["AuditDiffers"] == 0


@pytest.mark.parametrize("change", ["changed", "removed"])
@pytest.mark.parametrize("copied_before", [True, False], ids=["after its copy", "before its copy"])
def test_an_entry_that_was_changed_or_removed_is_counted_and_its_copy_is_the_original(
    decided: Kit, archive: S3AuditArchive, output: Output, change: str, copied_before: bool
) -> None:
    written, originals = audit_records(decided), expected_copies(decided)
    if copied_before:
        run(*written)
    key = {"pk": f"AUDIT#{TASK_ID}", "sk": "0000000002"}
    if change == "changed":
        item = decided.items()[key["pk"], key["sk"]] | to_item({"actor": "mallory@example.com"})
        client("dynamodb").put_item(TableName=TABLE, Item=item)
    else:
        client("dynamodb").delete_item(TableName=TABLE, Key=to_item(key))
    assert run(*audit_records(decided)) == [], "a retry would not help"
    assert output.new().counts["AuditDiffers"] == 1
    assert run(*written) == [], "the record of the original may come last"
    assert copies(archive) == originals != expected_copies(decided)
    assert output.new().counts["AuditDiffers"] == 0


def test_an_entry_that_expired_is_no_difference(decided: Kit, archive: S3AuditArchive, output: Output) -> None:
    run(*audit_records(decided))
    copied = expected_copies(decided)
    client("dynamodb").delete_item(TableName=TABLE, Key=to_item({"pk": f"AUDIT#{TASK_ID}", "sk": "0000000001"}))
    by_ttl = {"userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"}}
    assert run(*(record | by_ttl for record in audit_records(decided))) == []
    assert (output.new().counts["AuditDiffers"], copies(archive)) == (0, copied)


def test_entries_whose_place_in_the_archive_is_taken_are_counted(
    decided: Kit, archive: S3AuditArchive, output: Output
) -> None:
    records = audit_records(decided)
    run(*records)
    (copied,) = client("s3").list_objects_v2(Bucket=ARCHIVE)["Contents"]
    client("s3").put_object(Bucket=ARCHIVE, Key=copied["Key"], Body=b"forged")
    assert (run(*records), output.new().counts["AuditDiffers"]) == ([], len(records))
