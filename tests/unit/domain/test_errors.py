"""The names of the errors."""

import inspect

from countersign.domain import errors


def test_the_name_of_every_error_ends_in_error_and_every_error_has_a_docstring() -> None:
    for name, thing in inspect.getmembers(errors, inspect.isclass):
        assert name.endswith("Error")
        assert thing.__doc__
