"""The documents: valid links, and current generated pages."""

import re
from pathlib import Path

import pytest

from tools import reference

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("extensions/*.md")])
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def anchors_of(page: Path) -> set[str]:
    """Return the anchors that GitHub derives from headings."""
    headings = re.findall(r"^#+ (.*)$", CODE.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_within_the_repository_leads_to_a_file_and_a_heading(page: Path) -> None:
    text = CODE.sub("", page.read_text("utf-8"))
    for target in re.findall(r'(?:\]\(|src="|srcset=")(?!https?:|mailto:)([^)"\s]+)', text):
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors_of(linked), target


def test_the_readme_has_at_most_150_lines() -> None:
    assert (ROOT / "README.md").read_text("utf-8").count("\n") <= 150


def test_every_page_of_docs_is_in_the_index() -> None:
    index = (ROOT / "docs/index.md").read_text("utf-8")
    assert [page.name for page in ROOT.glob("docs/*.md") if f"({page.name})" not in index] == ["index.md"]


@pytest.mark.parametrize("page", ["settings", "workflows"])
def test_a_generated_reference_is_current(page: str) -> None:
    """`python -m tools.reference` writes the page."""
    assert (ROOT / "docs" / f"{page}.md").read_text("utf-8") == getattr(reference, f"{page}_page")()
