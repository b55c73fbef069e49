"""The names of HTTP statuses, the same under every version of Python."""

from http import HTTPStatus

# As RFC 9110 has them; Python before 3.13 still has the names of the RFCs before it.
RENAMED = {413: "Content Too Large", 422: "Unprocessable Content"}


def phrase(status: int) -> str:
    """Name a status as RFC 9110, section 15, does."""
    return RENAMED.get(status) or HTTPStatus(status).phrase
