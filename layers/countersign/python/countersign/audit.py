"""Prove the audit: `python -m countersign.audit verify`.

Reads the ledger with the AWS credentials, region and endpoint of the environment, recomputes every hash, and compares
each task with what its audit says of it, and each vote with the links that were made. With `--archive` it also compares
each entry with its copy on S3, which nobody can change while Object Lock keeps it: so that a chain that was replaced as
a whole, or removed with its task, is found too.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from countersign.adapters.audit_archive import S3AuditArchive
from countersign.adapters.dynamodb_ledger import DynamoLedger
from countersign.adapters.task_items import archived_entry
from countersign.domain.audit import COPY_DELAY, awaits_copy, differences
from countersign.domain.clock import SystemClock
from countersign.domain.errors import ArchiveRefusedError
from countersign.domain.strict_json import escaped
from countersign.functions.clients import client
from countersign.ports import AuditArchive


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0 when every chain holds, 1 when one does not or could not be checked."""
    options = _parser().parse_args(arguments)
    archive = S3AuditArchive(client("s3"), options.archive) if options.archive else None
    try:
        return verify(DynamoLedger(client("dynamodb"), options.table), options.task, archive)
    except ArchiveRefusedError as error:
        print(f"the copy in {options.archive} cannot be read: {error}", file=sys.stderr)  # noqa: T201
        return 1


def verify(ledger: DynamoLedger, task_ids: Sequence[str], archive: AuditArchive | None = None) -> int:
    """Print what is wrong with each chain, and a last line that counts; return the exit status."""
    checked = list(task_ids) or sorted({*ledger.every_task_id(), *(archive.every_task_id() if archive else ())})
    findings = {task_id: _findings(ledger, archive, task_id) for task_id in checked}
    for task_id, found in findings.items():
        for line in (*found.problems, *found.notes):
            print(escaped(f"{task_id}: {line}"))  # noqa: T201  a program for a terminal
    broken = sum(1 for found in findings.values() if found.problems)
    compared = " against the copy" if archive else ""
    print(f"{len(checked)} chains checked{compared}, {broken} broken")  # noqa: T201
    return 1 if broken else 0


@dataclass(frozen=True)
class _Findings:
    """What there is to say of one chain: what is wrong with it, and what is not."""

    problems: list[str]
    notes: list[str] = field(default_factory=list)


def _findings(ledger: DynamoLedger, archive: AuditArchive | None, task_id: str) -> _Findings:
    if archive is None:
        return _Findings(ledger.audit_breaks(task_id))
    copies = archive.copies(task_id)  # before the ledger: what is written meanwhile lacks its copy, and is young
    now = SystemClock().now()
    documents = {document["sk"]: document for document in ledger.audit_documents(task_id)}
    young = [place for place in documents.keys() - copies.keys() if awaits_copy(documents[place]["at"], now)]
    settled = {place: archived_entry(document) for place, document in documents.items() if place not in young}
    problems = [*ledger.audit_breaks(task_id, outlived=True), *differences(settled, copies)]
    return _Findings(problems, [_note(young)] if young else [])


def _note(places: Iterable[str]) -> str:
    entries = ", ".join(place.lstrip("0") for place in sorted(places))
    return f"not copied yet: {entries}; verify again when they are {COPY_DELAY.seconds // 60} minutes old"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m countersign.audit", description="The audit of the ledger.")
    commands = parser.add_subparsers(required=True, metavar="command")
    verifying = commands.add_parser("verify", help="prove that no audit entry was changed, dropped or moved")
    verifying.add_argument("task", nargs="*", help="ids of tasks; all of them by default")
    verifying.add_argument("--table", required=True, help="name of the ledger's table (output TableName)")
    verifying.add_argument(
        "--archive", metavar="BUCKET", help="compare with the copy in this bucket too (output AuditBucketName)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
