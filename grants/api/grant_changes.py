"""What is done to grants: extended, reviewed, replaced, revoked, and the sessions under them cut."""

from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from cellenium_admin.core.api import etags, idempotency
from cellenium_admin.core.api.permissions import IsAdministrator, IsCurator
from cellenium_admin.core.exceptions import ConflictError
from cellenium_admin.core.models import Action, TokenScope
from grants.api import outside
from grants.api.base import CHANGE, CREATE, AccessView, made, shown
from grants.api.bodies import CutOrder, Extension, ReasonBody, Replacement
from grants.api.grants import visible
from grants.api.serializers import CutSerializer, CutsSerializer, GrantSerializer, RevokedGrantSerializer
from grants.models import Grant, Operation
from grants.services import adoption, cuts, grants, rows, sessions


class GrantExtensionView(AccessView):
    """Another end."""

    permission_classes = [IsCurator]
    required_scopes = {"POST": TokenScope.MANAGE}
    attempts = {"POST": Action.GRANT_EXTENDED}
    subject = "grant"

    @extend_schema(
        operation_id="grants_extend",
        summary="Change when a grant ends",
        parameters=CHANGE,
        request={"application/json": Extension},
        responses=GrantSerializer,
    )
    def post(self, request: Request, grant_id: UUID) -> Response:
        """Let a grant that was made here end later, or sooner. AWS knows no expiry and is not told."""
        asked = self.read_body(Extension)
        grant = visible(grant_id, self.user)
        version = etags.expected_version(request, grant)
        grants.extend(grant=grant, actor=self.actor, expected_version=version, **asked)
        return shown(GrantSerializer, visible(grant_id, self.user))


class GrantAdoptionView(AccessView):
    """Somebody else's grant, taken over."""

    permission_classes = [IsCurator]
    required_scopes = {"POST": TokenScope.MANAGE}
    attempts = {"POST": Action.GRANT_ADOPTED}
    subject = "grant"

    @extend_schema(
        operation_id="grants_adopt",
        summary="Adopt a foreign grant",
        parameters=CHANGE,
        request={"application/json": ReasonBody},
        responses=GrantSerializer,
    )
    def post(self, request: Request, grant_id: UUID) -> Response:
        """Take over a grant that was made outside of this service, with its location and principal. AWS is not told.

        From then on it is reviewed, and can be revoked or replaced.
        """
        asked = self.read_body(ReasonBody)
        grant = visible(grant_id, self.user)
        version = etags.expected_version(request, grant)
        with transaction.atomic():
            locked = rows.locked(grant, expected_version=version)
            if not adoption.adopt(grants=[locked], actor=self.actor, **asked)["grants"]:
                raise ConflictError("Only foreign grants that exist are adopted.")
        return shown(GrantSerializer, visible(grant_id, self.user))


class GrantReviewView(AccessView):
    """Another review date."""

    permission_classes = [IsCurator]
    required_scopes = {"POST": TokenScope.MANAGE}
    attempts = {"POST": Action.GRANT_REVIEWED}
    subject = "grant"

    @extend_schema(
        operation_id="grants_review",
        summary="Keep an adopted grant",
        parameters=CHANGE,
        request={"application/json": ReasonBody},
        responses=GrantSerializer,
    )
    def post(self, request: Request, grant_id: UUID) -> Response:
        """Keep a grant from before this service until its next review. AWS is not told."""
        asked = self.read_body(ReasonBody)
        grant = visible(grant_id, self.user)
        version = etags.expected_version(request, grant)
        grants.review(grant=grant, actor=self.actor, expected_version=version, **asked)
        return shown(GrantSerializer, visible(grant_id, self.user))


class GrantReplacementView(AccessView):
    """A grant of ours in the place of an adopted one."""

    permission_classes = [IsCurator]
    required_scopes = {"POST": TokenScope.MANAGE}
    attempts = {"POST": Action.GRANT_CREATED}
    subject = "grant"

    @extend_schema(
        operation_id="grants_replace",
        summary="Replace an adopted grant",
        parameters=[etags.IF_MATCH, *CREATE],
        request={"application/json": Replacement},
        responses={201: GrantSerializer},
    )
    def post(self, request: Request, grant_id: UUID) -> HttpResponse:
        """Take a grant from before this service away, and give one of ours that ends. For a moment there is neither."""
        asked = self.read_body(Replacement)

        def make() -> Grant:
            grant = visible(grant_id, self.user)
            version = etags.expected_version(request, grant)
            return grants.replace(
                grant=grant, actor=self.actor, created_by=self.user, expected_version=version, **asked
            )[0]

        creation = idempotency.Creation(
            make=make,
            find=lambda pk: visible(pk, self.user),
            carry_out=_carry_out_replacement,
            answer=lambda row: made(GrantSerializer, visible(row.pk, self.user), route="grant"),
        )
        return idempotency.create(request, creation)


class GrantRevocationView(AccessView):
    """The end of a grant."""

    permission_classes = [IsCurator]
    required_scopes = {"POST": TokenScope.MANAGE}
    attempts = {"POST": Action.GRANT_REVOKED}
    subject = "grant"

    @extend_schema(
        operation_id="grants_revoke",
        summary="Revoke a grant",
        parameters=CHANGE,
        request={"application/json": ReasonBody},
        responses=RevokedGrantSerializer,
    )
    def post(self, request: Request, grant_id: UUID) -> Response:
        """Take a grant away. From now on nothing is handed out under it.

        Credentials handed out before work until they expire, for up to 12 hours: those known here are named, and
        `/grants/{grant_id}/cut` ends them now.
        """
        asked = self.read_body(ReasonBody)
        grant = visible(grant_id, self.user)
        version = etags.expected_version(request, grant)
        _, operation = grants.revoke(grant=grant, actor=self.actor, expected_version=version, **asked)
        outside.carry_out([operation.pk])
        revoked = visible(grant_id, self.user)
        live = sessions.live(grant=revoked).select_related("user").order_by("-created_at")
        revoked.live_sessions = list(live[: sessions.MOST_NAMED])  # type: ignore[attr-defined]
        return shown(RevokedGrantSerializer, revoked)


class GrantCutView(AccessView):
    """The end of sessions."""

    permission_classes = [IsAdministrator]
    required_scopes = {"POST": TokenScope.MANAGE}
    attempts = {"POST": Action.SESSIONS_CUT}
    subject = "grant"

    @extend_schema(
        operation_id="grants_cut",
        summary="Cut the sessions under a grant",
        parameters=[etags.IF_MATCH],
        request={"application/json": CutOrder},
        responses=CutsSerializer,
    )
    def post(self, request: Request, grant_id: UUID) -> Response:
        """Deny everything to credentials that were handed out under a grant; for administrators.

        A Deny is put on the location's role, and taken away once no session it means can be alive. Revoke the grant
        first: else whoever was cut asks for new credentials.
        """
        asked = self.read_body(CutOrder)
        grant = visible(grant_id, self.user)
        etags.expected_version(request, grant)
        found = cuts.cut_of_grant(grant=grant, actor=self.actor, **asked)
        outside.carry_out([operation.pk for _, operation in found])
        for cut, _ in found:
            cut.refresh_from_db()
        return Response({"cuts": CutSerializer([cut for cut, _ in found], many=True).data})


def _carry_out_replacement(grant: Grant) -> None:
    """Take the old one away before the new one comes: AWS takes no second grant of the same key."""
    both = Operation.objects.unfinished().filter(
        subject_type="grant", subject_id__in=[str(grant.replaces_id), str(grant.pk)]
    )
    outside.carry_out(both.order_by("number").values_list("pk", flat=True))
