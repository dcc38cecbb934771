"""The runtime of a workflow function, made of its environment."""

from collections.abc import Mapping

import pytest

from countersign.composition import Ports, current_ports, use
from countersign.domain.errors import MissingSettingError
from countersign.testing.builders import WORKFLOW
from countersign.workflows.runtime import Runtime, current
from tests.integration.conftest import CODE_TABLES, ENVIRONMENT, Kit

WORKFLOW_ENVIRONMENT = ENVIRONMENT | {"WORKFLOW": WORKFLOW, "EXECUTION_TIMEOUT_SECONDS": "86400"}


def runtime_of(environment: Mapping[str, str]) -> Runtime:
    with use(Ports(environment, CODE_TABLES)):
        return current()


def test_a_workflow_function_is_set_up_by_its_environment(kit: Kit) -> None:
    runtime = runtime_of(WORKFLOW_ENVIRONMENT)
    assert (runtime.workflow, runtime.execution_timeout.total_seconds()) == (WORKFLOW, 86400)
    for name in ("LEDGER_TABLE", "DIRECTORY_TABLE", "BUS_NAME", "WORKFLOW", "EXECUTION_TIMEOUT_SECONDS"):
        with pytest.raises(MissingSettingError, match=name):
            runtime_of({key: value for key, value in WORKFLOW_ENVIRONMENT.items() if key != name})


def test_ports_are_in_use_during_their_block_and_the_runtime_is_made_once(kit: Kit) -> None:
    inner, outer = (Ports(WORKFLOW_ENVIRONMENT, CODE_TABLES) for _ in range(2))
    with use(outer):
        with use(inner):
            runtime = current()
            assert (current_ports(), runtime.ledger) == (inner, inner.ledger)
            assert current() is runtime
        assert current().ledger is outer.ledger
