"""Where everything is: the admin, the API, two addresses for load balancers."""

from django.contrib import admin
from django.contrib.auth.models import Group
from django.urls import include, path
from django.views.generic import RedirectView

from cellenium_admin import health
from cellenium_admin.core.oidc.views import LogoutView
from cellenium_admin.pages.home import home
from cellenium_admin.pages.my import MyPage, RenewedPage

handler400 = "cellenium_admin.core.api.handlers.bad_request"
handler403 = "cellenium_admin.core.api.handlers.permission_denied"
handler404 = "cellenium_admin.core.api.handlers.page_not_found"
handler500 = "cellenium_admin.core.api.handlers.server_error"

admin.site.index_title = "Overview"
# Rights come from roles and study access; Django's own groups would be a second answer to the same question.
admin.site.unregister(Group)

urlpatterns = [
    path("", home, name="home"),
    path("my/", MyPage.as_view(), name="my"),
    path("my/renewed/", RenewedPage.as_view(), name="my-renewed"),
    path("", include("cellenium_admin.core.oidc.urls")),
    # The admin has no login of its own: one door, and one way out.
    path("admin/login/", RedirectView.as_view(pattern_name="login", query_string=True)),
    path("admin/logout/", LogoutView.as_view()),
    path("admin/", admin.site.urls),
    path("api/v1/", include("cellenium_admin.api")),
    path("health/live", health.live),
    path("health/ready", health.ready),
]
