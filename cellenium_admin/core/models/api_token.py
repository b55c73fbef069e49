"""API tokens of our own, stored as hashes."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models

from cellenium_admin.core.models.user import User


class TokenScope(models.TextChoices):
    """What a token may be used for; its owner's rights bound it further."""

    READ = "read", "read studies, jobs and, for curators, the trail"
    COMPUTE = "compute", "ask for differential expression and correlation, cancel jobs"
    UPLOAD = "upload", "take credentials for one's own prefix, upload files"
    MANAGE = "manage", "ask for access, change grants, principals and locations; approve; apply"


class ApiToken(models.Model):
    """A bearer token: the database keeps SHA-256 of its secret, never the secret."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="api_tokens")
    name = models.CharField(max_length=100)
    key = models.CharField(max_length=16, unique=True, editable=False)
    secret_sha256 = models.BinaryField(max_length=32, editable=False)
    scopes = ArrayField(models.CharField(max_length=20, choices=TokenScope.choices))
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API token"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(scopes__contained_by=list(TokenScope.values)),
                name="api_token_known_scopes",
            ),
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")),
                name="api_token_expires_after_creation",
            ),
        ]

    def __str__(self) -> str:
        """Show whose it is and what for."""
        return f"{self.name} of {self.user}"
