"""Why somebody who wanted to prove who they are was not believed."""

from cellenium_admin.core.exceptions import ApplicationError, UnavailableError


class LoginRefusedError(ApplicationError):
    """The proof does not hold, or whoever it names may not come in; the code is for the trail and for programs."""

    code = "login_refused"

    def __init__(self, code: str, detail: str) -> None:
        """Keep the code and a sentence that says what to do next; neither holds anything of the token."""
        super().__init__(detail, code=code)


class TokenRefusedError(LoginRefusedError):
    """A token that is not what it should be."""


class ProviderUnavailableError(UnavailableError):
    """The provider does not answer, or answers what cannot be used; nobody is to blame for trying."""

    code = "provider_unavailable"
