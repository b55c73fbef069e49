"""Where everything is: the admin, the API, two addresses for load balancers."""

from django.contrib import admin
from django.contrib.auth.models import Group
from django.urls import include, path
from django.views.generic import RedirectView

from cellenium_admin import health

handler400 = "cellenium_admin.core.api.handlers.bad_request"
handler403 = "cellenium_admin.core.api.handlers.permission_denied"
handler404 = "cellenium_admin.core.api.handlers.page_not_found"
handler500 = "cellenium_admin.core.api.handlers.server_error"

admin.site.index_title = "Overview"
# Rights come from roles and study access; Django's own groups would be a second answer to the same question.
admin.site.unregister(Group)

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("cellenium_admin.api")),
    path("health/live", health.live),
    path("health/ready", health.ready),
]
