"""Values: equal when what they hold is."""

from countersign.domain.values import Value


class Point(Value):
    __slots__ = ("x", "y")

    def __init__(self, x: object, y: object) -> None:
        self.x = x
        self.y = y


class Pixel(Value):
    __slots__ = ("x", "y")

    def __init__(self, x: object, y: object) -> None:
        self.x = x
        self.y = y


def test_values_are_equal_when_all_that_they_hold_is() -> None:
    assert Point(1, "a") == Point(1, "a")
    assert hash(Point(1, "a")) == hash(Point(1, "a"))


def test_values_that_hold_something_else_or_mean_something_else_differ() -> None:
    for other in (Point(1, "b"), Point(2, "a"), Point("1", "a"), Pixel(1, "a"), (1, "a"), None):
        assert Point(1, "a") != other


def test_a_value_tells_what_it_holds_by_name() -> None:
    assert Point(1, "a")._asdict() == {"x": 1, "y": "a"}


def test_a_value_shows_what_it_holds() -> None:
    assert repr(Point(1, "a")) == "Point(x=1, y='a')"
