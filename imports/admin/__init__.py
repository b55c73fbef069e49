"""Admin pages of the importer."""

from imports.admin.import_run import ImportRunAdmin

__all__ = ["ImportRunAdmin"]
