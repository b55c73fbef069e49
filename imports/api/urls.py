"""Routes of uploads and imports; included by the API under the namespace `api`."""

from django.urls import path

from imports.api.runs import ImportView, RetryView, ValidationView
from imports.api.uploads import (
    CancellationView,
    CompletionView,
    PartsView,
    RemovalView,
    UploadListView,
    UploadView,
    UsageView,
)

UPLOAD = "uploads/<uuid:upload_id>"
urlpatterns = [
    path("uploads", UploadListView.as_view(), name="uploads"),
    path("uploads/usage", UsageView.as_view(), name="uploads-usage"),
    path(UPLOAD, UploadView.as_view(), name="upload"),
    path(f"{UPLOAD}/parts", PartsView.as_view(), name="upload-parts"),
    path(f"{UPLOAD}/complete", CompletionView.as_view(), name="upload-complete"),
    path(f"{UPLOAD}/cancel", CancellationView.as_view(), name="upload-cancel"),
    path(f"{UPLOAD}/remove", RemovalView.as_view(), name="upload-remove"),
    path("imports/validate", ValidationView.as_view(), name="imports-validate"),
    path("imports/<uuid:run_id>", ImportView.as_view(), name="import"),
    path("imports/<uuid:run_id>/retry", RetryView.as_view(), name="import-retry"),
]
