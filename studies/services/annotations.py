"""What is said of the cells of a study."""

from django.db.models import QuerySet

from studies.models import AnnotationGroup, StudyVersion


def annotation_groups(version: StudyVersion) -> QuerySet[AnnotationGroup]:
    """Select the ways the cells of a version are labelled, in the file's order, each with its values."""
    return version.annotation_groups.order_by("position").prefetch_related("values")
