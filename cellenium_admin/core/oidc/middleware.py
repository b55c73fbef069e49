"""Asking the provider now and then whether a session's login still stands."""

import time

from django.conf import settings
from django.contrib import auth
from django.contrib.auth import BACKEND_SESSION_KEY
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from mozilla_django_oidc.middleware import SessionRefresh

from cellenium_admin.core.api.problems import Problem, render
from cellenium_admin.core.oidc import options, provider
from cellenium_admin.core.oidc.backend import OidcBackend
from cellenium_admin.core.oidc.errors import ProviderUnavailableError

BACKEND = f"{OidcBackend.__module__}.{OidcBackend.__qualname__}"
API_ROOT = "/api/"
EXPIRATION = "oidc_id_token_expiration"
# A form that was filled in for a while is still taken; after so many times the interval the session is over for it too.
FORM_FACTOR = 2


class RefreshMiddleware(SessionRefresh):
    """mozilla-django-oidc's refresh, for sessions of the provider's people alone.

    Pages go to the provider and come back without a word; the API cannot, and says that the session is over.
    """

    def __init__(self, get_response: object) -> None:
        """Keep the library's numbers; addresses are asked for when they are needed."""
        super(SessionRefresh, self).__init__(get_response)
        self.OIDC_EXEMPT_URLS = ["login", "login-refused", "logout", "/health/live", "/health/ready"]
        self.OIDC_STATE_SIZE = self.get_settings("OIDC_STATE_SIZE")
        self.OIDC_NONCE_SIZE = self.get_settings("OIDC_NONCE_SIZE")
        self.OIDC_AUTHENTICATION_CALLBACK_URL = "oidc_authentication_callback"
        self.OIDC_USE_NONCE = True

    @staticmethod
    def get_settings(attr: str, *args: object) -> object:
        """Answer the library's questions from our settings."""
        return options.answer(attr, *args)

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:
        """Let a request through, or have its session refreshed first."""
        if not self._is_over(request):
            return None
        if request.path.startswith(API_ROOT):
            return _session_expired(request)
        if request.method != "GET":
            return self._form(request)
        try:
            self.OIDC_OP_AUTHORIZATION_ENDPOINT = provider.configured().discovery.authorization_endpoint
        except ProviderUnavailableError:
            return _log_in_again(request)
        self.OIDC_RP_CLIENT_ID, self.OIDC_RP_SCOPES = settings.OIDC_CLIENT_ID, settings.OIDC_SCOPES
        answer: HttpResponseBase | None = super().process_request(request)
        return answer

    def is_refreshable_url(self, request: HttpRequest) -> bool:
        """Say yes: whether it is one was looked at before."""
        del request
        return True

    def _is_over(self, request: HttpRequest) -> bool:
        """Tell whether this is a session of the provider's whose time is over, on a path that minds."""
        if request.session.get(BACKEND_SESSION_KEY) != BACKEND or request.path in self.exempt_urls:
            return False
        if not request.user.is_authenticated:
            return False
        expiration: float = request.session.get(EXPIRATION, 0)
        return expiration <= time.time()

    def _form(self, request: HttpRequest) -> HttpResponseBase | None:
        latest = request.session.get(EXPIRATION, 0) + (FORM_FACTOR - 1) * settings.OIDC_REFRESH_SECONDS
        return None if time.time() < latest else _log_in_again(request)


def _log_in_again(request: HttpRequest) -> HttpResponseBase:
    auth.logout(request)
    return HttpResponseRedirect(f"{reverse('login')}?why=session_expired")


def _session_expired(request: HttpRequest) -> HttpResponseBase:
    detail = "The login of this session has to be renewed: open any page, or log in again."
    problem = Problem(401, "session_expired", detail, extra={"login": reverse("login")})
    return render(problem, path=request.path)
