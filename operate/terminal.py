"""What the command lines of operate/ and local/ print.

A table on a wide terminal, plain lines everywhere else, JSON where machines read.

Results go to standard output, everything else to standard error. Colours, frames and progress bars are for terminals;
what is piped is plain text. Texts that people wrote are shown without control characters: they cannot move a cursor.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from countersign.domain.strict_json import escaped

GOOD, BAD, QUIET = "green", "bold red", "dim"
_PADDING = 3
"""What a column of a table takes beside its text."""

_STYLES = {
    "OPEN": "yellow",
    "DECIDED": "bold cyan",
    "APPLIED": "green",
    "EXPIRED": "magenta",
    "CANCELLED": "red",
}


class Terminal:
    """Where one command prints to.

    Attributes:
        as_json: Whether results are JSON.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self._out = Console(highlight=False, soft_wrap=True)
        self._errors = Console(stderr=True, highlight=False, soft_wrap=True)

    def say(self, text: str = "", style: str = "") -> None:
        """Print a line of a result."""
        self._out.print(Text(encodable(clean(text)), style=style))

    def result(self, text: str, document: Any) -> None:
        """Print what was done: a line, or as JSON."""
        if self.as_json:
            self.document(document)
        else:
            self.say(text)

    def document(self, document: Any) -> None:
        """Print a JSON document."""
        text = json.dumps(document, indent=2, ensure_ascii=not _is_unicode(), default=str)
        sys.stdout.writelines(f"{escaped(line)}\n" for line in text.split("\n"))

    def note(self, text: str) -> None:
        """Print what a person should know, and no program reads."""
        self._errors.print(Text(encodable(clean(text)), style=QUIET))

    def error(self, text: str, *advice: str) -> None:
        """Print why the command did not do what it was asked, and what to do; empty lines of advice are left out."""
        self._errors.print(Text.assemble(("error: ", BAD), encodable(clean(text))))
        for line in filter(None, advice):
            self._errors.print(Text(f"  {encodable(clean(line))}"))

    def title(self, text: str) -> None:
        """Print what this run is about."""
        self.say()
        self.say(text, "bold")
        self.say()

    def doing(self, text: str) -> None:
        """Print what takes a moment."""
        self.say(f"  {mark('…', '.')} {text}", QUIET)

    def done(self, what: str, detail: str) -> None:
        """Print a step that has happened."""
        step = ((mark("✓", "+"), GOOD), " ", (f"{what:<12}", "bold"), f" {encodable(clean(detail))}")
        self._out.print(Text.assemble("  ", *step))

    def link(self, url: str) -> None:
        """Print an address on a line of its own, unbroken, so that it can be clicked or copied."""
        self.say()
        self.say(f"    {url}", "cyan underline")
        self.say()

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print rows: as a table where it fits, a block for each where the terminal is too narrow, aligned if piped."""
        cells = [[encodable(clean(cell)) for cell in row] for row in rows]
        if not self._out.is_terminal:
            _write_aligned([[column.upper() for column in columns], *cells])
            return
        widths = (max(map(cell_len, column)) for column in zip(columns, *cells, strict=True))
        if sum(widths) + _PADDING * len(columns) > self._out.width:
            self._blocks(columns, cells)
            return
        table = Table(*columns, box=SIMPLE_HEAD)
        for row in cells:
            table.add_row(*(Text(cell, style=_STYLES.get(cell, ""), no_wrap=True) for cell in row))
        self._out.print(table, soft_wrap=False)

    @contextmanager
    def progress(self, what: str, total: int | None) -> Iterator[Progress]:
        """Show how far something is, on a terminal only; the one task of the result is there to be updated."""
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        shown = self._errors.is_terminal and not self.as_json
        with Progress(*columns, console=self._errors, disable=not shown, transient=True) as progress:
            progress.add_task(what, total=total)
            yield progress

    def _blocks(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        width = max(map(len, columns[1:]), default=0)
        for first, *others in rows:
            self._out.print(Text(first, style="bold"))
            for column, cell in zip(columns[1:], others, strict=True):
                self._out.print(Text.assemble((f"  {column:<{width}}  ", QUIET), (cell, _STYLES.get(cell, ""))))


def clean(text: str) -> str:
    """Return a text in which what cannot be seen, or would act on a terminal, is a replacement character."""
    return "".join(character if character.isprintable() else "�" for character in text)


def encodable(text: str) -> str:
    """Return a text as standard output can show it: in ASCII, question marks stand for what that lacks."""
    encoding = sys.stdout.encoding or "ascii"
    return text.encode(encoding, "replace").decode(encoding)


def mark(sign: str, plain: str) -> str:
    """Return a sign, or what stands for it where standard output cannot show it."""
    return sign if encodable(sign) == sign else plain


def _is_unicode() -> bool:
    return encodable("é…") == "é…"


def _write_aligned(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write(line.rstrip() + "\n")
