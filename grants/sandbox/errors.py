"""An answer of AWS's that says no."""

from http import HTTPStatus


class AwsError(Exception):
    """One of AWS's documented error codes, with the message and the HTTP status it comes with."""

    def __init__(self, code: str, message: str, status: int = HTTPStatus.BAD_REQUEST) -> None:
        """Keep the three parts; the front writes them in the called service's protocol."""
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, int(status)


def access_denied(message: str) -> AwsError:
    """Give the refusal every service shares."""
    return AwsError("AccessDenied", message, HTTPStatus.FORBIDDEN)
