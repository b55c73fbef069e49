"""The site's root: each to where their work is."""

from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache


@never_cache
def home(request: HttpRequest) -> HttpResponseRedirect:
    """Lead curators and administrators to the admin, everybody else to their own page."""
    return redirect("admin:index" if getattr(request.user, "is_staff", False) else "my")
