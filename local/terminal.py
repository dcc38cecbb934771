"""What the commands of `local` print: plain lines that read as well in a log as on a screen."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

_NEVER_CUT = 200
"""Columns of characters: a table in a log, or on a narrow screen, is wrapped rather than shortened."""

_out = Console(highlight=False, soft_wrap=True)
_errors = Console(stderr=True, highlight=False, soft_wrap=True)


def title(text: str) -> None:
    """Print what this run is about."""
    _out.print(f"\n[bold]{escape(text)}[/]\n")


def done(what: str, detail: str) -> None:
    """Print a step that has happened."""
    _out.print(f"  [green]{_mark('✓', '+')}[/] [bold]{escape(what):<12}[/] {escape(detail)}")


def doing(text: str) -> None:
    """Print what takes a moment."""
    _out.print(f"  [dim]{_mark('…', '.')} {escape(text)}[/]")


def say(text: str = "") -> None:
    """Print a line as it is."""
    _out.print(escape(text))


def link(url: str) -> None:
    """Print an address on a line of its own, unbroken, so that it can be clicked or copied."""
    _out.print(f"\n    [cyan underline]{escape(url)}[/]\n")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under their columns' names."""
    drawn = Table(*(Column(name, no_wrap=True) for name in columns), box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for row in rows:
        drawn.add_row(*map(escape, row))
    _out.print()
    Console(highlight=False, width=_NEVER_CUT).print(drawn)


def error(text: str) -> None:
    """Print why the command failed, to standard error."""
    _errors.print(f"[bold red]error:[/] {escape(text)}")


def _mark(mark: str, plain: str) -> str:
    encoding = sys.stdout.encoding or "ascii"
    try:
        mark.encode(encoding)
    except UnicodeEncodeError:
        return plain
    return mark
