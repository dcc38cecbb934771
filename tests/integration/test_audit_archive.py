"""The archive of the audit on S3: the first copy of an entry stays."""

import gzip
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from moto.core.utils import utcnow

from countersign.adapters.audit_archive import S3AuditArchive
from countersign.adapters.keys import audit_key
from countersign.domain.copies import Copy
from countersign.domain.errors import ArchiveRefusedError
from countersign.domain.strict_json import canonical
from countersign.functions.clients import client
from countersign.testing.builders import TASK_ID
from tests.integration.conftest import ARCHIVE, Answer, Reaction, answering

DAY = date(2026, 3, 1)
PLACE = "0000000001"
UNREACHABLE = EndpointConnectionError(endpoint_url="https://s3.eu-central-1.amazonaws.com", error="refused")
REFUSALS: list[Reaction] = [Answer(403), Answer(409), Answer(503), UNREACHABLE]


def entry(task_id: str = TASK_ID, seq: int = 1, **more: str) -> tuple[str, bytes]:
    return task_id, canonical(audit_key(task_id, seq) | more)


ENTRY = entry()
FORGED = entry(event="forged")
FORGERIES = [gzip.compress(content, mtime=0) for content in (b"forged", b'{"pk":1}\n[]')]
"""Without the time: every worker must name the tests alike."""


def versions() -> list[Any]:
    found: list[Any] = client("s3").list_object_versions(Bucket=ARCHIVE)["Versions"]
    return found


def copies(archive: S3AuditArchive, task_id: str = TASK_ID) -> Mapping[str, Copy]:
    return archive.copies([task_id]).get(task_id, {})


def test_the_entries_of_a_batch_are_one_object_with_the_lock_of_the_bucket(archive: S3AuditArchive) -> None:
    entries = [entry(seq=1), entry(seq=2), entry("r2.approval")]
    assert archive.keep(DAY, entries)
    (version,) = versions()
    kept = client("s3").get_object(Bucket=ARCHIVE, Key=version["Key"])
    assert version["Key"].startswith("audit/2026-03-01/")
    assert gzip.decompress(kept["Body"].read()).splitlines() == [content for _, content in entries]
    assert kept["ObjectLockMode"] == "COMPLIANCE"
    assert (kept["ObjectLockRetainUntilDate"] - kept["LastModified"]).days in (3649, 3650)


def test_a_put_has_its_condition_and_its_checksum_in_every_environment(
    archive: S3AuditArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
    with answering("s3", "PutObject") as puts:
        S3AuditArchive(client.__wrapped__("s3"), ARCHIVE).keep(DAY, [ENTRY])
    (request,) = puts.asked
    texts = {name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()}
    headers = {name.lower(): value for name, value in texts.items()}
    assert (headers["if-none-match"], headers["x-amz-sdk-checksum-algorithm"]) == ("*", "SHA256")
    assert "x-amz-checksum-sha256" in {headers.get("x-amz-trailer"), *headers}


def test_a_batch_that_is_kept_again_is_the_same_object(archive: S3AuditArchive) -> None:
    assert (archive.copies(), [archive.keep(DAY, [ENTRY, entry(seq=2)]) for _ in range(2)]) == ({}, [True, True])
    assert (copies(archive), len(versions())) == ({PLACE: Copy(ENTRY[1]), "0000000002": Copy(entry(seq=2)[1])}, 1)


def test_an_entry_in_several_batches_is_one_copy_and_of_different_ones_the_first_counts(
    archive: S3AuditArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    for batch in ([ENTRY], [ENTRY, entry(seq=2)]):
        assert archive.keep(DAY, batch)
    assert copies(archive)[PLACE] == Copy(ENTRY[1])
    later = utcnow() + timedelta(hours=1)
    monkeypatch.setattr("moto.s3.models.utcnow", lambda: later)
    assert archive.keep(DAY, [FORGED])
    assert copies(archive)[PLACE] == Copy(ENTRY[1], rewritten=True)


def test_an_overwritten_object_is_read_in_its_first_version_and_marked(archive: S3AuditArchive) -> None:
    archive.keep(DAY, [ENTRY])
    for content in (gzip.compress(FORGED[1]), b"{}"):
        client("s3").put_object(Bucket=ARCHIVE, Key=versions()[0]["Key"], Body=content)
    assert copies(archive) == {PLACE: Copy(ENTRY[1], rewritten=True)}
    assert not archive.keep(DAY, [ENTRY])


def test_a_deleted_object_is_read_and_marked(archive: S3AuditArchive) -> None:
    archive.keep(DAY, [ENTRY])
    client("s3").delete_object(Bucket=ARCHIVE, Key=versions()[0]["Key"])
    assert archive.copies() == {TASK_ID: {PLACE: Copy(ENTRY[1], rewritten=True)}}


@pytest.mark.parametrize("content", [b"forged", *FORGERIES, b""])
def test_a_forged_object_hides_no_copy(archive: S3AuditArchive, content: bytes) -> None:
    client("s3").put_object(Bucket=ARCHIVE, Key="audit/2026-03-01/forged.jsonl.gz", Body=content)
    archive.keep(DAY, [ENTRY])
    assert archive.copies() == {TASK_ID: {PLACE: Copy(ENTRY[1])}}


def test_the_chains_of_tasks_are_kept_apart_by_any_task_id(archive: S3AuditArchive) -> None:
    ids = {"r.approval", "r.approval-1", "r.a/b", "r.a", "r.50% off? yes", "r..", "."}
    archive.keep(DAY, [entry(task_id) for task_id in sorted(ids)])
    assert archive.copies() == {task_id: {PLACE: Copy(entry(task_id)[1])} for task_id in ids}
    assert archive.copies(["r.a"]) == {"r.a": {PLACE: Copy(entry("r.a")[1])}}


def test_only_objects_with_entries_of_the_task_are_read(archive: S3AuditArchive) -> None:
    for number in range(5):
        archive.keep(DAY, [entry(f"r{number}.approval")])
    with answering("s3", "GetObject") as reads:
        assert copies(archive, "r2.approval").keys() == {PLACE}
    assert len(reads.asked) == 1


def test_the_largest_batch_has_a_name_that_s3_takes(archive: S3AuditArchive) -> None:
    archive.keep(DAY, [entry(f"r{number}.approval") for number in range(100)])
    assert len(versions()[0]["Key"].encode()) <= 1024


def test_every_page_of_the_archive_is_read(archive: S3AuditArchive) -> None:
    for seq in range(1, 8):
        archive.keep(DAY, [entry(seq=seq)])

    def by_twos(params: dict[str, Any], **_: Any) -> None:
        params["MaxKeys"] = 2

    events = client("s3").meta.events
    events.register("provide-client-params.s3.ListObjectVersions", by_twos)
    found = copies(archive)
    events.unregister("provide-client-params.s3.ListObjectVersions", by_twos)
    assert found == {f"{seq:010d}": Copy(entry(seq=seq)[1]) for seq in range(1, 8)}


@pytest.mark.parametrize("refusal", REFUSALS, ids=repr)
@pytest.mark.parametrize(
    ("operation", "call"),
    [
        ("PutObject", lambda archive: archive.keep(DAY, [entry(seq=2)])),
        ("GetObject", lambda archive: archive.keep(DAY, [ENTRY])),
        ("GetObject", lambda archive: archive.copies()),
        ("ListObjectVersions", lambda archive: archive.copies()),
    ],
)
def test_an_error_of_s3_can_be_retried(
    archive: S3AuditArchive, operation: str, call: Callable[[S3AuditArchive], Any], refusal: Reaction
) -> None:
    archive.keep(DAY, [ENTRY])
    with answering("s3", operation, refusal), pytest.raises(ArchiveRefusedError):
        call(archive)
    assert call(archive)
