"""`audit verify`: prove the audit.

Recomputes every hash, compares each task with what its audit says of it, and each vote with the links that were made.
Where the stage has a copy on S3, compares each entry with the copy too. Nobody can change the copy while Object Lock
keeps it, so this finds a chain that was replaced as a whole, or removed with its task.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from countersign.adapters.audit_archive import S3AuditArchive
from countersign.adapters.dynamodb_ledger import DynamoLedger
from countersign.adapters.task_items import archived_entry
from countersign.domain.audit import COPY_DELAY, awaits_copy, differences
from countersign.domain.clock import SystemClock
from countersign.domain.errors import ArchiveRefusedError
from countersign.ports import AuditArchive
from operate.context import Context
from operate.errors import OperateError, Status


@dataclass(frozen=True)
class Finding:
    """What there is to say of one chain.

    Attributes:
        task_id: The task whose audit it is.
        problems: What is wrong with it.
        notes: What is not wrong, and still to be known.
    """

    task_id: str
    problems: Sequence[str]
    notes: Sequence[str] = ()


def add_to(app: typer.Typer) -> None:
    """Add these commands to the program."""
    group = typer.Typer(help="Prove the audit.", no_args_is_help=True)
    group.callback()(lambda: None)  # or Typer takes the only command for the group itself
    group.command()(verify)
    app.add_typer(group, name="audit")


def verify(
    call: typer.Context,
    task_ids: Annotated[list[str] | None, typer.Argument(metavar="TASK", help="Of these tasks only.")] = None,
    archive: Annotated[
        str, typer.Option(metavar="BUCKET", help="Compare with the copy in this bucket, not the stage's.")
    ] = "",
) -> int:
    """Prove that no audit entry was changed, dropped or moved; the exit status is 1 when one was."""
    context: Context = call.obj
    stage, terminal = context.stage, context.terminal
    bucket = archive or stage.audit_bucket
    try:
        copy = S3AuditArchive(stage.client("s3"), bucket) if bucket else None
        found = verified(stage.ledger, task_ids or (), copy)
    except ArchiveRefusedError as error:
        raise OperateError(f"the copy in {bucket} cannot be read: {error}") from error
    broken = sum(1 for finding in found if finding.problems)
    compared = " against the copy" if bucket else ""
    if terminal.as_json:
        terminal.document({"archive": bucket or None, "broken": broken, "chains": [vars(finding) for finding in found]})
    else:
        for finding in found:
            for line in (*finding.problems, *finding.notes):
                terminal.say(f"{finding.task_id}: {line}")
        terminal.say(f"{len(found)} chains checked{compared}, {broken} broken")
    return Status.REFUSED if broken else Status.DONE


def verified(ledger: DynamoLedger, task_ids: Sequence[str], archive: AuditArchive | None = None) -> list[Finding]:
    """Return what there is to say of the chains of these tasks; of all that the ledger or the copy has, for none.

    Raises:
        ArchiveRefusedError: The copy cannot be read.
    """
    checked = list(task_ids) or sorted({*ledger.every_task_id(), *(archive.every_task_id() if archive else ())})
    return [_finding(ledger, archive, task_id) for task_id in checked]


def _finding(ledger: DynamoLedger, archive: AuditArchive | None, task_id: str) -> Finding:
    if archive is None:
        return Finding(task_id, ledger.audit_breaks(task_id))
    copies = archive.copies(task_id)  # before the ledger: what is written meanwhile lacks its copy, and is young
    now = SystemClock().now()
    documents = {document["sk"]: document for document in ledger.audit_documents(task_id)}
    young = [place for place in documents.keys() - copies.keys() if awaits_copy(documents[place]["at"], now)]
    due = {place: archived_entry(document) for place, document in documents.items() if place not in young}
    problems = [*ledger.audit_breaks(task_id, outlived=True), *differences(due, copies)]
    return Finding(task_id, problems, [_note(young)] if young else [])


def _note(places: Iterable[str]) -> str:
    entries = ", ".join(place.lstrip("0") for place in sorted(places))
    return f"not copied yet: {entries}; verify again when they are {COPY_DELAY.seconds // 60} minutes old"
