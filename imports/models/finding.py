"""What validation says of a file."""

from django.db import models

from imports.models.import_run import ImportRun


class Finding(models.Model):
    """One message about one place in the file, with the remedy."""

    class Severity(models.TextChoices):
        """An error refuses the file, a warning does not, a note counts something."""

        ERROR = "error"
        WARNING = "warning"
        NOTE = "note"

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="findings")
    severity = models.CharField(max_length=10, choices=Severity.choices)
    code = models.CharField(max_length=60)
    path = models.CharField(max_length=500)
    found = models.CharField(max_length=1000, blank=True)
    expected = models.CharField(max_length=1000, blank=True)
    remedy = models.CharField(max_length=1000, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        """Show code and place."""
        return f"{self.code} at {self.path}"
