"""Environment variables of a function, read once at its cold start."""

from collections.abc import Mapping

from countersign.domain.errors import MissingSettingError


def required(environment: Mapping[str, str], name: str) -> str:
    """Return a variable's value.

    Raises:
        MissingSettingError: The variable is not set, or is empty.
    """
    value = environment.get(name, "")
    if not value:
        raise MissingSettingError(name)
    return value
