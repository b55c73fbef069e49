"""Admin pages of the importer."""

from imports.admin.import_run import ImportRunAdmin
from imports.admin.upload import UploadAdmin

__all__ = ["ImportRunAdmin", "UploadAdmin"]
