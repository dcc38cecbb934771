"""Unit tests: no network, and no deadline for generated examples."""

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("countersign", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", deadline=None, max_examples=20)
settings.load_profile("countersign")


@pytest.fixture(autouse=True)
def _no_network(socket_disabled: None) -> None:
    """Refuse every socket."""
