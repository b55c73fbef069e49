"""Routes of access; included by the API under the namespace `api`."""

from django.urls import path

from grants.api.access_requests import (
    AccessRequestListView,
    AccessRequestView,
    ApprovalView,
    CancellationView,
    RejectionView,
)
from grants.api.credentials import CredentialsView
from grants.api.explain import ExplainView
from grants.api.grant_changes import (
    GrantAdoptionView,
    GrantCutView,
    GrantExtensionView,
    GrantReplacementView,
    GrantReviewView,
    GrantRevocationView,
)
from grants.api.grants import GrantListView, GrantView
from grants.api.issuances import IssuanceCutView, IssuanceListView, IssuanceView
from grants.api.keys import AccessKeyListView, AccessKeyRemovalView, AccessKeyRotationView, AccessKeyView
from grants.api.locations import LocationListView, LocationRemovalView, LocationView
from grants.api.operations import OperationListView, OperationRetryView, OperationSurrenderView, OperationView
from grants.api.principals import PrincipalListView, PrincipalRemovalView, PrincipalView
from grants.api.reconcile import ReconcileApplicationView, ReconcilePlanView, ReconcileView

LOCATION = "locations/<uuid:location_id>"
PRINCIPAL = "principals/<uuid:principal_id>"
KEY = "access-keys/<uuid:key_id>"
GRANT = "grants/<uuid:grant_id>"
REQUEST = "access-requests/<uuid:access_request_id>"
OPERATION = "operations/<uuid:operation_id>"
urlpatterns = [
    path("locations", LocationListView.as_view(), name="locations"),
    path(LOCATION, LocationView.as_view(), name="location"),
    path(f"{LOCATION}/remove", LocationRemovalView.as_view(), name="location-remove"),
    path("principals", PrincipalListView.as_view(), name="principals"),
    path(PRINCIPAL, PrincipalView.as_view(), name="principal"),
    path(f"{PRINCIPAL}/remove", PrincipalRemovalView.as_view(), name="principal-remove"),
    path(f"{PRINCIPAL}/keys", AccessKeyListView.as_view(), name="principal-keys"),
    path(f"{PRINCIPAL}/keys/rotate", AccessKeyRotationView.as_view(), name="principal-keys-rotate"),
    path(KEY, AccessKeyView.as_view(), name="access-key"),
    path(f"{KEY}/remove", AccessKeyRemovalView.as_view(), name="access-key-remove"),
    path("grants", GrantListView.as_view(), name="grants"),
    path(GRANT, GrantView.as_view(), name="grant"),
    path(f"{GRANT}/extend", GrantExtensionView.as_view(), name="grant-extend"),
    path(f"{GRANT}/adopt", GrantAdoptionView.as_view(), name="grant-adopt"),
    path(f"{GRANT}/review", GrantReviewView.as_view(), name="grant-review"),
    path(f"{GRANT}/replace", GrantReplacementView.as_view(), name="grant-replace"),
    path(f"{GRANT}/revoke", GrantRevocationView.as_view(), name="grant-revoke"),
    path(f"{GRANT}/cut", GrantCutView.as_view(), name="grant-cut"),
    path("access-requests", AccessRequestListView.as_view(), name="access-requests"),
    path(REQUEST, AccessRequestView.as_view(), name="access-request"),
    path(f"{REQUEST}/approve", ApprovalView.as_view(), name="access-request-approve"),
    path(f"{REQUEST}/reject", RejectionView.as_view(), name="access-request-reject"),
    path(f"{REQUEST}/cancel", CancellationView.as_view(), name="access-request-cancel"),
    path("credentials", CredentialsView.as_view(), name="credentials"),
    path("issuances", IssuanceListView.as_view(), name="issuances"),
    path("issuances/<uuid:issuance_id>", IssuanceView.as_view(), name="issuance"),
    path("issuances/<uuid:issuance_id>/cut", IssuanceCutView.as_view(), name="issuance-cut"),
    path("operations", OperationListView.as_view(), name="operations"),
    path(OPERATION, OperationView.as_view(), name="operation"),
    path(f"{OPERATION}/retry", OperationRetryView.as_view(), name="operation-retry"),
    path(f"{OPERATION}/give-up", OperationSurrenderView.as_view(), name="operation-give-up"),
    path("explain", ExplainView.as_view(), name="explain"),
    path("reconcile", ReconcileView.as_view(), name="reconcile"),
    path("reconcile/plan", ReconcilePlanView.as_view(), name="reconcile-plan"),
    path("reconcile/apply", ReconcileApplicationView.as_view(), name="reconcile-apply"),
]
