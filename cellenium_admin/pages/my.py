"""The page of every user, `/my/`: uploads, temporary credentials and API tokens of one's own.

The server renders who is asking and where the API is; all the rest comes from the REST API, read and changed with the
session's cookie by the modules in `static/cellenium/my/`.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.templatetags.static import static
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.generic import TemplateView

from cellenium_admin.core.content_security import content_security_policy
from cellenium_admin.core.models import User
from cellenium_admin.core.oidc import provider
from cellenium_admin.core.oidc.errors import ProviderUnavailableError

CLIENT = "cellenium/cellenium_access.pyz"
SHORTEST_SECONDS = 900


@method_decorator([never_cache, ensure_csrf_cookie], name="dispatch")
class MyPage(LoginRequiredMixin, TemplateView):
    """Uploads, credentials and tokens of whoever is logged in; others are led to the login and back."""

    template_name = "my/page.html"
    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the page, which may lead to the login provider as well."""
        response = super().get(request, *args, **kwargs)
        policy = content_security_policy(request.path_info, provider=_provider_addresses(request.user))
        response["Content-Security-Policy"] = policy
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add what the page's modules must know before they can ask the API; nothing in here is secret."""
        return super().get_context_data(
            **kwargs,
            client_url=_client_url(),
            page_config={
                "api": reverse("api:me").removesuffix("me"),
                "csrfCookie": settings.CSRF_COOKIE_NAME,
                "user": str(self.request.user.pk),
                "renewUrl": reverse("my-renewed") if _by_provider(self.request.user) else "",
                "loginUrl": f"{resolve_url(settings.LOGIN_URL)}?next={reverse('my')}",
                "studyUrl": _study_url(staff=getattr(self.request.user, "is_staff", False)),
                "credentials": _durations(),
                "tokenMaxDays": settings.TOKEN_MAX_DAYS,
            },
        )


@method_decorator([never_cache, xframe_options_sameorigin], name="dispatch")
class RenewedPage(LoginRequiredMixin, TemplateView):
    """An empty page that `/my/` opens in a frame when its session is over.

    On the way to it the provider is asked, as on the way to every page, whether the login still stands; so an upload
    goes on without anybody at the keyboard. A provider that wants to show something cannot do it in a frame.
    """

    template_name = "my/renewed.html"
    http_method_names = ["get"]


def _by_provider(user: object) -> bool:
    return isinstance(user, User) and bool(user.oidc_subject)


def _provider_addresses(user: object) -> list[str]:
    """Give where the provider asks and ends logins: it may not be where its issuer's name points to."""
    if not _by_provider(user):
        return []
    try:
        found = provider.configured().discovery
    except ProviderUnavailableError:  # then it is not reached either
        return []
    return [found.authorization_endpoint, found.end_session_endpoint]


def _durations() -> dict[str, int]:
    """Give the bounds and the default of a session's length, in seconds."""
    longest = max(settings.CREDENTIALS_MAX_SECONDS, SHORTEST_SECONDS)
    return {"shortest": SHORTEST_SECONDS, "longest": longest, "usual": min(settings.CREDENTIALS_SECONDS, longest)}


def _client_url() -> str:
    """Find the command-line client's file; empty where this installation was built without it."""
    if finders.find(CLIENT) is None and not staticfiles_storage.exists(CLIENT):
        return ""
    return static(CLIENT)


def _study_url(*, staff: bool) -> str:
    """Give the address of a study, with its id to be put in: its page in the admin, or what the API tells of it."""
    unknown = "00000000-0000-0000-0000-000000000000"
    address = reverse("admin:studies_study_change" if staff else "api:study", args=[unknown])
    return address.replace(unknown, "{id}")
