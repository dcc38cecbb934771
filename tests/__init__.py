"""The tests, by level: see the README."""

from pathlib import Path

SETTINGS = Path(__file__).parent / "settings"
"""The stages that tests synthesise and deploy, so that the tests pass whatever a fork has in `settings/`."""
