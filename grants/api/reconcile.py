"""Reconcile over HTTP: what differs between AWS and the database, the plan that would mend it, and its application."""

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cellenium_admin.core.api import idempotency
from cellenium_admin.core.api.permissions import IsAdministrator, IsCurator
from cellenium_admin.core.api.schema import response_header
from cellenium_admin.core.api.serializers import EmptySerializer, StrictCharField, StrictSerializer
from cellenium_admin.core.models import Action, TokenScope
from grants.api import outside
from grants.api.base import AccessListView, AccessView
from grants.models import ReconcileRun
from grants.services import reconcile, rows

MOST_ENTRIES = 1000
SUMMARY = (
    *("id", "state", "started_at", "finished_at", "requested_by", "seen", "counts", "plan_hash", "obstacles"),
    *("error_detail", "applied_at", "applied_by"),
)


class ReconcileRunSerializer(serializers.ModelSerializer[ReconcileRun]):
    """One comparison: how much AWS listed, how many differences of each kind, and what speaks against applying."""

    seen = serializers.DictField()
    counts = serializers.DictField(child=serializers.IntegerField())
    obstacles = serializers.ListField(child=serializers.CharField())
    entries = serializers.SerializerMethodField(help_text="How many differences the plan has.")

    class Meta:
        model = ReconcileRun
        fields = [*SUMMARY, "entries"]
        read_only_fields = fields

    def get_entries(self, run: ReconcileRun) -> int:
        """Count the differences."""
        return sum(run.counts.values())


class RepairSerializer(serializers.Serializer[Any]):
    """What would mend a difference: the operation, and the exact calls."""

    kind = serializers.CharField()
    args = serializers.DictField()
    calls = serializers.ListField(child=serializers.CharField())


class PlanEntrySerializer(serializers.Serializer[Any]):
    """One difference; `repair` is null where a person has to decide, `waits` says that it needs a second sighting."""

    kind = serializers.CharField()
    subject_type = serializers.CharField()
    subject_id = serializers.CharField()
    subject = serializers.CharField()
    found = serializers.CharField()
    expected = serializers.CharField()
    remedy = serializers.CharField()
    destructive = serializers.BooleanField()
    waits = serializers.BooleanField()
    repair = RepairSerializer(allow_null=True)


class PlanSerializer(serializers.Serializer[Any]):
    """A part of a plan; `plan_hash` is what to apply it by. `run_id` is null before the first comparison."""

    run_id = serializers.UUIDField(allow_null=True)
    plan_hash = serializers.CharField()
    obstacles = serializers.ListField(child=serializers.CharField())
    total = serializers.IntegerField()
    results = PlanEntrySerializer(many=True)


class PlanQuery(StrictSerializer):
    """Which part of a plan."""

    offset = serializers.IntegerField(min_value=0, max_value=10_000_000, default=0)
    limit = serializers.IntegerField(min_value=1, max_value=MOST_ENTRIES, default=MOST_ENTRIES)


class Application(StrictSerializer):
    """The plan to apply, by its hash."""

    plan_hash = StrictCharField(min_length=64, max_length=64, help_text="SHA-256 of the plan, as it was shown.")


class ReconcileView(AccessListView):
    """Comparisons."""

    permission_classes = [IsCurator]
    required_scopes = {"GET": TokenScope.READ}
    queryset = ReconcileRun.objects.all()
    serializer_class = ReconcileRunSerializer
    cursor_ordering = ("-started_at", "-id")

    def get_queryset(self) -> Any:
        """Select what the caller may see, without the plans, which may be long."""
        return ReconcileRun.objects.visible_to(self.user).defer("plan")

    @extend_schema(operation_id="reconcile_list", summary="Comparisons of AWS with the database")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Tell when AWS and the database were compared and how much differed, the latest first."""
        return super().get(request, *args, **kwargs)


class ReconcilePlanView(AccessView):
    """The latest plan, and a new one."""

    permission_classes = [IsCurator]
    required_scopes = {"GET": TokenScope.READ, "POST": TokenScope.MANAGE}
    attempts = {"POST": Action.RECONCILE_PLANNED}
    subject = "reconcilerun"
    query_serializer_class = PlanQuery

    @extend_schema(operation_id="reconcile_plan_read", summary="The latest plan", responses=PlanSerializer)
    def get(self, request: Request) -> Response:
        """Give what differed at the latest comparison that ended, each with the calls that would mend it."""
        asked = self.read_query()
        ended = [ReconcileRun.State.PLANNED, ReconcileRun.State.APPLIED]
        run = ReconcileRun.objects.visible_to(self.user).filter(state__in=ended).first() or ReconcileRun(pk=None)
        part = run.plan[asked["offset"] : asked["offset"] + asked["limit"]]
        about = {"run_id": run.pk, "plan_hash": run.plan_hash, "obstacles": run.obstacles}
        return Response(PlanSerializer({**about, "total": len(run.plan), "results": part}).data)

    @extend_schema(
        operation_id="reconcile_plan",
        summary="Compare AWS with the database",
        parameters=[*idempotency.PARAMETERS, response_header("Location", "The plan.", 201)],
        request={"application/json": EmptySerializer},
        responses={201: ReconcileRunSerializer},
    )
    def post(self, request: Request) -> HttpResponse:
        """Read all of AWS, write down what differs, and plan its repair. Nothing is changed in AWS.

        With very many grants this outlasts a request: then the command or the schedule does it.
        """
        self.read_body(EmptySerializer)
        creation = idempotency.Creation(
            make=self._plan,
            find=lambda pk: rows.visible(ReconcileRun, user=self.user, pk=pk),
            carry_out=lambda _: None,
            answer=_planned,
            in_transaction=False,
        )
        return idempotency.create(request, creation)

    def _plan(self) -> ReconcileRun:
        with outside.speaking_to_aws() as aws:
            return reconcile.plan(aws=aws, actor=self.actor)


class ReconcileApplicationView(AccessView):
    """The repair."""

    permission_classes = [IsAdministrator]
    required_scopes = {"POST": TokenScope.MANAGE}
    attempts = {"POST": Action.RECONCILE_APPLIED}
    subject = "reconcilerun"

    @extend_schema(
        operation_id="reconcile_apply",
        summary="Apply a plan",
        request={"application/json": Application},
        responses=ReconcileRunSerializer,
    )
    def post(self, request: Request) -> Response:
        """Compare again, and carry the plan out if it is still the one with this hash; for administrators.

        Refused with `plan_changed` when it is another one by now, and with `plan_blocked` when something speaks
        against it: a listing that looks wrong, or more removals than the setting allows.
        """
        asked = self.read_body(Application)
        with outside.speaking_to_aws() as aws:
            run = reconcile.apply(expected_hash=asked["plan_hash"], aws=aws, actor=self.actor)
        return Response(ReconcileRunSerializer(run).data)


def _planned(run: ReconcileRun) -> Response:
    headers = {"Location": reverse("api:reconcile-plan")}
    return Response(ReconcileRunSerializer(run).data, status=201, headers=headers)
