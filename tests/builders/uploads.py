"""Uploads, credentials and tokens of one person, as the routes of the API name them: rows only."""

import uuid
from datetime import timedelta
from typing import Any

from django.utils import timezone

from cellenium_admin.core.models import ApiToken, Job, User
from grants.models import Issuance
from imports.models import ImportRun, Upload


def upload(owner: User | None, **fields: Any) -> Upload:
    """Make a file that was put into the store."""
    fields.setdefault("uri", f"file:///store/input/{uuid.uuid4()}.h5ad")
    fields.setdefault("revision", uuid.uuid4().hex)
    fields.setdefault("modified_at", timezone.now())
    fields.setdefault("size", 3)
    return Upload.objects.create(owner=owner, **fields)


def sent(owner: User, **fields: Any) -> Upload:
    """Make a file that is being sent part by part."""
    fields.setdefault("state", Upload.State.UPLOADING)
    fields.setdefault("source", Upload.Source.BROWSER)
    fields.setdefault("filename", "a.h5ad")
    fields.setdefault("multipart_id", uuid.uuid4().hex)
    fields.setdefault("part_size", 8 * 1024**2)
    fields.setdefault("size", 9 * 1024**2)
    fields.setdefault("uri", f"s3://bucket/input/{uuid.uuid4()}.h5ad")
    return Upload.objects.create(owner=owner, revision="", modified_at=None, **fields)


def failed_run(upload: Upload) -> ImportRun:
    """Make an import of a file that failed."""
    now = timezone.now()
    job = Job.objects.create(name="imports.run_import", owner=upload.owner, state=Job.State.FAILED, finished_at=now)
    return ImportRun.objects.create(upload=upload, job=job, state=ImportRun.State.FAILED, finished_at=now)


def issuance(user: User, **fields: Any) -> Issuance:
    """Make credentials that were handed out for the person's prefix and live."""
    defaults = {
        "method": Issuance.Method.ASSUME_ROLE,
        "purpose": Issuance.Purpose.UPLOAD,
        "state": Issuance.State.ISSUED,
        "role_arn": "arn:aws:iam::123456789012:role/importer",
        "scope": f"s3://bucket/input/{user.email}/*",
        "permission": "READWRITE",
        "duration_seconds": 3600,
        "expires_at": timezone.now() + timedelta(hours=1),
        "access_key_id": f"ASIA{uuid.uuid4().hex[:16].upper()}",
        "aws_user_id": f"AROA{uuid.uuid4().hex[:17].upper()}:{uuid.uuid4().hex}",
    }
    return Issuance.objects.create(user=user, **{**defaults, **fields})


def upload_world(owner: User) -> dict[str, Any]:
    """Make one of each for a person; gives what routes name, by the name they give it."""
    token = ApiToken.objects.create(
        user=owner,
        name="theirs",
        key=uuid.uuid4().hex[:16],
        secret_sha256=b"0" * 32,
        scopes=["read"],
        expires_at=timezone.now() + timedelta(days=1),
    )
    file = upload(owner)
    run = failed_run(file)
    return {"upload_id": file.pk, "run_id": run.pk, "issuance_id": issuance(owner).pk, "token_key": token.key}
