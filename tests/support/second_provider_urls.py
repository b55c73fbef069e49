"""The addresses of the second provider; its login page is a template of a few lines."""

from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.urls import include, path

FORM = """<!doctype html><html lang="en"><title>Provider</title><form method="post">
<input type="hidden" name="csrfmiddlewaretoken" value="{token}"><input type="hidden" name="next" value="{next}">
<label>Name <input name="username"></label><label>Password <input name="password" type="password"></label>
<button>Sign in</button></form></html>"""


class PasswordView(LoginView):
    """Ask for name and password without a template file."""

    def render_to_response(self, context: dict[str, object], **_: object) -> HttpResponse:
        """Write the form."""
        return HttpResponse(form(self.request, str(context["next"])))


def form(request: HttpRequest, address: str) -> str:
    """Fill the form in; the address is escaped, for it comes from the browser."""
    from django.utils.html import escape

    return FORM.format(token=get_token(request), next=escape(address))


urlpatterns = [
    path("accounts/login/", PasswordView.as_view(), name="login"),
    path("", include("oauth2_provider.urls", namespace="oauth2_provider")),
]
