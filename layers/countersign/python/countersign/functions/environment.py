"""Environment variables of a function, read once at its cold start."""

from collections.abc import Mapping


class MissingSettingError(RuntimeError):
    """The deployment left out a variable; the function cannot start."""


def required(environment: Mapping[str, str], name: str) -> str:
    """Return a variable's value.

    Raises:
        MissingSettingError: The variable is not set, or is empty.
    """
    value = environment.get(name, "")
    if not value:
        raise MissingSettingError(
            f"environment variable {name} is not set; the stack that deploys this function sets it"
        )
    return value
