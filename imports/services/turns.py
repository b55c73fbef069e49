"""One import of a study at a time: whoever comes second waits, and is called when the first has ended.

It waits and is not given up: a newer file may turn out to be broken, and the older one counts then. Nothing but rows
and leases tells whose turn it is, so a worker that died keeps nobody waiting longer than its lease.
"""

from django.db.models import Q, QuerySet

from cellenium_admin.core.exceptions import JobPostponedError
from cellenium_admin.core.models import Job
from cellenium_admin.core.services import jobs
from imports.models import ImportRun, Upload
from imports.querysets import ImportRunQuerySet
from studies.models import Study


def locked_uploads(run: ImportRun) -> list[Upload]:
    """Lock all revisions of a run's file, oldest first, so that of its imports one decides after another."""
    found = Upload.objects.select_for_update(of=("self",)).filter(uri=run.upload.uri)
    return list(found.order_by("modified_at", "found_at"))


def check(run: ImportRun) -> None:
    """See that nobody else imports into the run's study, inside the transaction that begins the attempt.

    The caller has locked the uploads. Raises JobPostponedError.
    """
    # Two files may be meant for one study: then it is the study's row that lets one decide after the other.
    list(_studies(run).order_by("pk").select_for_update(of=("self",)))
    busy = _rivals(run).held_now().first()
    if busy is not None:
        raise JobPostponedError(f"Import {busy.pk} of the same study is under way.")


def pass_on(run: ImportRun) -> None:
    """Call whoever waits for the end of this run."""
    waiting = _rivals(run).filter(state__in=ImportRun.UNFINISHED, job__state=Job.State.QUEUED)
    for rival in waiting.select_related("job").order_by("created_at"):
        jobs.hasten(job=rival.job)


def _studies(run: ImportRun) -> QuerySet[Study]:
    return Study.objects.filter(Q(source_uri=run.upload.uri) | Q(pk=run.target_id))


def _rivals(run: ImportRun) -> ImportRunQuerySet:
    """Select the other runs that make versions of the same study."""
    uris = {run.upload.uri, *_studies(run).values_list("source_uri", flat=True)}
    others = ImportRun.objects.exclude(pk=run.pk)
    return others.filter(Q(upload__uri__in=uris) | Q(target__source_uri__in=uris))
