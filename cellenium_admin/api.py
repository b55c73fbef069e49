"""The routes of the REST API, version 1."""

from django.contrib.auth.views import redirect_to_login
from django.http.response import HttpResponseBase
from django.urls import include, path
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.exceptions import NotAuthenticated
from rest_framework.renderers import JSONRenderer, TemplateHTMLRenderer

from cellenium_admin.core.api.audit import AuditEventListView
from cellenium_admin.core.api.jobs import JobCancelView, JobListView, JobView
from cellenium_admin.core.api.me import MeView
from cellenium_admin.core.api.permissions import IsMember
from cellenium_admin.core.api.tokens import ApiTokenListView, ApiTokenRevocationView
from cellenium_admin.core.models import TokenScope


@extend_schema(exclude=True)
class SchemaView(SpectacularAPIView):
    """The OpenAPI document."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ}
    renderer_classes = [OpenApiYamlRenderer, OpenApiJsonRenderer, JSONRenderer]
    http_method_names = ["get", "head"]


@extend_schema(exclude=True)
class DocsView(SpectacularSwaggerSplitView):
    """Swagger UI over the OpenAPI document, from our own static files."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ}
    renderer_classes = [TemplateHTMLRenderer]
    url_name = "api:schema"
    http_method_names = ["get", "head"]

    def handle_exception(self, exc: Exception) -> HttpResponseBase:  # type: ignore[override]
        """Take a visitor who has not logged in to the login page: this one is for people."""
        if isinstance(exc, NotAuthenticated):
            return redirect_to_login(self.request.get_full_path())
        return super().handle_exception(exc)


app_name = "api"
urlpatterns = [
    path("me", MeView.as_view(), name="me"),
    path("schema", SchemaView.as_view(), name="schema"),
    path("docs", DocsView.as_view(), name="docs"),
    path("tokens", ApiTokenListView.as_view(), name="tokens"),
    path("tokens/<str:token_key>/revoke", ApiTokenRevocationView.as_view(), name="token-revoke"),
    path("jobs", JobListView.as_view(), name="jobs"),
    path("jobs/<uuid:job_id>", JobView.as_view(), name="job"),
    path("jobs/<uuid:job_id>/cancel", JobCancelView.as_view(), name="job-cancel"),
    path("audit-events", AuditEventListView.as_view(), name="audit-events"),
    path("", include("studies.api.urls")),
    path("", include("grants.api.urls")),
    path("", include("imports.api.urls")),
]
