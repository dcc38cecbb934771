"""The identity of a durable execution, which is the same in every replay."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from countersign.workflows.workflow import Execution, execution_of

STARTED = datetime(2026, 3, 1, 9, 0, 4, tzinfo=UTC)


def context(started_at: datetime | None, payload: str | None = '{"request_id": "order-1001", "input": {}}') -> Any:
    """Return a durable context with an execution."""
    operation = SimpleNamespace(start_timestamp=started_at)
    state = SimpleNamespace(get_execution_operation=lambda: operation, get_input_payload=lambda: payload)
    return SimpleNamespace(state=state)


@pytest.mark.parametrize("microsecond", [0, 1, 374_923, 999_999])
def test_the_start_of_an_execution_ignores_fractions_of_a_second(microsecond: int) -> None:
    assert execution_of(context(STARTED.replace(microsecond=microsecond))) == Execution("order-1001", STARTED)


@pytest.mark.parametrize("payload", [None, "null", "[]", '"order"'])
def test_an_execution_without_a_request_raises_an_error_with_the_fix(payload: str | None) -> None:
    with pytest.raises(LookupError, match="POST /requests"):
        execution_of(context(STARTED, payload))


def test_an_execution_without_a_start_raises_an_error_with_the_fix() -> None:
    with pytest.raises(LookupError, match="POST /requests"):
        execution_of(context(None))
