"""Idempotency keys, and the scope of tokens that may change who has access."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0003_audit_checkpoint")]

    operations = [
        migrations.RemoveConstraint(model_name="apitoken", name="api_token_known_scopes"),
        migrations.AlterField(
            model_name="apitoken",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("read", "read studies, jobs and, for curators, the trail"),
                        ("compute", "ask for differential expression and correlation, cancel jobs"),
                        ("manage", "ask for access, change grants, principals and locations; approve; apply"),
                    ],
                    max_length=20,
                ),
                size=None,
            ),
        ),
        migrations.AddConstraint(
            model_name="apitoken",
            constraint=models.CheckConstraint(
                condition=models.Q(("scopes__contained_by", ["read", "compute", "manage"])),
                name="api_token_known_scopes",
            ),
        ),
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("route", models.CharField(max_length=200)),
                ("key", models.CharField(max_length=255)),
                ("fingerprint", models.BinaryField(max_length=32)),
                (
                    "state",
                    models.CharField(
                        choices=[("running", "Running"), ("answered", "Answered"), ("delivered", "Delivered")],
                        default="running",
                        max_length=10,
                    ),
                ),
                ("lease_token", models.BigIntegerField(default=1)),
                ("lease_until", models.DateTimeField(editable=False)),
                ("subject_id", models.CharField(blank=True, max_length=100)),
                ("status", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("headers", models.JSONField(default=dict)),
                ("body", models.TextField(blank=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("expires_at", models.DateTimeField(editable=False)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="idempotency_keys",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["expires_at"], name="idempotency_key_expiry")],
                "constraints": [
                    models.UniqueConstraint(fields=("user", "route", "key"), name="idempotency_key_one_per_route"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "answered"), ("status__isnull", False)),
                            models.Q(models.Q(("state", "answered"), _negated=True), ("status__isnull", True)),
                            _connector="OR",
                        ),
                        name="idempotency_key_answered_has_status",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state", "answered"), ("body", ""), _connector="OR"),
                        name="idempotency_key_keeps_no_secret",
                    ),
                ],
            },
        ),
    ]
