"""Prove the audit: `python -m countersign.audit verify`.

Reads the ledger with the AWS credentials, region and endpoint of the environment, and recomputes every hash.
"""

import argparse
import sys
from collections.abc import Sequence

from countersign.adapters.dynamodb_ledger import DynamoLedger
from countersign.aws import client


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0 when every chain holds, 1 when one does not."""
    options = _parser().parse_args(arguments)
    return verify(DynamoLedger(client("dynamodb"), options.table), options.task)


def verify(ledger: DynamoLedger, task_ids: Sequence[str]) -> int:
    """Print what is wrong with each chain, and a last line that counts; return the exit status."""
    checked = list(task_ids) or ledger.every_task_id()
    found = {task_id: ledger.audit_breaks(task_id) for task_id in checked}
    broken = {task_id: problems for task_id, problems in found.items() if problems}
    for task_id, problems in broken.items():
        for problem in problems:
            print(f"{task_id}: {problem}")  # noqa: T201  a program for a terminal
    print(f"{len(checked)} chains checked, {len(broken)} broken")  # noqa: T201
    return 1 if broken else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m countersign.audit", description="The audit of the ledger.")
    commands = parser.add_subparsers(required=True, metavar="command")
    verifying = commands.add_parser("verify", help="prove that no audit entry was changed, dropped or moved")
    verifying.add_argument("task", nargs="*", help="ids of tasks; all of them by default")
    verifying.add_argument("--table", required=True, help="name of the ledger's table (output TableName)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
