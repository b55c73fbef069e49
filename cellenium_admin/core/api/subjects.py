"""What jobs are about, as far as the API must know: apps above register their kinds, the kernel imports none."""

from collections.abc import Callable
from dataclasses import dataclass

from cellenium_admin.core.models import Job, User


@dataclass(frozen=True, slots=True)
class Subject:
    """One kind of thing a job works on: who may see it, and where its result is."""

    is_visible: Callable[[str, User], bool]
    result_url: Callable[[Job], str]


_subjects: dict[str, Subject] = {}


def register(subject_type: str, subject: Subject) -> None:
    """Tell the API about a kind of subject; called once, where an app's routes are made."""
    _subjects[subject_type] = subject


def is_visible(job: Job, user: User) -> bool:
    """Tell whether the user may follow a job because of what it works on: a question two users put is one job."""
    subject = _subjects.get(job.subject_type)
    return subject is not None and subject.is_visible(job.subject_id, user)


def result_url(job: Job) -> str | None:
    """Give the address of what the job made, once it has."""
    subject = _subjects.get(job.subject_type)
    return subject.result_url(job) if subject and job.state == Job.State.SUCCEEDED else None
