"""The pictures of the documents: every example is a page or a mail, and stands on the page of pictures."""

import re
from pathlib import Path

import pytest

from countersign.presentation.brand import PLAIN
from tools.gallery import EXAMPLES, Scene

PAGE = Path(__file__).parents[2] / "docs/pages.md"


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_a_whole_page_or_mail(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Countersign")
    monkeypatch.setenv("METRICS_STAGE", "test")
    page = EXAMPLES[name](Scene("en"))
    assert page.startswith("<!doctype html>")
    assert PLAIN["name"] in page


def test_every_picture_stands_on_the_page_of_pictures() -> None:
    assert re.findall(r"\(pictures/(.*?)\.png\)", PAGE.read_text("utf-8")) == list(EXAMPLES)
