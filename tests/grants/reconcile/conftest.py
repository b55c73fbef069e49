"""A world of grants, as the tests of failures have it."""

from tests.grants.failures.conftest import stack, world

__all__ = ["stack", "world"]
