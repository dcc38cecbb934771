"""The archive of the audit on S3: one object for each entry, in a bucket with Object Lock.

Object Lock protects the versions of an object, not its key: a principal with the right to put can overwrite it, and one
with the right to delete can hide it. The kit wrote the first version, so the first version counts.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote

from botocore.exceptions import ClientError

from countersign.adapters.failures import raised_as
from countersign.domain.audit import Copy
from countersign.domain.errors import ArchiveRefusedError

_ROOT = "audit/"
_SUFFIX = ".json"


class S3AuditArchive:
    """Implements `countersign.ports.AuditArchive`."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def keep(self, task_id: str, place: str, content: bytes) -> bool:
        """See `AuditArchive.keep`."""
        key = f"{_folder(task_id)}{place}{_SUFFIX}"
        with raised_as(ArchiveRefusedError):
            try:
                self._put(key, content)
            except ClientError as error:
                if error.response["Error"]["Code"] != "PreconditionFailed":
                    raise
                return self._content(Key=key) == content
        return True

    def copies(self, task_id: str) -> Mapping[str, Copy]:
        """See `AuditArchive.copies`."""
        folder = _folder(task_id)
        versions: dict[str, list[str]] = defaultdict(list)
        deleted: set[str] = set()
        with raised_as(ArchiveRefusedError):
            for page in self._pages(Prefix=folder):
                for version in page.get("Versions", []):
                    versions[version["Key"]].append(version["VersionId"])
                deleted.update(marker["Key"] for marker in page.get("DeleteMarkers", []))
            return {
                key.removeprefix(folder).removesuffix(_SUFFIX): Copy(
                    # The newest comes first: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
                    content=self._content(Key=key, VersionId=found[-1]),
                    rewritten=len(found) > 1 or key in deleted,
                )
                for key, found in versions.items()
            }

    def every_task_id(self) -> set[str]:
        """See `AuditArchive.every_task_id`."""
        with raised_as(ArchiveRefusedError):
            folders = [
                folder["Prefix"]
                for page in self._pages(Prefix=_ROOT, Delimiter="/")
                for folder in page.get("CommonPrefixes", [])
            ]
        return {unquote(folder.removeprefix(_ROOT).removesuffix("/")) for folder in folders}

    def _put(self, key: str, content: bytes) -> None:
        """Put a new object.

        Object Lock requires a checksum for each put. The algorithm is named because the environment can turn off
        botocore's default (`AWS_REQUEST_CHECKSUM_CALCULATION`).
        """
        self._client.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=content,
            ContentType="application/json",
            IfNoneMatch="*",
            ChecksumAlgorithm="SHA256",
        )

    def _content(self, **named: str) -> bytes:
        content: bytes = self._client.get_object(Bucket=self._bucket, **named)["Body"].read()
        return content

    def _pages(self, **named: str) -> Iterator[dict[str, Any]]:
        yield from self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, **named)


def _folder(task_id: str) -> str:
    return f"{_ROOT}{quote(task_id, safe='')}/"
