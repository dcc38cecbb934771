"""`export`: the audit as a file, for spreadsheets (CSV) or for machines (JSON lines)."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, TextIO

from countersign.domain.clock import to_text
from countersign.domain.strict_json import escaped
from operate.errors import OperateError

FIELDS = (
    "task_id",
    "seq",
    "at",
    "event",
    "actor",
    "identified_by",
    "source",
    "data",
    "shown",
    "policy",
    "previous",
    "hash",
)
"""Everything that the hash of an entry is over, and the hash: an export can be verified by itself."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheets take for a formula: https://owasp.org/www-community/attacks/CSV_Injection."""

STANDARD_OUTPUT = "-"


class Format(StrEnum):
    """What the file is."""

    CSV = "csv"
    JSONL = "jsonl"


@dataclass(frozen=True)
class Period:
    """From when, and until when; None for no bound.

    Attributes:
        since: Entries of this moment and later.
        until: Entries before this moment.
    """

    since: datetime | None = None
    until: datetime | None = None

    def takes(self, entry: Mapping[str, Any]) -> bool:
        """Tell whether an entry is of this period."""
        at: str = entry["at"]
        return (self.since is None or to_text(self.since) <= at) and (self.until is None or at < to_text(self.until))


def write(entries: Iterable[Mapping[str, Any]], form: Format, file: TextIO) -> int:
    """Write audit entries, and return how many they were."""
    put = _rows(file) if form is Format.CSV else _lines(file)
    count = 0
    for entry in entries:
        put({name: entry[name] for name in FIELDS})
        count += 1
    return count


@contextmanager
def opened(name: str) -> Iterator[TextIO]:
    """Open the file to write to. It takes its name when it is whole: half an export never looks like one.

    Raises:
        OperateError: It cannot be written.
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
        advice = "Name another file, or make room."
        raise OperateError(f"{name} cannot be written: {error.strerror}", advice) from error
    finally:
        part.unlink(missing_ok=True)


def _rows(file: TextIO) -> Callable[[Mapping[str, Any]], object]:
    writer = csv.writer(file)
    writer.writerow(FIELDS)
    return lambda entry: writer.writerow([_cell(value) for value in entry.values()])


def _lines(file: TextIO) -> Callable[[Mapping[str, Any]], object]:
    return lambda entry: file.write(escaped(json.dumps(entry, ensure_ascii=False)) + "\n")


def _cell(value: Any) -> Any:
    """Return a value as a cell that no spreadsheet runs: an apostrophe stands before what would be a formula."""
    text = value if isinstance(value, str | int) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if isinstance(text, str) and text.startswith(_FORMULA) else text
