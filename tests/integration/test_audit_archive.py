"""The archive of the audit on S3: the first copy of an entry stays."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from countersign.adapters.audit_archive import S3AuditArchive
from countersign.domain.audit import Copy
from countersign.domain.errors import ArchiveRefusedError
from countersign.functions.clients import client
from countersign.testing.builders import TASK_ID
from tests.integration.conftest import ARCHIVE, Answer, Reaction, answering

PLACE = "0000000001"
KEY = f"audit/{TASK_ID}/{PLACE}.json"
ENTRY = b'{"seq":1}'
FORGED = b'{"seq":"forged"}'
REFUSALS: list[Reaction] = [
    Answer(403),
    Answer(409),
    Answer(503),
    EndpointConnectionError(endpoint_url="https://s3.eu-central-1.amazonaws.com", error="refused"),
]


def versions() -> list[Any]:
    found: list[Any] = client("s3").list_object_versions(Bucket=ARCHIVE)["Versions"]
    return found


def test_an_entry_is_one_object_with_the_lock_of_the_bucket(archive: S3AuditArchive) -> None:
    assert archive.keep(TASK_ID, PLACE, ENTRY)
    kept = client("s3").get_object(Bucket=ARCHIVE, Key=KEY)
    assert (kept["Body"].read(), kept["ContentType"]) == (ENTRY, "application/json")
    assert kept["ObjectLockMode"] == "COMPLIANCE"
    assert (kept["ObjectLockRetainUntilDate"] - kept["LastModified"]).days in (3649, 3650)


def test_a_put_has_its_condition_and_its_checksum_in_every_environment(
    archive: S3AuditArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
    with answering("s3", "PutObject") as puts:
        S3AuditArchive(client.__wrapped__("s3"), ARCHIVE).keep(TASK_ID, PLACE, ENTRY)
    (request,) = puts.asked
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()
    }
    assert headers["if-none-match"] == "*"
    assert headers["x-amz-sdk-checksum-algorithm"] == "SHA256"
    assert "x-amz-checksum-sha256" in {headers.get("x-amz-trailer"), *headers}


def test_the_first_entry_in_a_place_is_kept_and_another_is_refused(archive: S3AuditArchive) -> None:
    assert (archive.copies(TASK_ID), archive.every_task_id()) == ({}, set())
    assert [archive.keep(TASK_ID, PLACE, entry) for entry in (ENTRY, ENTRY, FORGED)] == [True, True, False]
    assert archive.copies(TASK_ID) == {PLACE: Copy(ENTRY)}
    assert len(versions()) == 1


def test_an_overwritten_entry_is_read_in_its_first_version_and_marked(archive: S3AuditArchive) -> None:
    archive.keep(TASK_ID, PLACE, ENTRY)
    for content in (FORGED, b"{}"):
        client("s3").put_object(Bucket=ARCHIVE, Key=KEY, Body=content)
    assert archive.copies(TASK_ID) == {PLACE: Copy(ENTRY, rewritten=True)}


def test_a_deleted_entry_is_read_and_marked(archive: S3AuditArchive) -> None:
    archive.keep(TASK_ID, PLACE, ENTRY)
    client("s3").delete_object(Bucket=ARCHIVE, Key=KEY)
    assert archive.copies(TASK_ID) == {PLACE: Copy(ENTRY, rewritten=True)}
    assert archive.every_task_id() == {TASK_ID}


def test_the_chains_of_tasks_are_kept_apart_by_any_task_id(archive: S3AuditArchive) -> None:
    ids = {"r.approval", "r.approval-1", "r.a/b", "r.a", "r.50% off? yes", "r..", "."}
    for task_id in ids:
        archive.keep(task_id, PLACE, task_id.encode())
    assert archive.every_task_id() == ids
    assert {task_id: archive.copies(task_id) for task_id in ids} == {
        task_id: {PLACE: Copy(task_id.encode())} for task_id in ids
    }


def test_every_page_of_a_chain_and_of_the_tasks_is_read(archive: S3AuditArchive) -> None:
    places = [f"{seq:010d}" for seq in range(1, 8)]
    for place in places:
        archive.keep(TASK_ID, place, place.encode())
        archive.keep(f"{place}.approval", place, ENTRY)

    def by_twos(params: dict[str, Any], **_: Any) -> None:
        params["MaxKeys"] = 2

    events = client("s3").meta.events
    events.register("provide-client-params.s3.ListObjectVersions", by_twos)
    copies, task_ids = archive.copies(TASK_ID), archive.every_task_id()
    events.unregister("provide-client-params.s3.ListObjectVersions", by_twos)
    assert copies == {place: Copy(place.encode()) for place in places}
    assert task_ids == {TASK_ID, *(f"{place}.approval" for place in places)}


@pytest.mark.parametrize("refusal", REFUSALS, ids=repr)
@pytest.mark.parametrize(
    ("operation", "call"),
    [
        ("PutObject", lambda archive: archive.keep(TASK_ID, "0000000002", ENTRY)),
        ("GetObject", lambda archive: archive.keep(TASK_ID, PLACE, ENTRY)),
        ("GetObject", lambda archive: archive.copies(TASK_ID)),
        ("ListObjectVersions", lambda archive: archive.copies(TASK_ID)),
        ("ListObjectVersions", lambda archive: archive.every_task_id()),
    ],
)
def test_an_error_of_s3_can_be_retried(
    archive: S3AuditArchive, operation: str, call: Callable[[S3AuditArchive], Any], refusal: Reaction
) -> None:
    archive.keep(TASK_ID, PLACE, ENTRY)
    with answering("s3", operation, refusal), pytest.raises(ArchiveRefusedError):
        call(archive)
    assert call(archive)
