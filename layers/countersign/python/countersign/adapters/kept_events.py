"""Kept events on S3: an object for each, `events/<provider>/<yyyy-mm-dd>/<digest>`. The bucket deletes old ones."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from botocore.exceptions import ClientError

from countersign.adapters.failures import raised_as
from countersign.domain import kept_events
from countersign.domain.errors import KeptEventError, KeptEventsUnavailableError
from countersign.domain.kept_events import KeptEvent

_ROOT = "events/"
_STAGE = "stage"
_HAS_ONE = ("PreconditionFailed", "ConditionalRequestConflict")
_UNKNOWN = ("NoSuchKey", "404")


class S3KeptEvents:
    """Implements `countersign.ports.KeptEvents`."""

    def __init__(self, client: Any, bucket: str, stage: str) -> None:
        """Take a client of S3, the bucket, and the stage, `<app>-<stage>`."""
        self._client = client
        self._bucket = bucket
        self._stage = stage

    def put(self, event: KeptEvent, *, replace: bool) -> None:
        """See `KeptEvents.put`."""
        only_new = {} if replace else {"IfNoneMatch": "*"}
        with raised_as(KeptEventsUnavailableError):
            try:
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=f"{_ROOT}{event.key}",
                    Body=event.to_bytes(),
                    ContentType="application/json",
                    Metadata={_STAGE: self._stage},
                    **only_new,
                )
            except ClientError as error:
                if error.response["Error"]["Code"] not in _HAS_ONE:
                    raise

    def read(self, key: str) -> KeptEvent:
        """See `KeptEvents.read`."""
        with raised_as(KeptEventsUnavailableError):
            try:
                found = self._client.get_object(Bucket=self._bucket, Key=f"{_ROOT}{key}")
            except ClientError as error:
                if error.response["Error"]["Code"] not in _UNKNOWN:
                    raise
                raise KeptEventError(f"no kept event has the key {key!r}") from error
            content: bytes = found["Body"].read()
        if found["Metadata"].get(_STAGE) != self._stage:
            raise KeptEventError(f"another stage than {self._stage} stored the event; replay it there")
        return kept_events.read(content, key, self._stage)

    def keys(self, first: date, provider: str = "") -> Iterator[str]:
        """Yield the keys of the events from a day on, of one provider or of all; days ascend for each provider."""
        pages = self._client.get_paginator("list_objects_v2")
        for root in [f"{_ROOT}{provider}/"] if provider else self._roots():
            for page in pages.paginate(Bucket=self._bucket, Prefix=root, StartAfter=f"{root}{first:%Y-%m-%d}"):
                yield from (found["Key"].removeprefix(_ROOT) for found in page.get("Contents", []))

    def _roots(self) -> list[str]:
        """Return the prefix of each provider that has events."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=_ROOT, Delimiter="/")
        return [found["Prefix"] for page in pages for found in page.get("CommonPrefixes", [])]
