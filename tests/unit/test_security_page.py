"""docs/security.md: existing tests, a test per threat, and a row per function."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security.md").read_text("utf-8")
SECTIONS = {section.split("\n", 1)[0]: section for section in PAGE.split("\n## ")[1:]}
KINDS = {section.split("\n", 1)[0]: section for section in SECTIONS["Threats"].split("\n### ")[1:]}
THREATS = [threat for kind in KINDS.values() for threat in kind.split("\n- **")[1:]]
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)))


@cache
def defined_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / path).read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("path", "name"), NAMED, ids=[name for _, name in NAMED])
def test_every_test_named_on_the_page_exists(path: str, name: str) -> None:
    assert name in defined_in(path)


def test_every_threat_is_covered_by_a_test() -> None:
    kinds = ["Spoofing", "Tampering", "Repudiation", "Information disclosure", "Denial of service"]
    assert list(KINDS) == [*kinds, "Elevation of privilege"]
    assert len(THREATS) == sum(len(re.findall(r"^- \*\*[STRIDE]\d+ ", kind, re.MULTILINE)) for kind in KINDS.values())
    for threat in THREATS:
        assert re.search(r"\.py::test_\w+`", threat), threat


def test_every_function_has_a_row_with_its_permissions() -> None:
    rows = re.findall(r"^\| (`[^|]+) \|", SECTIONS["Who may do what"], re.MULTILINE)
    folders = {path.parent.name for path in (ROOT / "lambdas").glob("*/__init__.py")}
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == folders


def test_the_page_says_that_nothing_has_run_on_aws() -> None:
    assert "Nothing of this has run on AWS" in SECTIONS["What is not covered"]
