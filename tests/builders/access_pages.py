"""Everything grants have pages for, as rows: what lists show and actions begin with."""

import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from cellenium_admin.core.models import User
from grants.models import AccessKey, AccessRequest, Cut, Grant, Issuance, Location, Operation, Principal, ReconcileRun
from imports.models import ImportRun, Upload
from tests.builders import grants
from tests.builders.uploads import failed_run, upload


@dataclass
class AccessPages:
    location: Location
    principal: Principal
    key: AccessKey
    grant: Grant
    adopted: Grant
    foreign: Grant
    request: AccessRequest
    operation: Operation
    issuance: Issuance
    cut: Cut
    run: ReconcileRun
    upload: Upload
    import_run: ImportRun


def access_pages(requester: User) -> AccessPages:
    location, principal = grants.location(), grants.principal(user=requester)
    given = grants.grant(location=location, principal=principal)
    return AccessPages(
        location=location,
        principal=principal,
        key=grants.access_key(principal=principal),
        grant=given,
        adopted=grants.grant(location=location, principal=principal, origin="adopted"),
        foreign=grants.grant(location=location, principal=principal, origin="foreign"),
        request=grants.access_request(requester=requester, location=location, principal=principal),
        operation=operation(given),
        issuance=issuance(given, requester),
        cut=cut(given),
        run=ReconcileRun.objects.create(state="planned", requested_by="curator@example.org"),
        upload=upload(requester, uri="s3://bucket/input/held.h5ad", state="held"),
        import_run=failed_run(upload(requester)),
    )


def operation(subject: Grant, **fields: object) -> Operation:
    values: dict[str, object] = {
        "kind": "create_grant",
        "natural_key": f"grant:{subject.pk}",
        "subject_type": "grant",
        "subject_id": str(subject.pk),
        "subject_label": str(subject),
        "state": "failed",
        "error_code": "AccessDenied",
        "error_detail": "CreateAccessGrant: AccessDenied",
        "finished_at": timezone.now(),
        "actor_type": "user",
        "actor_id": "1",
        "actor_label": "curator@example.org",
    }
    return Operation.objects.create(**(values | fields))


def issuance(given: Grant, user: User, **fields: object) -> Issuance:
    values: dict[str, object] = {
        "method": "data_access",
        "state": "issued",
        "user": user,
        "principal": given.principal,
        "grant": given,
        "role_arn": given.location.role_arn,
        "scope": given.scope,
        "permission": given.permission,
        "duration_seconds": 3600,
        "expires_at": timezone.now() + timedelta(minutes=50),
        "access_key_id": f"ASIA{uuid.uuid4().hex[:16].upper()}",
        "aws_user_id": f"AROAEXAMPLE:{uuid.uuid4().hex}",
    }
    return Issuance.objects.create(**(values | fields))


def cut(given: Grant) -> Cut:
    return Cut.objects.create(
        state="active",
        role_arn=given.location.role_arn,
        user_ids=["AROAEXAMPLE:session"],
        expires_at=timezone.now() + timedelta(hours=1),
        grant=given,
        reason="left the project",
    )
