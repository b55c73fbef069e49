"""The Celery application of workers and beat: `celery --app cellenium_admin worker`."""

import ctypes
import os
import signal
import sys
from typing import Any

from celery import Celery
from celery.signals import worker_init, worker_process_init

from cellenium_admin.settings import settings_module

os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())
# The checks load every URL and admin page, which no worker serves; deployments run `cellenium-admin check` instead.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

app = Celery("cellenium_admin")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["cellenium_admin.core", "grants", "studies", "imports"])

_PR_SET_PDEATHSIG = 1
_main_process: list[int] = []


@worker_init.connect
def remember_main_process(**_: Any) -> None:
    """Note who the children's parent will be."""
    _main_process[:] = [os.getpid()]


@worker_process_init.connect
def end_with_main_process(**_: Any) -> None:
    """Let the kernel end this child when the worker's main process is killed: an orphan would compute for nobody."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if _main_process and os.getppid() not in _main_process:  # it died before the call above
        os._exit(1)
