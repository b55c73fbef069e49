"""Locations: the prefixes S3 Access Grants knows, for curators."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from cellenium_admin.core.api import etags, idempotency
from cellenium_admin.core.api.permissions import IsCurator
from cellenium_admin.core.models import Action, TokenScope
from grants.api import outside
from grants.api.base import CHANGE, CREATE, READ, AccessListView, AccessView, made, shown
from grants.api.bodies import LocationChange, NewLocation, ReasonBody
from grants.api.filters import LocationFilter
from grants.api.serializers import LocationSerializer
from grants.models import Location
from grants.services import locations, rows


class LocationListView(AccessListView):
    """All locations, and new ones."""

    permission_classes = [IsCurator]
    required_scopes = {"GET": TokenScope.READ, "POST": TokenScope.MANAGE}
    attempts = {"POST": Action.LOCATION_REGISTERED}
    subject = "location"
    queryset = Location.objects.all()
    serializer_class = LocationSerializer
    filterset_class = LocationFilter

    def get_queryset(self) -> Any:
        """Select what the caller may see."""
        return Location.objects.visible_to(self.user)

    @extend_schema(operation_id="locations_list", summary="Locations")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the locations, newest first, with those made outside of this service."""
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="locations_create",
        summary="Register a location",
        parameters=CREATE,
        request={"application/json": NewLocation},
        responses={201: LocationSerializer},
    )
    def post(self, request: Request) -> HttpResponse:
        """Register a prefix with S3 Access Grants, served by a role; `active` once AWS has confirmed it."""
        asked = self.read_body(NewLocation)
        creation = idempotency.Creation(
            make=lambda: locations.register(actor=self.actor, **asked)[0],
            find=lambda pk: rows.visible(Location, user=self.user, pk=pk),
            carry_out=outside.carry_out_about,
            answer=lambda row: made(LocationSerializer, self.read(row.pk), route="location"),
        )
        return idempotency.create(request, creation)

    def read(self, pk: UUID) -> Location:
        """Give a location as it is by now."""
        return rows.visible(Location, user=self.user, pk=pk)


class LocationView(AccessView):
    """One location."""

    permission_classes = [IsCurator]
    required_scopes = {"GET": TokenScope.READ, "PATCH": TokenScope.MANAGE}
    attempts = {"PATCH": Action.LOCATION_ROLE_CHANGED}
    subject = "location"

    @extend_schema(operation_id="locations_read", summary="One location", parameters=READ, responses=LocationSerializer)
    def get(self, request: Request, location_id: UUID) -> Response:
        """Describe a location."""
        return shown(LocationSerializer, rows.visible(Location, user=self.user, pk=location_id))

    @extend_schema(
        operation_id="locations_change",
        summary="Give a location another role",
        parameters=CHANGE,
        request={"application/json": LocationChange},
        responses=LocationSerializer,
    )
    def patch(self, request: Request, location_id: UUID) -> Response:
        """Let another IAM role serve a location that was made here."""
        asked = self.read_body(LocationChange)
        location = rows.visible(Location, user=self.user, pk=location_id)
        version = etags.expected_version(request, location)
        location, operation = locations.change_role(
            location=location, actor=self.actor, expected_version=version, **asked
        )
        outside.carry_out([operation.pk])
        return shown(LocationSerializer, rows.visible(Location, user=self.user, pk=location_id))


class LocationRemovalView(AccessView):
    """The end of a location."""

    permission_classes = [IsCurator]
    required_scopes = {"POST": TokenScope.MANAGE}
    attempts = {"POST": Action.LOCATION_REMOVED}
    subject = "location"

    @extend_schema(
        operation_id="locations_remove",
        summary="Remove a location",
        parameters=CHANGE,
        request={"application/json": ReasonBody},
        responses=LocationSerializer,
    )
    def post(self, request: Request, location_id: UUID) -> Response:
        """Take a location away that was made here and on which no grant is left; the bucket and its data stay."""
        asked = self.read_body(ReasonBody)
        location = rows.visible(Location, user=self.user, pk=location_id)
        version = etags.expected_version(request, location)
        location, operation = locations.remove(location=location, actor=self.actor, expected_version=version, **asked)
        outside.carry_out([operation.pk])
        return shown(LocationSerializer, rows.visible(Location, user=self.user, pk=location_id))
