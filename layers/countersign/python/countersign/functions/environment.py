"""Environment variables of a function, each read where it is used."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from countersign.domain.errors import MissingSettingError


class Environment:
    """A function's environment variables; the stack that deploys the function sets them."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def text(self, name: str, default: str | None = None) -> str:
        """Return a variable's value, or the default if the variable is not set or empty.

        Raises:
            MissingSettingError: The variable is not set or empty, and has no default.
        """
        value = self._variables.get(name) or default
        if value is None:
            raise MissingSettingError(name)
        return value

    def document(self, name: str, default: str | None = None) -> Any:
        """Return a variable's value, parsed as JSON; raises as `text` does."""
        return json.loads(self.text(name, default))

    def seconds(self, name: str) -> timedelta:
        """Return a duration from a variable with a whole number of seconds; raises as `text` does."""
        return timedelta(seconds=int(self.text(name)))

    @property
    def base_url(self) -> str:
        """The stage's public address, BASE_URL, without a slash at the end."""
        return self.text("BASE_URL").rstrip("/")
