"""`audit verify`: prove the audit.

It computes every hash again, and compares each task with its audit and each vote with the recorded review links. If the
stage keeps a copy on S3, it compares each entry with the copy. Object Lock protects the copy from everybody, so the
command also finds a chain that was replaced as a whole, or removed with its task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import typer

from countersign.adapters.audit_archive import S3AuditArchive
from countersign.adapters.dynamodb_ledger import DynamoLedger
from countersign.adapters.task_items import archived_entry
from countersign.domain.clock import SystemClock
from countersign.domain.copies import COPY_DELAY, Copy, awaits_copy, differences
from countersign.domain.errors import ArchiveRefusedError
from countersign.ports import AuditArchive
from operate.context import Context
from operate.errors import OperateError, Status


@dataclass(frozen=True)
class Finding:
    """The state of one chain.

    Attributes:
        task_id: Its task.
        problems: Its errors.
        notes: Entries that cannot be verified yet, or have expired.
    """

    task_id: str
    problems: Sequence[str]
    notes: Sequence[str] = ()


def verify(
    call: typer.Context,
    task_ids: Annotated[list[str] | None, typer.Argument(metavar="TASK", help="Verify these tasks only.")] = None,
    archive: Annotated[
        str, typer.Option(metavar="BUCKET", help="Compare with the copy in this bucket, not the stage's.")
    ] = "",
) -> int:
    """Prove that no audit entry was changed, dropped or moved. The exit status is 1 if one was."""
    context: Context = call.obj
    stage, terminal = context.stage, context.terminal
    bucket = archive or stage.audit_bucket
    try:
        copy = S3AuditArchive(stage.client("s3"), bucket) if bucket else None
        found = verified(stage.ledger, task_ids or (), copy)
    except ArchiveRefusedError as error:
        advice = "Check the bucket's name and your right s3:ListBucketVersions and s3:GetObjectVersion."
        raise OperateError(f"the copy in {bucket} cannot be read: {error}", advice) from error
    broken = sum(bool(finding.problems) for finding in found)
    if terminal.as_json:
        terminal.document({"archive": bucket or None, "broken": broken, "chains": [vars(finding) for finding in found]})
    else:
        for finding in found:
            for line in (*finding.problems, *finding.notes):
                terminal.say(f"{finding.task_id}: {line}")
        terminal.say(f"{len(found)} chains checked{' against the copy' if bucket else ''}, {broken} broken")
    return Status.REFUSED if broken else Status.DONE


def verified(ledger: DynamoLedger, task_ids: Sequence[str], archive: AuditArchive | None = None) -> list[Finding]:
    """Return the state of these tasks' chains; without ids, of every chain in the ledger and the copy.

    Raises:
        ArchiveRefusedError: The copy cannot be read.
    """
    # Before the ledger: an entry that is written in between is young and needs no copy yet.
    archived = _Archived(SystemClock().now(), archive.copies(task_ids)) if archive else None
    checked = list(task_ids) or sorted({*ledger.every_task_id(), *(archived.copies if archived else ())})
    return [_finding(ledger, archived, task_id) for task_id in checked]


@dataclass(frozen=True)
class _Archived:
    """The archive's entries.

    Attributes:
        read_at: When they began to be read.
        copies: The entries, by task and place in its chain.
    """

    read_at: datetime
    copies: Mapping[str, Mapping[str, Copy]]


def _finding(ledger: DynamoLedger, archived: _Archived | None, task_id: str) -> Finding:
    try:
        return _examined(ledger, archived, task_id)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:  # one forged item must not hide the others
        return Finding(task_id, [f"an entry or the task is malformed: {type(error).__name__}"])


def _examined(ledger: DynamoLedger, archived: _Archived | None, task_id: str) -> Finding:
    expired = [note] if (note := ledger.audit_removed(task_id)) else []
    if archived is None:
        return Finding(task_id, ledger.audit_breaks(task_id), expired)
    copies = archived.copies.get(task_id, {})
    now = SystemClock().now()
    documents = {document["sk"]: document for document in ledger.audit_documents(task_id)}
    uncopied = documents.keys() - copies.keys()
    young = sorted(place for place in uncopied if awaits_copy(documents[place]["at"], archived.read_at, now))
    due = {place: archived_entry(document) for place, document in documents.items() if place not in young}
    problems = [*ledger.audit_breaks(task_id, outlived=True), *differences(due, copies, now)]
    entries = ", ".join(place.lstrip("0") for place in young)
    note = f"not copied yet: {entries}; verify again when they are {COPY_DELAY.seconds // 60} minutes old"
    return Finding(task_id, problems, [*expired, *([note] if young else [])])
