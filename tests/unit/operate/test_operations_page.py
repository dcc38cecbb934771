"""docs/operations.md: exactly the existing commands, global options and exit statuses."""

import re
from pathlib import Path

import typer

from operate.errors import Status
from operate.program import FLAGS, VALUED, app

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/operations.md").read_text("utf-8")
PAGES = "".join(page.read_text("utf-8") for page in [*ROOT.glob("*.md"), *ROOT.glob(".github/ISSUE_TEMPLATE/*.yml")])


def commands() -> set[str]:
    return set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def first_cells(heading: str, nth: int = 1) -> str:
    """Return the first column of the nth table that begins with this heading."""
    table = PAGE.split(f"| {heading} |")[nth].partition("\n\n")[0]
    return "\n".join(row.split(" | ")[0] for row in table.splitlines()[2:])


def test_the_page_describes_every_command_and_its_permissions() -> None:
    described, rights = (set(re.findall(r"`([a-z]+)", first_cells("command", nth))) for nth in (1, 2))
    assert (described, rights - {"relay", "publisher"}) == (commands(), commands())


def test_the_page_has_every_global_option_and_every_exit_status() -> None:
    assert set(re.findall(r"--[a-z]+", first_cells("option"))) == VALUED | FLAGS
    assert {int(status) for status in re.findall(r"\d+", first_cells("exit status"))} == {*Status}


def test_the_pages_of_the_repository_name_commands_that_exist() -> None:
    named = set(re.findall(r"(?:bin/|`)countersign ([a-z]+)", PAGES))
    assert named
    assert named <= commands()
