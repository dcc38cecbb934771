"""Copies audit entries from the ledger's stream to the archive."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger

from countersign.adapters.attributes import from_item
from countersign.adapters.keys import AUDIT
from countersign.adapters.task_items import archived_entry
from countersign.functions.telemetry import about, count
from countersign.ports import AuditArchive

logger = Logger()


def archive_entry(archive: AuditArchive, change: Mapping[str, Any]) -> None:
    """Copy the first version of an audit entry; report one that was changed or deleted, or whose copy differs.

    For a change, the earlier version is copied, since its own stream record may be handled later. A difference raises
    no error: a retry cannot fix it and would block the records behind it. `countersign audit verify` names the entry.
    """
    task_id = change["Keys"]["pk"]["S"].removeprefix(AUDIT)
    about(task_id=task_id)
    place = change["Keys"]["sk"]["S"]
    first = change.get("OldImage") or change["NewImage"]
    kept = archive.keep(task_id, place, archived_entry(from_item(first)))
    if "OldImage" in change or not kept:
        count("AuditDiffers")
        logger.error("audit entry is not what its copy holds", entry=place)
