"""The pages of logging in and out."""

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.generic import View
from mozilla_django_oidc.views import (
    OIDCAuthenticationCallbackView,
    OIDCAuthenticationRequestView,
    OIDCLogoutView,
)

from cellenium_admin.core.models import User
from cellenium_admin.core.oidc import options, provider
from cellenium_admin.core.oidc.errors import LoginRefusedError, ProviderUnavailableError
from cellenium_admin.core.services import logins

logger = logging.getLogger(__name__)

# The ID token is a hint for the provider's logout: the browser keeps it, this server does not.
HINT_COOKIE, HINT_PATH, MOST_HINT = "cellenium_id_token", "/logout/", 3500
REASON = "login_refused"
# A session of somebody who only began to log in ends after so long: strangers begin as many as they like.
LOGIN_SECONDS = 3600
# What a load balancer remembers a login by; whoever logs out takes it from the browser themselves.
# Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html
LOAD_BALANCER_COOKIE = "AWSELBAuthSessionCookie"
COGNITO = "https://cognito-idp."
# What a provider answers when it was asked not to show anything and would have to.
SILENT = {"login_required", "interaction_required", "consent_required", "account_selection_required"}
PROBLEMS: Mapping[str, str] = {
    "session_expired": "You have been away for a while. Log in again to go on.",
}


def home_of(user: User) -> str:
    """Give the page somebody sees first: the admin for those who work there, one's own page for everybody else."""
    return reverse("admin:index") if user.is_staff else reverse("my")


@method_decorator(never_cache, name="dispatch")
class LoginPage(LoginView):
    """The provider's button, and the form for local accounts where the setting allows it."""

    template_name = "login/login.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Log a local account in. Answers 404 where they have no form."""
        if not settings.PASSWORD_LOGIN:
            return HttpResponse("There are no passwords here: use the login provider.", status=404)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Log in, for as long as a session lasts that has not only begun."""
        answer = super().form_valid(form)
        self.request.session.set_expiry(None)
        return answer

    def get_redirect_url(self, request: HttpRequest | None = None) -> str:
        """Give where to go afterwards, on this server; the admin sends those it is closed to back here for ever."""
        del request  # from Django 6 on it may be handed over; it is the view's own
        url: str = super().get_redirect_url()
        user = self.request.user
        closed = isinstance(user, User) and not user.is_staff and url.startswith(reverse("admin:index"))
        return "" if closed else url

    def get_default_redirect_url(self) -> str:
        """Give where to go after a login that began here."""
        return home_of(self.request.user) if isinstance(self.request.user, User) else resolve_url("home")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Tell the template which ways there are."""
        query = urlencode({"next": self.get_redirect_url()}) if self.get_redirect_url() else ""
        return super().get_context_data(
            provider=settings.OIDC_ISSUER,
            provider_url=reverse("oidc_authentication_init") + (f"?{query}" if query else ""),
            passwords=settings.PASSWORD_LOGIN,
            note=PROBLEMS.get(self.request.GET.get("why", ""), ""),
            **kwargs,
        )


@method_decorator(never_cache, name="dispatch")
class BeginView(OIDCAuthenticationRequestView):
    """Sends people to the provider, with state, nonce and a PKCE challenge of this session alone."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Ask for the provider's address when somebody comes, not when the view is made."""
        View.__init__(self, *args, **kwargs)

    @staticmethod
    def get_settings(attr: str, *args: Any) -> Any:
        """Answer the library's questions from our settings."""
        return options.answer(attr, *args)

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Begin."""
        try:
            self.OIDC_OP_AUTH_ENDPOINT = provider.configured().discovery.authorization_endpoint
        except ProviderUnavailableError as error:
            return _unavailable(request, error)
        self.OIDC_RP_CLIENT_ID = settings.OIDC_CLIENT_ID
        answer: HttpResponseBase = super().get(request)
        if not request.user.is_authenticated:
            request.session.set_expiry(LOGIN_SECONDS)
        return answer


@method_decorator(never_cache, name="dispatch")
class CallbackView(OIDCAuthenticationCallbackView):
    """Takes people back from the provider, or tells them why not."""

    @staticmethod
    def get_settings(attr: str, *args: Any) -> Any:
        """Answer the library's questions from our settings."""
        return options.answer(attr, *args)

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Finish a login that began in this session."""
        if request.GET.get("error") in SILENT and self._take_state(request):
            return self._expired(request)
        # Whatever answers no login of this browser may come from anybody's link: it ends no session.
        ours = self._is_ours(request)
        try:
            self._check(request)
            answer: HttpResponseBase = super().get(request)
        except LoginRefusedError as error:
            return self._refused(request, error, ours=ours)
        except ProviderUnavailableError as error:
            return _unavailable(request, error)
        return answer

    @property
    def success_url(self) -> str:
        """Give where the login began, if that was here, else the person's first page."""
        wanted = self.request.session.get("oidc_login_next")
        here = url_has_allowed_host_and_scheme(
            wanted, allowed_hosts={self.request.get_host()}, require_https=self.request.is_secure()
        )
        return str(wanted) if wanted and here else home_of(self.user)

    def login_success(self) -> HttpResponseBase:
        """Log in, under a new session key, and give the browser what the provider's logout asks for."""
        answer: HttpResponseBase = super().login_success()
        self.request.session.set_expiry(None)
        hint = getattr(self.request, "oidc_id_token", "")
        if 0 < len(hint) <= MOST_HINT:
            answer.set_cookie(
                HINT_COOKIE, hint, path=HINT_PATH, secure=self.request.is_secure(), httponly=True, samesite="Lax"
            )
        return answer

    def login_failure(self) -> HttpResponseBase:
        """Tell that the provider said no."""
        error = LoginRefusedError("not_finished", "The login was not finished. Try again.")
        return self._refused(self.request, error, ours=True)

    def _check(self, request: HttpRequest) -> None:
        """Refuse what does not answer a login of this session. The library would answer with a bare 400."""
        if not self._is_ours(request):
            detail = "This browser did not begin that login, or it was finished before. Log in again."
            refuse(LoginRefusedError("unknown_state", detail))
        if request.GET.get("iss", settings.OIDC_ISSUER) != settings.OIDC_ISSUER:
            self._take_state(request)
            refuse(LoginRefusedError("wrong_issuer", "This answer comes from another login provider (RFC 9207)."))
        if request.GET.get("error"):
            self._take_state(request)
            refuse(LoginRefusedError("provider_said_no", _said(request.GET["error"])))
        if not request.GET.get("code"):
            refuse(LoginRefusedError("not_finished", "The login provider sent no code. Log in again."))

    def _is_ours(self, request: HttpRequest) -> bool:
        known = request.session.get("oidc_states")
        return isinstance(known, dict) and bool(known.get(request.GET.get("state", "")))

    def _take_state(self, request: HttpRequest) -> bool:
        """Use a state up, so that nothing answers it again."""
        if not self._is_ours(request):
            return False
        del request.session["oidc_states"][request.GET["state"]]
        request.session.modified = True
        return True

    def _expired(self, request: HttpRequest) -> HttpResponseBase:
        """End a session which the provider does not know any more, and go on after a new login."""
        wanted = request.session.get("oidc_login_next") or ""
        auth.logout(request)
        return HttpResponseRedirect(f"{reverse('login')}?{urlencode({'why': 'session_expired', 'next': wanted})}")

    def _refused(self, request: HttpRequest, error: LoginRefusedError, *, ours: bool) -> HttpResponseBase:
        """Tell why, on a page of its own; nobody stays logged in after a login of theirs that was refused."""
        if ours:
            auth.logout(request)
        request.session[REASON] = {"code": error.code, "detail": error.detail}
        return HttpResponseRedirect(reverse("login-refused"))


@never_cache
def refused_page(request: HttpRequest) -> HttpResponse:
    """Tell why a login was refused, and what to do."""
    reason = request.session.get(REASON) or {"code": "", "detail": "Nothing was refused. Log in."}
    return render(request, "login/refused.html", {"reason": reason}, status=403 if reason["code"] else 200)


@method_decorator(never_cache, name="dispatch")
class LogoutView(OIDCLogoutView):
    """Ends the session here and, where the provider offers it, there (OpenID Connect RP-Initiated Logout 1.0)."""

    @staticmethod
    def get_settings(attr: str, *args: Any) -> Any:
        """Answer the library's questions from our settings."""
        return options.answer(attr, *args)

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Log out; by POST alone, so that no picture on a page can."""
        by_provider = isinstance(request.user, User) and bool(request.user.oidc_subject)
        hint = request.COOKIES.get(HINT_COOKIE, "")
        auth.logout(request)
        answer = HttpResponseRedirect(_end_of_session(request, hint) if by_provider else reverse("login"))
        answer.delete_cookie(HINT_COOKIE, path=HINT_PATH, samesite="Lax")
        for name in request.COOKIES:
            if name.startswith(LOAD_BALANCER_COOKIE):
                answer.delete_cookie(name)
        return answer


def _end_of_session(request: HttpRequest, hint: str) -> str:
    """Give the provider's address for logging out; our own page where it has none or cannot be asked."""
    after = request.build_absolute_uri(reverse("login"))
    try:
        address = provider.configured().discovery.end_session_endpoint
    except ProviderUnavailableError as error:
        logger.warning("Logged out here only: %s", error.detail)
        return after
    if not address:
        return after
    query = {"client_id": settings.OIDC_CLIENT_ID, **_afterwards(after, hint)}
    return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"


def _afterwards(address: str, hint: str) -> dict[str, str]:
    """Say where to go after the provider's logout, and whose it is; Amazon Cognito has a word of its own.

    Source: https://docs.aws.amazon.com/cognito/latest/developerguide/logout-endpoint.html
    """
    if settings.OIDC_ISSUER.startswith(COGNITO):
        return {"logout_uri": address}
    return {"post_logout_redirect_uri": address} | ({"id_token_hint": hint} if hint else {})


def refuse(error: LoginRefusedError) -> None:
    """Record a refusal of the code flow and raise it."""
    logins.refuse(error, method="oidc")


def _unavailable(request: HttpRequest, error: ProviderUnavailableError) -> HttpResponse:
    logger.error("Nobody can log in: %s", error.detail)
    reason = {"code": error.code, "detail": "The login provider does not answer. Try again in a few minutes."}
    return render(request, "login/refused.html", {"reason": reason}, status=503)


def _said(code: str) -> str:
    """Give the provider's own error code, which is public (OpenID Connect Core 1.0, section 3.1.2.6)."""
    plain = "".join(one for one in code if one.isalnum() or one in "_-.")[:60]
    return f"The login provider ended the login ({plain}). Try again."
