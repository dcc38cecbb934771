"""The documents of the interfaces: as the code has it, in both directions."""

import json
import re
from pathlib import Path

import pytest

from countersign.functions import http
from tools import interfaces

ROOT = Path(__file__).parents[2]
DOCUMENTS = interfaces.documents()
TESTS = {
    "requests_api": "test_requests.py",
    "webhook.providers": "test_webhooks.py",
    "webhook.callbacks": "test_callbacks.py",
}
"""The tests of the routes in a module. `test_limits.py` has the limits of all."""


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_documents_are_current(name: str) -> None:
    """`python -m tools.interfaces` writes them."""
    assert (ROOT / "docs" / name).read_text("utf-8") == DOCUMENTS[name]


def test_every_problem_has_a_route_that_can_answer_it() -> None:
    named = {code for each in interfaces.operations() for code in each.codes}
    named |= {*interfaces.EVERY_ROUTE, http.UNKNOWN_ROUTE.code}
    assert named == interfaces.problems().keys()


@pytest.mark.parametrize("module", TESTS)
def test_a_test_of_the_route_expects_each_of_its_problems(module: str) -> None:
    """All of its other answers fail those tests, which compare each answer with the document."""
    tests = (ROOT / "tests/integration" / TESTS[module]).read_text("utf-8")
    routes = [each for each in interfaces.operations() if each.module.startswith(module)]
    expected = {f'{interfaces.problems()[code][0]}, "{code}"' for each in routes for code in each.codes}
    assert [each for each in expected - {'429, "too_many_requests"'} if each not in tests] == []


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
