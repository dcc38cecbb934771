"""The error tree: what the module says of it is what it is."""

import inspect
import re

from countersign.domain import errors
from countersign.domain.errors import CountersignError

BRANCH = re.compile(r"^([│ ]*)[├└]── (\w+)", re.MULTILINE)


def documented_parents() -> dict[str, str]:
    """Return each error's parent as the module's docstring draws it."""
    parents: dict[str, str] = {}
    path = ["CountersignError"]
    for indent, name in BRANCH.findall(errors.__doc__ or ""):
        path[len(indent) // 4 + 1 :] = [name]
        parents[name] = path[-2]
    return parents


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    classes = [thing for _, thing in inspect.getmembers(errors, inspect.isclass) if issubclass(thing, CountersignError)]
    assert documented_parents() == {
        error.__name__: error.__bases__[0].__name__ for error in classes if error is not CountersignError
    }


def test_every_error_has_a_name_that_ends_in_error_and_says_what_it_is() -> None:
    for name, thing in inspect.getmembers(errors, inspect.isclass):
        assert name.endswith("Error")
        assert thing.__doc__
