"""Values that are equal when what they hold is, for modules whose import must be light.

A frozen dataclass does more, and `typing.NamedTuple` too; to import either costs a fresh process as much as a provider.
"""


class Value:
    """A value made of the attributes that its class names in `__slots__`."""

    __slots__: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Value) and type(other) is type(self) and other._asdict() == self._asdict()

    def __hash__(self) -> int:
        return hash(tuple(self._asdict().values()))

    def __repr__(self) -> str:
        held = ", ".join(f"{name}={value!r}" for name, value in self._asdict().items())
        return f"{type(self).__name__}({held})"

    def _asdict(self) -> dict[str, object]:
        """Return what it holds, by name; called as in `typing.NamedTuple`."""
        return {name: getattr(self, name) for name in self.__slots__}
