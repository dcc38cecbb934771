"""CloudFormation's own linter on every template: types, required properties, values, references."""

import json

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from tests.infra.templates import Synthesised

pytestmark = pytest.mark.xdist_group("infra")

REDUNDANT_DEPENDS_ON = "W3005"
"""CDK names a function's role both as its role and as what it waits for."""


def test_every_template(stage: Synthesised) -> None:
    config = ManualArgs(ignore_checks=[REDUNDANT_DEPENDS_ON], regions=["eu-central-1", "us-east-1"])
    for name, template in stage.templates.items():
        assert [str(match) for match in lint(json.dumps(template), config=config)] == [], name
