"""Uploads as the API shows them, and what requests about them may say."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from cellenium_admin.core.api.serializers import (
    StrictCharField,
    StrictIntegerField,
    StrictSerializer,
    StrictUUIDField,
)
from imports.models import Finding, ImportRun, Upload

LARGEST = 2**63 - 1


class FindingSerializer(serializers.ModelSerializer[Finding]):
    """One thing validation found, with its remedy."""

    class Meta:
        model = Finding
        fields = ["severity", "code", "path", "found", "expected", "remedy"]
        read_only_fields = fields


class ImportedStudySerializer(serializers.Serializer[Any]):
    """The study a file became."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class ImportRunSerializer(serializers.ModelSerializer[ImportRun]):
    """The newest import of a file."""

    job = serializers.UUIDField(source="job_id")
    study = ImportedStudySerializer(allow_null=True)

    class Meta:
        model = ImportRun
        fields = ["id", "state", "job", "study", "created_at", "finished_at"]
        read_only_fields = fields


class ImportReportSerializer(ImportRunSerializer):
    """The newest import with what it found."""

    findings = FindingSerializer(many=True)

    class Meta(ImportRunSerializer.Meta):
        fields = [*ImportRunSerializer.Meta.fields, "findings"]
        read_only_fields = fields


class ImportDetailSerializer(ImportReportSerializer):
    """One import of a file with what it found."""

    upload = serializers.UUIDField(source="upload_id")

    class Meta(ImportReportSerializer.Meta):
        fields = [*ImportReportSerializer.Meta.fields, "upload"]
        read_only_fields = fields


class OwnerSerializer(serializers.Serializer[Any]):
    """Whose it is."""

    id = serializers.UUIDField()
    label = serializers.CharField()  # type: ignore[assignment]


class UploadSerializer(serializers.ModelSerializer[Upload]):
    """A file on its way or there; `reason` says why it is held, left alone or ended."""

    owner = OwnerSerializer(allow_null=True)
    created_at = serializers.DateTimeField(source="found_at")
    part_count = serializers.IntegerField()
    reason = serializers.CharField(source="note")
    filename = serializers.SerializerMethodField()
    run = serializers.SerializerMethodField()

    class Meta:
        model = Upload
        fields = [
            "id",
            "state",
            "source",
            "filename",
            "uri",
            "size",
            "part_size",
            "part_count",
            "owner",
            "created_at",
            "modified_at",
            "reason",
            "run",
        ]
        read_only_fields = fields

    def get_filename(self, upload: Upload) -> str:
        """Give what it was called by whoever sent it, or the last part of its key."""
        return upload.filename or upload.uri.rpartition("/")[2]

    @extend_schema_field(ImportRunSerializer(allow_null=True))
    def get_run(self, upload: Upload) -> Any:
        """Give the newest import."""
        run = newest_run(upload)
        return None if run is None else ImportRunSerializer(run).data


class PartSerializer(serializers.Serializer[Any]):
    """A part S3 has."""

    number = serializers.IntegerField()
    size = serializers.IntegerField()
    etag = serializers.CharField()
    checksum_sha256 = serializers.CharField(source="checksum")


class UploadDetailSerializer(UploadSerializer):
    """An upload with the parts that have arrived and, once it was imported, what was found."""

    parts = serializers.SerializerMethodField()

    class Meta(UploadSerializer.Meta):
        fields = [*UploadSerializer.Meta.fields, "parts"]
        read_only_fields = fields

    @extend_schema_field(PartSerializer(many=True))
    def get_parts(self, upload: Upload) -> Any:
        """Give what S3 has by now; empty once the file is whole."""
        return PartSerializer(self.context.get("parts", []), many=True).data

    @extend_schema_field(ImportReportSerializer(allow_null=True))
    def get_run(self, upload: Upload) -> Any:
        """Give the newest import with its findings."""
        run = newest_run(upload)
        return None if run is None else ImportReportSerializer(run).data


class NewUpload(StrictSerializer):
    """A file to send."""

    filename = StrictCharField(max_length=1024, help_text="What it is called; ends in .h5ad.")
    size = StrictIntegerField(min_value=1, max_value=LARGEST, help_text="Bytes.")


class PartWish(StrictSerializer):
    """A part to send."""

    number = StrictIntegerField(min_value=1, max_value=10_000)
    checksum_sha256 = StrictCharField(max_length=44, help_text="SHA-256 of the part, in base64.")


class PartsWish(StrictSerializer):
    """Parts to send, in any order."""

    parts = PartWish(many=True, min_length=1, max_length=100)  # type: ignore[call-arg]


class SignedPartSerializer(serializers.Serializer[Any]):
    """Where and how to send a part: exactly these bytes, with these headers."""

    number = serializers.IntegerField()
    method = serializers.CharField()
    url = serializers.CharField()
    headers = serializers.DictField(child=serializers.CharField())


class SignedPartsSerializer(serializers.Serializer[Any]):
    """Addresses, and until when they are good."""

    expires_at = serializers.DateTimeField()
    parts = SignedPartSerializer(many=True)


class RemovalOrder(StrictSerializer):
    """Why a file is to be removed."""

    reason = StrictCharField(max_length=1000, help_text="For the trail.")


class FileToCheck(StrictSerializer):
    """A file of the store, named by one of the two."""

    upload_id = StrictUUIDField(required=False, help_text="An upload of one's own.")
    uri = StrictCharField(
        required=False, max_length=2048, help_text="Its address, as uploads show it: under one's own prefix."
    )


class RetryOrder(StrictSerializer):
    """Why a file is to be imported again."""

    reason = StrictCharField(required=False, allow_blank=True, max_length=1000, help_text="For the trail.")


class UsageSerializer(serializers.Serializer[Any]):
    """What counts against one's quota."""

    bytes = serializers.IntegerField()
    files = serializers.IntegerField()
    max_bytes = serializers.IntegerField()
    max_files = serializers.IntegerField()


def newest_run(upload: Upload) -> ImportRun | None:
    """Give the newest import of a file, out of what was fetched along."""
    runs = sorted(upload.runs.all(), key=lambda run: (run.created_at, run.pk))
    return runs[-1] if runs else None
