"""The documents of the interfaces: as the code has it, in both directions."""

import json
import re
from pathlib import Path

import pytest

from countersign.functions import http
from tools import interfaces

ROOT = Path(__file__).parents[2]
DOCUMENTS = interfaces.documents()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_documents_are_current(name: str) -> None:
    """`python -m tools.interfaces` writes them."""
    assert (ROOT / "docs" / name).read_text("utf-8") == DOCUMENTS[name]


def test_every_problem_has_a_route_that_can_answer_it() -> None:
    named = {code for each in interfaces.operations() for code in each.codes}
    named |= {*interfaces.EVERY_ROUTE, http.UNKNOWN_ROUTE.code}
    assert named == interfaces.problems().keys()


@pytest.mark.parametrize("name", ["openapi.json", "asyncapi.json"])
def test_every_reference_leads_somewhere(name: str) -> None:
    document = json.loads(DOCUMENTS[name])
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', DOCUMENTS[name])):
        place = document
        for step in reference.split("/"):
            place = place[step]


def test_every_form_is_posted_to_a_route_and_every_kind_of_hand_off_has_a_message() -> None:
    posted = {each.path[1:] for each in interfaces.operations() if each.is_page and each.method == "POST"}
    assert posted == interfaces._forms().keys()
    kind = interfaces._schema("envelope")["properties"]["kind"]
    assert all(re.search(kind["pattern"], f"payment.{end}") for end in kind["x-ends"])
    assert f"({'|'.join(kind['x-ends'])})" in kind["pattern"]
