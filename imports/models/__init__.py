"""Rows of the importer."""

from imports.models.finding import Finding
from imports.models.import_run import ImportRun
from imports.models.upload import Upload

__all__ = ["Finding", "ImportRun", "Upload"]
