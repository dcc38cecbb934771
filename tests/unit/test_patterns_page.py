"""docs/patterns.md: the code of every pattern, and the limits of the code."""

import re
from pathlib import Path

from countersign.adapters.kms import MAX_BYTES
from countersign.contracts.validation import MAX_INPUT_BYTES
from countersign.domain.answers import MAX_ANSWER_BYTES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/patterns.md").read_text("utf-8")
SECTIONS = {section.split("\n", 1)[0]: section for section in PAGE.split("\n## ")[1:]}
PATTERNS = sorted(path for path in ROOT.glob("lambdas/patterns/*.py") if path.stem != "__init__")
SHOWN = dict(re.findall(r"\]\(\.\./(lambdas/[^)]+\.py)\):\n\n```python\n(.*?)```", PAGE, re.DOTALL))


def test_the_page_shows_the_code_of_each_pattern() -> None:
    assert {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in PATTERNS} == SHOWN
    assert PAGE.count("```python") == len(SHOWN)


def test_every_workflow_has_a_section_a_diagram_and_a_row() -> None:
    assert set(SECTIONS) == {path.stem.replace("_", "-") for path in PATTERNS} - {"decider"}
    for name, section in SECTIONS.items():
        assert section.count("```mermaid\nsequenceDiagram\n") == 1, name
        assert f"[{name}](#{name})" in PAGE, name


def test_the_limits_on_the_page_are_those_of_the_code() -> None:
    assert f"at most {MAX_BYTES:,} bytes" in SECTIONS["encrypted-payload"]
    assert f"at most {MAX_INPUT_BYTES:,} bytes" in PAGE
    assert f"an answer {MAX_ANSWER_BYTES:,}" in PAGE
