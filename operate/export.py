"""Export the audit to a file: CSV for spreadsheets, JSON lines for machines."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, TextIO

from countersign.domain.clock import to_text
from countersign.domain.strict_json import escaped
from operate.errors import OperateError

FIELDS = (
    *("task_id", "seq", "at", "event", "actor", "identified_by", "source", "data", "shown", "policy"),
    *("previous", "hash", "ttl"),
)
"""Every field that the hash of an entry covers, and the hash: an exported file can be verified without the ledger. Only
entries that the stage does not keep for good have `ttl`."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters of a formula: https://owasp.org/www-community/attacks/CSV_Injection."""

STANDARD_OUTPUT = "-"


class Format(StrEnum):
    """The format of the file."""

    CSV = "csv"
    JSONL = "jsonl"


def is_within(entry: Mapping[str, Any], since: datetime | None, until: datetime | None) -> bool:
    """Tell whether an audit entry is from a period; None for no bound. The period includes `since` and not `until`."""
    at: str = entry["at"]
    return (since is None or to_text(since) <= at) and (until is None or at < to_text(until))


def write(entries: Iterable[Mapping[str, Any]], form: Format, file: TextIO) -> int:
    """Write audit entries, and return their number."""
    rows = csv.writer(file)
    if form is Format.CSV:
        rows.writerow(FIELDS)
    count = 0
    for entry in entries:
        count += 1
        fields = {name: entry[name] for name in FIELDS if name in entry}
        if form is Format.CSV:
            rows.writerow(_cell(fields.get(name, "")) for name in FIELDS)
        else:
            file.write(escaped(json.dumps(fields, ensure_ascii=False)) + "\n")
    return count


@contextmanager
def opened(name: str) -> Iterator[TextIO]:
    """Open the file to write to. It gets its name only when it is complete.

    Raises:
        OperateError: The file cannot be written.
    """
    if name == STANDARD_OUTPUT:
        yield sys.stdout
        return
    target = Path(name)
    part = target.with_name(f"{target.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            yield file
        part.replace(target)
    except OSError as error:
        advice = "Name another file, or free some space."
        raise OperateError(f"{name} cannot be written: {error.strerror}", advice) from error
    finally:
        part.unlink(missing_ok=True)


def _cell(value: Any) -> Any:
    """Return a value as a cell; an apostrophe in front keeps a spreadsheet from running a formula."""
    text = value if isinstance(value, str | int) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if isinstance(text, str) and text.startswith(_FORMULA) else text
