"""What the stages cost: the bounds, and the page docs/scale.md."""

import re

import pytest

from benchmarks.cost import page
from benchmarks.cost.__main__ import DOCUMENTED
from benchmarks.cost.bill import Bill
from benchmarks.cost.deployed import Deployed
from benchmarks.cost.prices import Prices
from tests.infra.templates import StageNamed


@pytest.fixture(scope="module")
def bills(stage_named: StageNamed) -> list[Bill]:
    stages = map(stage_named, DOCUMENTED)
    return [Bill(Deployed(each.settings, each.app, [*each.templates.values()]), Prices.load()) for each in stages]


def test_a_million_approvals_cost_at_most_the_bound(bills: list[Bill]) -> None:
    assert [bill.bound for bill in bills] == [75, 90]
    assert all(bill.is_within for bill in bills)


def test_the_page_has_the_costs_of_the_stages(bills: list[Bill]) -> None:
    written = page.FILE.read_text(encoding="utf-8")
    counted = page.current(written, bills)
    how = "run: .venv/bin/python -m benchmarks.cost --write"
    assert _NUMBER.sub("0", written) == _NUMBER.sub("0", counted), how
    # Compressed bytes depend on the version of zlib.
    assert _numbers(written) == pytest.approx(_numbers(counted), rel=0.01, abs=0.02), how


_NUMBER = re.compile(r"\d[\d,]*(\.\d+)?")


def _numbers(text: str) -> list[float]:
    return [float(each[0].replace(",", "")) for each in _NUMBER.finditer(text)]
