"""Copies of audit entries, as the ledger's stream tells of them."""

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
    """Copy an audit entry as it was first; tell of one that was changed or removed, or whose place another copy has.

    What it was before a change is copied, since the record of the change may be done before that of the entry itself.
    Trying again would not mend it, and would keep everything behind it waiting: `countersign audit verify` names it.
    """
    task_id = change["Keys"]["pk"]["S"].removeprefix(AUDIT)
    about(task_id=task_id)
    place = change["Keys"]["sk"]["S"]
    first = change.get("OldImage") or change["NewImage"]
    kept = archive.keep(task_id, place, archived_entry(from_item(first)))
    if "OldImage" in change or not kept:
        count("AuditDiffers")
        logger.error("audit entry is not what its copy holds", entry=place)
