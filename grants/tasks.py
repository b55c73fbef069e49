"""What beat starts: the outbox, the clock, the comparison with AWS."""

from django.conf import settings

from cellenium_admin.core.tasks import periodic_task
from grants.aws.factory import connect
from grants.services import operation_queue, reconcile, schedule


@periodic_task(name="grants.run_operations", soft=300, hard=360)
def run_operations() -> None:
    """Tell AWS what nobody has told it yet; without anything to tell, AWS is not even asked who we are."""
    if operation_queue.is_due():
        operation_queue.drain(aws=connect())


@periodic_task(name="grants.tick", soft=300, hard=360)
def tick() -> None:
    """Let grants expire, requests lapse and cuts be lifted."""
    schedule.tick()


@periodic_task(name="grants.reconcile", soft=1500, hard=1800)
def reconcile_by_schedule() -> None:
    """Compare all of AWS with all of the database; repair by the setting only."""
    if settings.RECONCILE_SECONDS:
        reconcile.scheduled(aws=connect())
