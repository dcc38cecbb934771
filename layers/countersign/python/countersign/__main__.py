"""For operators: move a deadline, and keep the directory of people.

    python -m countersign extend TASK --by SECONDS --table LEDGER
    python -m countersign away ADDRESS --to ADDRESS --since TIME --until TIME --table DIRECTORY
    python -m countersign away ADDRESS --back --table DIRECTORY
    python -m countersign alias ADDRESS --of ADDRESS --table DIRECTORY

Acts with the AWS credentials, region and endpoint of the environment; the audit names their IAM identity.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta

from countersign.adapters.directory import DynamoDirectory
from countersign.adapters.dynamodb_ledger import DynamoLedger
from countersign.aws import client
from countersign.domain.clock import SystemClock, moment_of, to_text
from countersign.domain.errors import CountersignError, TaskClosedError
from countersign.domain.identity import is_address, normalise
from countersign.domain.people import Absence
from countersign.services.operations import Operations


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0 when it was done, 1 when it was refused."""
    options = _parser().parse_args(arguments)
    try:
        done = options.run(options)
    except TaskClosedError:
        return _tell(f"{options.task} is not open any more: its deadline cannot be moved", 1)
    except (CountersignError, ValueError) as error:
        return _tell(str(error), 1)
    return _tell(done, 0)


def _extend(options: argparse.Namespace) -> str:
    operator = client("sts").get_caller_identity()["Arn"]
    operations = Operations(DynamoLedger(client("dynamodb"), options.table), SystemClock(), operator)
    task = operations.extend(options.task, timedelta(seconds=options.by))
    return f"{task.task_id} is open until {to_text(task.expires_at)}"


def _away(options: argparse.Namespace) -> str:
    person, directory = _address(options.address), _directory(options)
    if options.back:
        directory.set_absence(person, None)
        return f"{person} is there"
    absence = _absence(person, options)
    directory.set_absence(person, absence)
    return f"{absence.to} stands in for {person} from {to_text(absence.since)} until {to_text(absence.until)}"


def _alias(options: argparse.Namespace) -> str:
    address, person = _address(options.address), _address(options.of)
    _directory(options).set_alias(address, person)
    return f"{address} is {person}"


def _absence(person: str, options: argparse.Namespace) -> Absence:
    if not (options.to and options.since and options.until):
        raise ValueError("an absence needs --to, --since and --until; to end one, --back alone")
    absence = Absence(_moment(options.since), _moment(options.until), _address(options.to))
    if absence.since >= absence.until:
        raise ValueError(f"--until must be after --since, got: {options.until} after {options.since}")
    if absence.to == person:
        raise ValueError(f"{person} cannot stand in for themselves")
    return absence


def _address(text: str) -> str:
    address = normalise(text)
    if not is_address(address):
        raise ValueError(f"must be an e-mail address, got: {text}")
    return address


def _moment(text: str) -> datetime:
    try:
        return moment_of(text)
    except (OverflowError, ValueError):
        raise ValueError(f"must be a date or a time in ISO 8601, such as 2026-08-01, got: {text}") from None


def _directory(options: argparse.Namespace) -> DynamoDirectory:
    return DynamoDirectory(client("dynamodb"), options.table)


def _tell(what: str, status: int) -> int:
    print(what, file=sys.stderr if status else sys.stdout)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m countersign", description="Countersign for operators.")
    commands = parser.add_subparsers(required=True, metavar="command")
    extending = commands.add_parser("extend", help="move the deadline of an open task")
    extending.set_defaults(run=_extend)
    extending.add_argument("task", help="id of the task: <request id>.<name of the wait>")
    extending.add_argument("--by", type=int, required=True, metavar="SECONDS", help="how much later")
    extending.add_argument("--table", required=True, help="name of the ledger's table (output TableName)")
    leaving = commands.add_parser("away", help="say who stands in for somebody who is away, or that they are back")
    leaving.set_defaults(run=_away)
    leaving.add_argument("--to", metavar="ADDRESS", help="who is asked in their place")
    leaving.add_argument("--since", metavar="TIME", help="from when, ISO 8601; UTC unless it says another zone")
    leaving.add_argument("--until", metavar="TIME", help="until when, exclusive")
    leaving.add_argument("--back", action="store_true", help="they are back: nobody stands in any more")
    naming = commands.add_parser("alias", help="say that an address is another name of somebody")
    naming.set_defaults(run=_alias)
    naming.add_argument("--of", required=True, metavar="ADDRESS", help="the address under which they count")
    for command in (leaving, naming):
        command.add_argument("address", help="e-mail address")
        command.add_argument("--table", required=True, help="name of the directory (output DirectoryTableName)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
