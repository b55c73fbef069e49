"""Secrets that cannot be written down by accident."""

from typing import Any, NoReturn


class Secret:
    """A secret in memory; only `reveal` gives it, and whoever calls that hands it to its one reader."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        """Wrap a secret."""
        self._value = value

    def reveal(self) -> str:
        """Give the secret itself."""
        return self._value

    def __repr__(self) -> str:
        """Show that there is one."""
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        """Show that there is one, in whatever text."""
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        """Refuse comparison with a text: it is never equal, and whoever compares wants `reveal`."""
        if isinstance(other, str):
            raise TypeError("A secret is not compared with a text: reveal it, and use hmac.compare_digest.")
        return self is other

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        """Refuse to be pickled or copied."""
        raise TypeError("A secret is not written down.")

    def __getstate__(self) -> NoReturn:
        """Refuse to show what is in it to those that pickle by themselves."""
        raise TypeError("A secret is not written down.")

    __hash__ = None  # type: ignore[assignment]
