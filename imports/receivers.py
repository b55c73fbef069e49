"""What the importer wants to know of; loaded when the `imports` app is ready."""

from cellenium_admin.core.services import jobs
from imports.services import imports, uploads

jobs.on_job_end(uploads.IMPORT_JOB, imports.end_with_job)
