"""The publisher: what becomes of tasks goes to the bus, what clicks left in the outbox too, and the audit is copied."""

import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from countersign.adapters.attributes import from_item, to_item
from countersign.adapters.audit_archive import S3AuditArchive
from countersign.adapters.task_items import archived_entry
from countersign.domain.audit import Copy
from countersign.domain.clock import to_text
from countersign.functions.clients import client
from countersign.testing.builders import COMMENT, TASK_ID, any_envelope, stream_event, stream_record
from publisher.handler import handler
from tests.integration.conftest import ARCHIVE, BUS, TABLE, Answer, Kit, Operation, Reaction, answering

OUTBOX = {"pk": f"TASK#{TASK_ID}", "sk": "OUTBOX#1"}
REFUSALS: list[Reaction] = [
    Answer(document={"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]}),
    Answer(document={"FailedEntryCount": 1, "Entries": [{}]}),
    Answer(400, "AccessDeniedException"),
    Answer(500, "InternalException"),
    EndpointConnectionError(endpoint_url="https://events.eu-central-1.amazonaws.com", error="refused"),
]


def run(*records: dict[str, Any]) -> list[str]:
    """Hand records to the publisher and return the sequence numbers of those to be tried again."""
    answer = handler(stream_event(*records), None)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def for_publisher(kit: Kit) -> list[dict[str, Any]]:
    """Return the stream's new records that the publisher's event source lets through."""
    records = [(record["dynamodb"]["Keys"]["sk"]["S"], record) for record in kit.stream()]
    return [record for sk, record in records if sk == "TASK" or sk.startswith("OUTBOX#")]


def entries(events: Operation) -> list[dict[str, Any]]:
    return [entry for document in events.documents for entry in document["Entries"]]


def kinds(events: Operation) -> list[str]:
    return [entry["DetailType"] for entry in entries(events)]


def outbox_item(kit: Kit) -> dict[str, Any]:
    """Put a hand-off into the outbox, and return what the stream says of it."""
    document = OUTBOX | {"envelope": json.dumps(any_envelope(kind="approval.escalated"))}
    client("dynamodb").put_item(TableName=TABLE, Item=to_item(document))
    (record,) = for_publisher(kit)
    return record


def test_an_event_is_on_our_bus_with_ids_and_times(kit: Kit, events: Operation) -> None:
    task = kit.open_task()
    run(*for_publisher(kit))
    (entry,) = entries(events)
    assert (entry["EventBusName"], entry["Source"], entry["DetailType"]) == (BUS, "countersign", "TaskOpened")
    assert json.loads(entry["Detail"]) == {
        "version": 1,
        "kind": "TaskOpened",
        "task_id": TASK_ID,
        "request_id": "order-1001",
        "workflow": "order-approval",
        "task_kind": "approval",
        "outcome": None,
        "opened_at": to_text(kit.now),
        "expires_at": to_text(task.expires_at),
    }


@pytest.mark.parametrize("refusal", REFUSALS, ids=repr)
def test_an_event_that_the_bus_refuses_is_tried_again_and_blocks_nothing(
    kit: Kit, events: Operation, refusal: Reaction
) -> None:
    for task_id in ("a.approval", "b.approval"):
        kit.open_task(task_id=task_id)
    records = for_publisher(kit)
    taken = events.by_default

    def refuse_the_first(request: Any) -> Any:
        return refusal if b"a.approval" in request.body else taken

    events.by_default = refuse_the_first
    assert run(*records) == [records[0]["dynamodb"]["SequenceNumber"]]
    events.by_default = taken
    assert run(records[0]) == []


def test_a_hand_off_in_the_outbox_is_sent_and_taken_out(kit: Kit, events: Operation) -> None:
    record = outbox_item(kit)
    assert run(record) == []
    (entry,) = entries(events)
    assert (entry["DetailType"], json.loads(entry["Detail"])) == (
        "approval.escalated",
        any_envelope(kind="approval.escalated"),
    )
    assert kit.items() == {}


def test_a_hand_off_that_the_bus_refuses_stays_in_the_outbox(kit: Kit, events: Operation) -> None:
    record = outbox_item(kit)
    taken, events.by_default = events.by_default, REFUSALS[0]
    assert run(record) == [record["dynamodb"]["SequenceNumber"]]
    assert (OUTBOX["pk"], OUTBOX["sk"]) in kit.items()
    events.by_default = taken
    assert run(record) == []
    assert kit.items() == {}


def test_a_hand_off_that_was_sent_and_could_not_be_taken_out_is_sent_again(kit: Kit, events: Operation) -> None:
    record = outbox_item(kit)
    with answering("dynamodb", "DeleteItem", Answer(500, "InternalServerError")):
        assert run(record) == [record["dynamodb"]["SequenceNumber"]]
    assert run(record) == []
    assert kinds(events) == ["approval.escalated"] * 2
    assert kit.items() == {}


def counted(capsys: pytest.CaptureFixture[str], name: str) -> int:
    """Return how many were counted under a name since the last look."""
    return sum(json.loads(line).get(name, [0])[0] for line in capsys.readouterr().out.splitlines())


@pytest.mark.parametrize(("kind", "held"), [("payment.held", 1), ("approval.requested", 0)])
def test_what_is_held_is_counted_whoever_said_it_and_whenever(
    kit: Kit, events: Operation, capsys: pytest.CaptureFixture[str], kind: str, held: int
) -> None:
    document = OUTBOX | {"envelope": json.dumps(any_envelope(kind=kind))}
    assert run(stream_record(to_item(document))) == []
    assert counted(capsys, "PaymentsHeld") == held


def test_an_event_that_was_removed_before_its_task_was_opened_is_told_and_counted(
    kit: Kit, events: Operation, capsys: pytest.CaptureFixture[str]
) -> None:
    parked = {"pk": "EXTERNAL#pay#pay-1", "sk": "PARKED#msg_1", "event_id": "msg_1", "status": "paid"}
    assert run(stream_record(None, to_item(parked))) == []
    assert events.asked == []
    assert counted(capsys, "EventsForgotten") == 1


# The copy of the audit


def audited(kit: Kit) -> list[dict[str, Any]]:
    """Return the stream's new records of audit entries, which go to the publisher where there is an archive."""
    return [record for record in kit.stream() if record["dynamodb"]["Keys"]["pk"]["S"].startswith("AUDIT#")]


def standing(kit: Kit) -> dict[str, Copy]:
    """Return the copies that there must be of the audit as it stands in the table."""
    entries = {sk: from_item(item) for (pk, sk), item in kit.items().items() if pk == f"AUDIT#{TASK_ID}"}
    return {sk: Copy(archived_entry(entry)) for sk, entry in entries.items()}


def differing(capsys: pytest.CaptureFixture[str]) -> int:
    """Return how many entries were counted that differ from their copy."""
    return counted(capsys, "AuditDiffers")


@pytest.fixture
def decided(kit: Kit, archive: S3AuditArchive) -> Kit:
    kit.open_task()
    kit.decide(comment=COMMENT)
    return kit


@pytest.mark.parametrize("times", [1, 3])
def test_each_audit_entry_is_copied_as_it_stands_once(
    decided: Kit, archive: S3AuditArchive, times: int, capsys: pytest.CaptureFixture[str]
) -> None:
    records = audited(decided)
    assert len(records) == decided.task().audit_seq > 2
    for _ in range(times):
        assert run(*records) == []
    assert archive.copies(TASK_ID) == standing(decided)
    assert differing(capsys) == 0


def test_a_copy_is_the_hashed_content_and_its_hash(decided: Kit, archive: S3AuditArchive) -> None:
    run(*audited(decided))
    for entry, copy in zip(decided.audit(), archive.copies(TASK_ID).values(), strict=True):
        assert json.loads(copy.content) == entry.to_document() | {"hash": entry.hash}


def test_an_entry_that_could_not_be_copied_is_tried_again_and_blocks_nothing(
    decided: Kit, archive: S3AuditArchive, capsys: pytest.CaptureFixture[str]
) -> None:
    records = audited(decided)

    def refuse_the_first(request: Any) -> Any:
        return Answer(503) if "0000000001.json" in request.url else None

    with answering("s3", "PutObject", refuse_the_first):
        assert run(*records) == [records[0]["dynamodb"]["SequenceNumber"]]
    assert archive.copies(TASK_ID).keys() == standing(decided).keys() - {"0000000001"}
    assert run(records[0]) == []
    assert archive.copies(TASK_ID) == standing(decided)
    assert differing(capsys) == 0


@pytest.mark.parametrize("end", ["changed", "removed"])
@pytest.mark.parametrize("copied_before", [True, False])
def test_an_entry_that_somebody_changed_or_removed_is_told_and_its_copy_is_what_it_was_first(
    decided: Kit, archive: S3AuditArchive, capsys: pytest.CaptureFixture[str], end: str, copied_before: bool
) -> None:
    written, copied = audited(decided), standing(decided)
    if copied_before:
        run(*written)
    key = {"pk": f"AUDIT#{TASK_ID}", "sk": "0000000002"}
    if end == "changed":
        item = decided.items()[key["pk"], key["sk"]] | to_item({"actor": "mallory@example.com"})
        client("dynamodb").put_item(TableName=TABLE, Item=item)
    else:
        client("dynamodb").delete_item(TableName=TABLE, Key=to_item(key))
    assert run(*audited(decided)) == [], "no retry mends it, and others wait behind it"
    assert differing(capsys) == 1
    assert run(*written) == [], "whose own record may come last"
    assert archive.copies(TASK_ID) == copied != standing(decided)
    assert differing(capsys) == 0


def test_an_entry_that_expired_is_no_difference(
    decided: Kit, archive: S3AuditArchive, capsys: pytest.CaptureFixture[str]
) -> None:
    run(*audited(decided))
    copied = standing(decided)
    client("dynamodb").delete_item(TableName=TABLE, Key=to_item({"pk": f"AUDIT#{TASK_ID}", "sk": "0000000001"}))
    by_ttl = {"userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"}}
    assert run(*(record | by_ttl for record in audited(decided))) == []
    assert differing(capsys) == 0
    assert archive.copies(TASK_ID) == copied


def test_a_place_that_somebody_took_in_the_archive_is_told(
    decided: Kit, archive: S3AuditArchive, capsys: pytest.CaptureFixture[str]
) -> None:
    client("s3").put_object(Bucket=ARCHIVE, Key=f"audit/{TASK_ID}/0000000001.json", Body=b"forged")
    assert run(*audited(decided)) == []
    assert archive.copies(TASK_ID)["0000000001"] == Copy(b"forged")
    assert differing(capsys) == 1
