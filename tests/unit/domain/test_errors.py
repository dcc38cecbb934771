"""The errors of the kit: how they are named."""

import inspect

from countersign.domain import errors


def test_every_error_has_a_name_that_ends_in_error_and_says_what_it_is() -> None:
    for name, thing in inspect.getmembers(errors, inspect.isclass):
        assert name.endswith("Error")
        assert thing.__doc__
