"""The production templates, whole: a change that nobody meant shows here. `pytest --snapshot-update` accepts one."""

import json
import re
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from tests.infra.templates import Synthesised

pytestmark = pytest.mark.xdist_group("infra")

CHANGING = (
    (re.compile(r"\b[0-9a-f]{64}\b"), "<asset>"),
    (re.compile(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}"), r"\1<version>"),
)
"""What follows from code rather than from the stacks."""


@pytest.mark.parametrize("name", ["ledger", "public", "workflow", "monitoring"])
def test_template(prod: Synthesised, name: str, snapshot: SnapshotAssertion) -> None:
    assert masked(prod.template(name)) == snapshot(extension_class=JSONSnapshotExtension)


def masked(template: Any) -> Any:
    text = json.dumps(template)
    for pattern, replacement in CHANGING:
        text = pattern.sub(replacement, text)
    return json.loads(text)
