"""The publisher: lifecycle events and the outbox go to the bus, and audit entries to the archive."""

import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from countersign.adapters.attributes import from_item, to_item
from countersign.adapters.audit_archive import S3AuditArchive
from countersign.adapters.task_items import archived_entry
from countersign.domain.audit import Copy
from countersign.functions.clients import client
from countersign.testing.builders import COMMENT, TASK_ID, any_envelope, stream_record
from publisher.handler import handler
from tests.integration.conftest import ARCHIVE, BUS, TABLE, Answer, Kit, Operation, answering, on_stream
from tests.integration.output import Output

OUTBOX = {"pk": f"TASK#{TASK_ID}", "sk": "OUTBOX#1"}
REFUSALS: list[Answer | Exception] = [
    Answer(document={"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]}),
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
def test_an_event_that_the_bus_refuses_is_retried_and_blocks_no_other(
    kit: Kit, events: Operation, refusal: Answer | Exception
) -> None:
    for task_id in ("a.approval", "b.approval"):
        kit.open_task(task_id=task_id)
    records = records_of_tasks(kit)
    taken = events.by_default
    assert isinstance(taken, Answer)
    events.by_default = lambda request: refusal if b"a.approval" in request.body else taken
    assert run(*records) == [number_of(records[0])]
    events.by_default = taken
    assert run(records[0]) == []


# The outbox


def outbox_record(kind: str = "approval.escalated") -> dict[str, Any]:
    """Put an envelope into the outbox, and return its stream record."""
    item = to_item(OUTBOX | {"envelope": json.dumps(any_envelope(kind=kind))})
    client("dynamodb").put_item(TableName=TABLE, Item=item)
    return stream_record(item)


def test_an_envelope_of_the_outbox_is_sent_and_deleted(kit: Kit, events: Operation, output: Output) -> None:
    assert run(outbox_record()) == []
    (entry,) = entries(events)
    assert (entry["DetailType"], json.loads(entry["Detail"])["kind"]) == ("approval.escalated", "approval.escalated")
    assert kit.items() == {}
    assert output.new().counts == {}


def test_a_held_payment_is_counted(kit: Kit, events: Operation, output: Output) -> None:
    assert run(outbox_record("payment.held")) == []
    assert output.new().counts == {"PaymentsHeld": 1}


def test_an_envelope_that_the_bus_refuses_stays_in_the_outbox(kit: Kit, events: Operation) -> None:
    record = outbox_record()
    taken, events.by_default = events.by_default, REFUSALS[0]
    assert run(record) == [number_of(record)]
    assert (OUTBOX["pk"], OUTBOX["sk"]) in kit.items()
    events.by_default = taken
    assert run(record) == []
    assert kit.items() == {}


def test_an_envelope_that_was_sent_and_not_deleted_is_sent_again(kit: Kit, events: Operation) -> None:
    record = outbox_record()
    with answering("dynamodb", "DeleteItem", Answer(500, "InternalServerError")):
        assert run(record) == [number_of(record)]
    assert run(record) == []
    assert len(entries(events)) == 2
    assert kit.items() == {}


def test_a_parked_event_that_ttl_removed_is_counted(kit: Kit, events: Operation, output: Output) -> None:
    parked = {"pk": "EXTERNAL#pay#pay-1", "sk": "PARKED#msg_1", "event_id": "msg_1", "status": "paid"}
    assert run(stream_record(None, to_item(parked))) == []
    assert events.asked == []
    assert output.new().counts == {"EventsForgotten": 1}


# The copy of the audit


def audit_records(kit: Kit) -> list[dict[str, Any]]:
    return [record for record in kit.stream() if record["dynamodb"]["Keys"]["pk"]["S"].startswith("AUDIT#")]


def expected_copies(kit: Kit) -> dict[str, Copy]:
    """Return the copies of the audit entries as they are in the table."""
    items = {sk: from_item(item) for (pk, sk), item in kit.items().items() if pk == f"AUDIT#{TASK_ID}"}
    return {sk: Copy(archived_entry(document)) for sk, document in items.items()}


@pytest.fixture
def decided(kit: Kit, archive: S3AuditArchive) -> Kit:
    kit.open_task()
    kit.decide(comment=COMMENT)
    return kit


def test_each_audit_entry_is_copied_and_an_entry_that_could_not_be_is_retried_and_blocks_no_other(
    decided: Kit, archive: S3AuditArchive, output: Output
) -> None:
    records = audit_records(decided)
    with answering("s3", "PutObject", lambda request: Answer(503) if "0000000001.json" in request.url else None):
        assert run(*records) == [number_of(records[0])]
    assert archive.copies(TASK_ID).keys() == expected_copies(decided).keys() - {"0000000001"}
    assert run(*records) == []
    assert archive.copies(TASK_ID) == expected_copies(decided)
    copied = [json.loads(copy.content) for copy in archive.copies(TASK_ID).values()]
    assert copied == [entry.to_document() | {"hash": entry.hash} for entry in decided.audit()]
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
    assert archive.copies(TASK_ID) == originals != expected_copies(decided)
    assert output.new().counts["AuditDiffers"] == 0


def test_an_entry_that_expired_is_no_difference(decided: Kit, archive: S3AuditArchive, output: Output) -> None:
    run(*audit_records(decided))
    copied = expected_copies(decided)
    client("dynamodb").delete_item(TableName=TABLE, Key=to_item({"pk": f"AUDIT#{TASK_ID}", "sk": "0000000001"}))
    by_ttl = {"userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"}}
    assert run(*(record | by_ttl for record in audit_records(decided))) == []
    assert output.new().counts["AuditDiffers"] == 0
    assert archive.copies(TASK_ID) == copied


def test_an_entry_whose_place_in_the_archive_is_taken_is_counted(
    decided: Kit, archive: S3AuditArchive, output: Output
) -> None:
    client("s3").put_object(Bucket=ARCHIVE, Key=f"audit/{TASK_ID}/0000000001.json", Body=b"forged")
    assert run(*audit_records(decided)) == []
    assert archive.copies(TASK_ID)["0000000001"] == Copy(b"forged")
    assert output.new().counts["AuditDiffers"] == 1
