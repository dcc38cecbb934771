"""docs/first-deploy-checklist.md and docs/operations.md name the claims of `prove`, and no others."""

import re
from pathlib import Path

from operate.prove.disruptive import DISRUPTIVE
from operate.prove.report import says
from operate.prove.safe import AFTERWARDS, SAFE

DOCS = Path(__file__).resolve().parents[3] / "docs"
CLAIMS = SAFE | DISRUPTIVE | AFTERWARDS


def points() -> list[str]:
    """Return the last cell of each point of the checklist."""
    text = (DOCS / "first-deploy-checklist.md").read_text("utf-8")
    return [row.strip("| ").rpartition(" | ")[2] for row in text.splitlines() if re.match(r"\| \d+ \|", row)]


def claims_in(cell: str) -> set[str]:
    return set(re.findall(r"`([a-z]+)`", cell)) & CLAIMS.keys()


def test_each_point_of_the_checklist_is_a_claim_or_says_why_not() -> None:
    assert len(points()) > 10
    for cell in points():
        assert cell.startswith("no: ") or claims_in(cell), cell


def test_each_claim_is_in_the_checklist_and_described_for_operators() -> None:
    assert set().union(*(claims_in(cell) for cell in points() if not cell.startswith("no: "))) == CLAIMS.keys()
    section = (DOCS / "operations.md").read_text("utf-8").partition("## Prove a stage")[2].partition("\n## ")[0]
    rows = [row.split(" | ")[0] for row in section.splitlines() if row.startswith("| `")]
    assert set(re.findall(r"`([a-z]+)`", " ".join(rows))) == CLAIMS.keys()


def test_each_claim_says_one_sentence() -> None:
    assert all(re.fullmatch(r"[A-Z].*\.", says(claim)) for claim in CLAIMS.values())
