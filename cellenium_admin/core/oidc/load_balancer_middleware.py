"""People whom an AWS load balancer has logged in, on pages and API alike."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render as render_page

from cellenium_admin.core.api.problems import Problem, render
from cellenium_admin.core.exceptions import ApplicationError
from cellenium_admin.core.oidc import load_balancer, presented
from cellenium_admin.core.oidc.errors import LoginRefusedError, ProviderUnavailableError

API_ROOT = "/api/"


class LoadBalancerMiddleware:
    """Takes the signed header for the login of each request; whoever has none is whoever their session says.

    Requests stay subject to CSRF checks as in any session: the load balancer's cookie goes along by itself.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Keep the next layer."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve a request as the person it comes from."""
        token = request.headers.get(load_balancer.HEADER)
        if not token or not load_balancer.is_on() or request.path.startswith("/health/"):
            return self.get_response(request)
        try:
            request.user = presented.account(token, method=load_balancer.METHOD, verify=load_balancer.identify)
        except (LoginRefusedError, ProviderUnavailableError) as error:
            return _refused(request, error)
        return self.get_response(request)


def _refused(request: HttpRequest, error: ApplicationError) -> HttpResponseBase:
    status = 503 if isinstance(error, ProviderUnavailableError) else 401
    if request.path.startswith(API_ROOT):
        return render(Problem(status, error.code, error.detail), path=request.path)
    reason = {"code": error.code, "detail": error.detail}
    return render_page(request, "login/refused.html", {"reason": reason}, status=403 if status == 401 else status)
