"""The environment variables and the tables of a function, each read where it is used."""

import json
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from countersign.domain.errors import MissingSettingError

TABLES_FILE = "tables.json"
"""The file of a function's tables, at the root of its code. Lambda limits all environment variables to 4 KB, which a
stage's workflows and policies exceed. A table is a part of the code, so each version of a function keeps its own."""


class Environment:
    """A function's environment variables and tables; the stack that deploys the function sets them.

    Args:
        variables: The environment variables.
        tables: The tables, by name; None for those of the function's code.
    """

    def __init__(self, variables: Mapping[str, str], tables: Mapping[str, Any] | None = None) -> None:
        self._variables = variables
        self._given = tables

    def text(self, name: str, default: str | None = None) -> str:
        """Return a variable's value, or the default if the variable is not set or empty.

        Raises:
            MissingSettingError: The variable is not set or empty, and has no default.
        """
        value = self._variables.get(name) or default
        if value is None:
            raise MissingSettingError(f"the environment variable {name}")
        return value

    def document(self, name: str, default: str | None = None) -> Any:
        """Return a variable's value, parsed as JSON; raises as `text` does."""
        return json.loads(self.text(name, default))

    def seconds(self, name: str) -> timedelta:
        """Return a duration from a variable with a whole number of seconds; raises as `text` does."""
        return timedelta(seconds=int(self.text(name)))

    @cached_property
    def _tables(self) -> Mapping[str, Any]:
        if self._given is not None:
            return self._given
        file = Path(self.text("LAMBDA_TASK_ROOT"), TABLES_FILE)
        tables: Mapping[str, Any] = json.loads(file.read_bytes())
        return tables

    def table(self, name: str) -> Any:
        """Return a table of the function's code, such as its policy.

        Raises:
            MissingSettingError: The function has no such table.
        """
        if name not in self._tables:
            raise MissingSettingError(f"the table {name} in {TABLES_FILE}")
        return self._tables[name]

    @property
    def base_url(self) -> str:
        """The stage's public address, BASE_URL, without a slash at the end."""
        return self.text("BASE_URL").rstrip("/")
