"""Taking away the parts of a stack for uploads: our entries among those of others, and the queues with our tag."""

from collections.abc import Iterator

from grants.aws.gateway import Aws, Receipt
from grants.services import ownership, stack_rules
from grants.services.stack_desired import Stack
from grants.services.stack_steps import Call, Step
from grants.services.stack_upload_steps import CORS, LIFECYCLE, NOTIFICATION, without_cors
from grants.services.stack_uploads import Queue


def steps(aws: Aws, stack: Stack) -> Iterator[Step]:
    """Look at what is ours, in the order of removal: first the bucket stops telling the queue."""
    yield _notification(aws, stack)
    yield _queue(aws, stack.uploads.events)
    yield _queue(aws, stack.uploads.dead_letters)
    yield _lifecycle(aws, stack)
    yield _cors(aws, stack)


def _notification(aws: Aws, stack: Stack) -> Step:
    name, rule_id = stack.bucket, stack.uploads.notification["Id"]

    def make() -> Receipt:
        rest = stack_rules.not_notifying(aws.buckets.notification(name), rule_id)
        # Destinations of others may be broken; that must not keep ours there.
        return aws.buckets.put_notification(name, rest, checked=False)

    entries = aws.buckets.notification(name).get(stack_rules.QUEUES, ())
    there = stack_rules.find(entries, rule_id, key="Id") is not None
    call = Call("s3 PutBucketNotificationConfiguration", name, make, {"without": rule_id})
    return _step(NOTIFICATION, name, call, there=there)


def _queue(aws: Aws, wanted: Queue) -> Step:
    found = aws.queues.queue(wanted.name)
    if found is None:
        return Step(wanted.part, wanted.name, "gone")
    if not ownership.is_ours(aws.queues.tags(found.url)):
        return Step(wanted.part, wanted.name, "foreign", "it was not made here and is left alone")
    url = found.url
    return _step(wanted.part, wanted.name, Call("sqs DeleteQueue", wanted.name, lambda: aws.queues.delete(url)))


def _lifecycle(aws: Aws, stack: Stack) -> Step:
    name, rule_id = stack.bucket, stack.uploads.lifecycle["ID"]

    def make() -> Receipt:
        now = aws.buckets.lifecycle(name)
        return aws.buckets.put_lifecycle(name, {**now, "Rules": stack_rules.without(now["Rules"], rule_id)})

    there = stack_rules.find(aws.buckets.lifecycle(name)["Rules"], rule_id) is not None
    call = Call("s3 PutBucketLifecycleConfiguration", name, make, {"without": rule_id})
    return _step(LIFECYCLE, name, call, there=there)


def _cors(aws: Aws, stack: Stack) -> Step:
    there = stack_rules.find(aws.buckets.cors(stack.bucket), stack.uploads.cors_id) is not None
    return _step(CORS, stack.bucket, without_cors(aws, stack), there=there)


def _step(part: str, resource: str, call: Call, *, there: bool = True) -> Step:
    return Step(part, resource, "ours", calls=(call,)) if there else Step(part, resource, "gone")
