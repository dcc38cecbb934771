"""For operators: `python -m countersign extend TASK --by SECONDS --table TABLE`.

Acts with the AWS credentials, region and endpoint of the environment; the audit names their IAM identity.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import timedelta

from countersign.adapters.dynamodb_ledger import DynamoLedger
from countersign.aws import client
from countersign.domain.clock import SystemClock, to_text
from countersign.domain.errors import CountersignError, TaskClosedError
from countersign.services.operations import Operations


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0 when it was done, 1 when it was refused."""
    options = _parser().parse_args(arguments)
    operator = client("sts").get_caller_identity()["Arn"]
    operations = Operations(DynamoLedger(client("dynamodb"), options.table), SystemClock(), operator)
    try:
        task = operations.extend(options.task, timedelta(seconds=options.by))
    except TaskClosedError:
        return _tell(f"{options.task} is not open any more: its deadline cannot be moved", 1)
    except CountersignError as error:
        return _tell(str(error), 1)
    return _tell(f"{task.task_id} is open until {to_text(task.expires_at)}", 0)


def _tell(what: str, status: int) -> int:
    print(what, file=sys.stderr if status else sys.stdout)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m countersign", description="Countersign for operators.")
    commands = parser.add_subparsers(required=True, metavar="command")
    extending = commands.add_parser("extend", help="move the deadline of an open task")
    extending.add_argument("task", help="id of the task: <request id>.<name of the wait>")
    extending.add_argument("--by", type=int, required=True, metavar="SECONDS", help="how much later")
    extending.add_argument("--table", required=True, help="name of the ledger's table (output TableName)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
