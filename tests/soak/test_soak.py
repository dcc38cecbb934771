"""A short soak in the suite; `make soak` runs long ones."""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from moto import mock_aws

from benchmarks.soak.__main__ import RARE, never_reached, soak
from benchmarks.soak.machine import Soak
from benchmarks.soak.moto_tables import MotoTables
from benchmarks.soak.samples import sampled
from tests.integration.conftest import ENVIRONMENT, without_needless_work


class OnMoto(Soak):
    """The soak on moto's tables."""

    tables: ClassVar[Callable[[], Any]] = MotoTables
    steps: ClassVar[int] = 10


def test_the_invariants_hold_and_every_state_is_reached() -> None:
    assert set(never_reached(sampled()[1])) <= {*RARE}


def test_the_invariants_hold_on_motos_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    without_needless_work(monkeypatch)
    with mock_aws():
        figures = soak(OnMoto, steps=10, chance=17)
    assert figures["APPLIED"] > 0


def test_the_same_seed_makes_the_same_soak() -> None:
    assert soak(Soak, steps=100, chance=7) == soak(Soak, steps=100, chance=7)
