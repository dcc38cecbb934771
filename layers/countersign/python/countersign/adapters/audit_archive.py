"""The archive of the audit on S3: one object for the entries of a batch, in a bucket with Object Lock.

Object Lock protects the versions of an object, not its key: a principal with the right to put can overwrite it, and one
with the right to delete can hide it. The kit wrote the first version, so the first version counts.

An object holds a line for each entry, compressed: entries are alike. Its name has the day, the SHA-256 of the lines,
and a part of the SHA-256 of each task's id. So a batch that is retried has the same name, and `copies` reads only the
objects that have entries of its tasks, without an index.
"""

import gzip
import json
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from botocore.exceptions import ClientError

from countersign.adapters.failures import raised_as
from countersign.adapters.keys import AUDIT
from countersign.domain.copies import Copy
from countersign.domain.errors import ArchiveRefusedError

_ROOT = "audit/"
_SUFFIX = ".jsonl.gz"
_DIGITS_OF_TASK = 6
"""Enough digits that `copies` reads few objects without an entry of its tasks. A name has at most 1,024 bytes: room for
130 tasks."""

_READERS = 16


@dataclass(frozen=True)
class _Object:
    """An object, by its first version.

    Attributes:
        written_at: When S3 took the version.
        rewritten: Whether somebody wrote a later version, or deleted the object.
    """

    written_at: datetime
    key: str
    version: str
    rewritten: bool


class S3AuditArchive:
    """Implements `countersign.ports.AuditArchive`."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def keep(self, day: date, entries: Sequence[tuple[str, bytes]]) -> bool:
        """See `AuditArchive.keep`."""
        lines = list(dict.fromkeys(content for _, content in entries))
        content = b"\n".join(lines)
        tasks = sorted({_part_of_hash(task_id) for task_id, _ in entries})
        key = f"{_ROOT}{day.isoformat()}/{'-'.join([sha256(content).hexdigest(), *tasks])}{_SUFFIX}"
        with raised_as(ArchiveRefusedError):
            try:
                self._put(key, gzip.compress(content, mtime=0))
            except ClientError as error:
                if error.response["Error"]["Code"] != "PreconditionFailed":
                    raise
                return self._lines(Key=key) == lines
        return True

    def copies(self, task_ids: Collection[str] = ()) -> Mapping[str, Mapping[str, Copy]]:
        """See `AuditArchive.copies`."""
        parts = {_part_of_hash(task_id) for task_id in task_ids}
        found: dict[str, dict[str, Copy]] = defaultdict(dict)
        with raised_as(ArchiveRefusedError), ThreadPoolExecutor(_READERS) as readers:
            objects = sorted(self._objects(parts), key=lambda each: (each.written_at, each.key))
            for each, lines in zip(objects, readers.map(self._lines_of, objects), strict=True):
                for task_id, place, line in _entries_in(lines):
                    if not task_ids or task_id in task_ids:
                        found[task_id][place] = _merged(found[task_id].get(place), Copy(line, each.rewritten))
        return found

    def _objects(self, parts: set[str]) -> list[_Object]:
        """Return the objects with entries of these tasks; without tasks, all objects."""
        versions: dict[str, list[Any]] = defaultdict(list)
        deleted: set[str] = set()
        for page in self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=_ROOT):
            for version in page.get("Versions", []):
                if not parts or parts & set(version["Key"].removesuffix(_SUFFIX).split("-")):
                    versions[version["Key"]].append(version)
            deleted.update(marker["Key"] for marker in page.get("DeleteMarkers", []))
        # The newest comes first: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
        return [
            _Object(each[-1]["LastModified"], key, each[-1]["VersionId"], len(each) > 1 or key in deleted)
            for key, each in versions.items()
        ]

    def _put(self, key: str, content: bytes) -> None:
        """Put a new object.

        Object Lock requires a checksum for each put. The algorithm is named because the environment can turn off
        botocore's default (`AWS_REQUEST_CHECKSUM_CALCULATION`).
        """
        self._client.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=content,
            ContentType="application/gzip",
            IfNoneMatch="*",
            ChecksumAlgorithm="SHA256",
        )

    def _lines_of(self, found: _Object) -> list[bytes]:
        return self._lines(Key=found.key, VersionId=found.version)

    def _lines(self, **named: str) -> list[bytes]:
        """Return the lines of an object; none if it is not one of the kit's."""
        content = self._client.get_object(Bucket=self._bucket, **named)["Body"].read()
        try:
            return gzip.decompress(content).split(b"\n")
        except (OSError, EOFError, zlib.error):
            return []


def _part_of_hash(task_id: str) -> str:
    return sha256(task_id.encode()).hexdigest()[:_DIGITS_OF_TASK]


def _entries_in(lines: Sequence[bytes]) -> Iterator[tuple[str, str, bytes]]:
    """Yield the task's id, the place in its chain and the line of each entry."""
    for line in lines:
        try:
            document = json.loads(line)
            yield str(document["pk"]).removeprefix(AUDIT), str(document["sk"]), line
        except (LookupError, TypeError, ValueError):  # a forged line must not hide the others
            continue


def _merged(first: Copy | None, later: Copy) -> Copy:
    """Return the first copy of an entry; a later one that differs counts as an attempt to write it over."""
    if first is None:
        return later
    return Copy(first.content, first.rewritten or later.rewritten or first.content != later.content)
