"""The output of the command lines of operate/ and local/: tables and colours, plain text in a pipe, or JSON.

Results go to standard output, everything else to standard error. No text can move the cursor of a terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.progress import track
from rich.table import Table
from rich.text import Text

from countersign.domain.strict_json import escaped

GOOD, BAD, QUIET = "green", "bold red", "dim"
_STYLES = {"OPEN": "yellow", "DECIDED": "bold cyan", "APPLIED": "green", "EXPIRED": "magenta", "CANCELLED": "red"}
Step = TypeVar("Step")
_UNLIMITED = 1_000_000
_SPACES = {0xA0: " ", 0x202F: " "}
"""The no-break spaces of amounts and dates, which Python does not count among the printable characters."""
"""Columns of a pipe, so that no line is cut."""


class Terminal:
    """The terminal of one command.

    Attributes:
        as_json: Whether results are JSON.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self._out = Console(highlight=False, soft_wrap=True)
        self._errors = Console(stderr=True, highlight=False, soft_wrap=True)

    def say(self, text: str = "", style: str = "") -> None:
        """Print a line of a result."""
        self._out.print(Text(shown(text), style=style))

    def facts(self, heading: str, facts: Iterable[tuple[str, str]], title: str = "") -> None:
        """Print what is known of a thing: its heading, its title if it has one, and the values by their names."""
        self.say(heading, "bold")
        if title:
            self.say(title)
        known = list(facts)
        width = max(len(name) for name, _ in known)
        for name, value in known:
            self.say(f"  {name:<{width}}  {value}")

    def result(self, text: str, document: Any) -> None:
        """Print the result of an action: a line, or a JSON document."""
        if self.as_json:
            self.document(document)
        else:
            self.say(text)

    def document(self, document: Any) -> None:
        """Print a JSON document."""
        text = json.dumps(document, indent=2, ensure_ascii=mark("é…", "") == "", default=str)
        sys.stdout.writelines(f"{escaped(line)}\n" for line in text.split("\n"))

    def note(self, text: str) -> None:
        """Print a note for people, to standard error."""
        self._errors.print(Text(shown(text), style=QUIET))

    def error(self, text: str, *advice: str) -> None:
        """Print an error and its advice, without empty lines."""
        self._errors.print(Text.assemble(("error: ", BAD), shown(text)))
        for line in filter(None, advice):
            self._errors.print(Text(f"  {shown(line)}"))

    def title(self, text: str) -> None:
        """Print the title of a run."""
        self.say()
        self.say(text, "bold")
        self.say()

    def doing(self, text: str) -> None:
        """Print a step that takes a moment."""
        self.say(f"  {mark('…', '.')} {text}", QUIET)

    def done(self, what: str, detail: str) -> None:
        """Print a completed step."""
        step = ((mark("✓", "+"), GOOD), " ", (f"{what:<12}", "bold"), f" {shown(detail)}")
        self._out.print(Text.assemble("  ", *step))

    def link(self, url: str) -> None:
        """Print a URL unbroken on its own line, to click or copy."""
        self.say()
        self.say(f"    {url}", "cyan underline")
        self.say()

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print rows as a table, without a frame in a pipe; each row as a block if the terminal is too narrow."""
        framed = self._out.is_terminal
        if not framed:
            self._out.width = _UNLIMITED
        table = Table(*map(str.upper, columns), box=SIMPLE_HEAD if framed else None, pad_edge=framed)
        cells = [[Text(shown(cell), _STYLES.get(cell, ""), no_wrap=True) for cell in row] for row in rows]
        for row in cells:
            table.add_row(*row)
        unlimited = self._out.options.update(max_width=_UNLIMITED)
        if Measurement.get(self._out, unlimited, table).maximum <= self._out.width:
            self._out.print(table, soft_wrap=False)
            return
        for first, *others in cells:
            self._out.print(first)
            for column, cell in zip(columns[1:], others, strict=True):
                self._out.print(Text.assemble((f"  {column:<10}", QUIET), cell))

    def track(self, steps: Iterable[Step], what: str, total: int) -> Iterator[Step]:
        """Yield the steps of a task, with a progress bar on a terminal; an unknown total is 0."""
        hidden = self.as_json or not self._errors.is_terminal
        return iter(track(steps, what, total or None, console=self._errors, transient=True, disable=hidden))


def shown(text: str) -> str:
    """Return text that standard output can encode, without control characters."""
    spaced = text.translate(_SPACES)
    printable = "".join(character if character.isprintable() else "�" for character in spaced)
    encoding = sys.stdout.encoding or "ascii"
    return printable.encode(encoding, "replace").decode(encoding)


def mark(sign: str, plain: str) -> str:
    """Return a sign, or its replacement if standard output cannot show it."""
    return sign if shown(sign) == sign else plain
