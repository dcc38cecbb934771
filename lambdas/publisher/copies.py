"""Copies the audit entries of a batch to the archive."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from countersign.adapters.attributes import from_item
from countersign.adapters.keys import AUDIT
from countersign.adapters.task_items import archived_entry
from countersign.functions.log import logger
from countersign.functions.telemetry import about, count
from countersign.ports import AuditArchive


@dataclass(frozen=True)
class EntryToCopy:
    """An audit entry of a stream record.

    Attributes:
        record: The record.
        task_id: The task.
        content: The first version of the entry, in the archive's form.
    """

    record: Mapping[str, Any]
    task_id: str
    content: bytes


def entry_of(record: Mapping[str, Any]) -> EntryToCopy:
    """Return the first version of an audit entry.

    For a change it is the earlier version, since the record of the original may be in a dead-letter queue.
    """
    change = record["dynamodb"]
    first = from_item(change.get("OldImage") or change["NewImage"])
    return EntryToCopy(record, change["Keys"]["pk"]["S"].removeprefix(AUDIT), archived_entry(first))


def archive_entries(archive: AuditArchive, entries: Sequence[EntryToCopy]) -> None:
    """Copy the entries of a batch; report those that were changed or deleted, or whose copy differs.

    A difference raises no error: a retry cannot fix it and would block the records behind it. `countersign audit
    verify` names the entry.
    """
    written = datetime.fromtimestamp(entries[0].record["dynamodb"]["ApproximateCreationDateTime"], UTC)
    kept = archive.keep(written.date(), [(each.task_id, each.content) for each in entries])
    for each in entries:
        if "OldImage" in each.record["dynamodb"] or not kept:
            about(task_id=each.task_id)
            count("AuditDiffers")
            place = each.record["dynamodb"]["Keys"]["sk"]["S"]
            logger.error("audit entry is not what its copy holds", entry=place)
