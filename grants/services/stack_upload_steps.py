"""What is there of the parts for uploads: the bucket's rules for browsers and unfinished uploads, queues, notification.

What others have set on the bucket stays: each rule is merged into what is there at the moment of the call.
"""

import json
from collections.abc import Callable, Iterator, Mapping

from django.conf import settings

from grants.aws.gateway import Aws, ObservedQueue, Receipt
from grants.services import ownership, stack_rules
from grants.services.stack_desired import Stack
from grants.services.stack_steps import Call, Step
from grants.services.stack_uploads import Queue

CORS, LIFECYCLE, NOTIFICATION = "browser uploads", "unfinished uploads", "notification"
_DOCUMENTS = {"Policy", "RedrivePolicy"}


def steps(aws: Aws, stack: Stack) -> Iterator[Step]:
    """Look at each part, in the order in which they are made: S3 wants a queue that takes its messages."""
    yield _cors(aws, stack)
    yield _lifecycle(aws, stack)
    yield _queue(aws, stack.uploads.dead_letters)
    yield _queue(aws, stack.uploads.events)
    yield _notification(aws, stack)


def _cors(aws: Aws, stack: Stack) -> Step:
    name, ours, rule_id = stack.bucket, stack.uploads.cors, stack.uploads.cors_id
    rules = aws.buckets.cors(name)
    if ours is None:
        if stack_rules.find(rules, rule_id) is None:
            return Step(CORS, name, "ok", "off: CELLENIUM_ALLOWED_ORIGIN names no origin")
        return Step(CORS, name, "changed", "CELLENIUM_ALLOWED_ORIGIN names no origin", (without_cors(aws, stack),))

    def make() -> Receipt:
        return aws.buckets.put_cors(name, stack_rules.with_ours(aws.buckets.cors(name), ours))

    call = Call("s3 PutBucketCors", name, make, {"rule": ours})
    # Behind a rule of others that fits as well, ours would not count.
    return _rule_step(CORS, name, rules[0] if rules else None, ours, call, there=stack_rules.find(rules, rule_id))


def _lifecycle(aws: Aws, stack: Stack) -> Step:
    name, ours = stack.bucket, stack.uploads.lifecycle
    found = stack_rules.find(aws.buckets.lifecycle(name)["Rules"], ours["ID"])

    def make() -> Receipt:
        now = aws.buckets.lifecycle(name)
        return aws.buckets.put_lifecycle(name, {**now, "Rules": stack_rules.with_ours(now["Rules"], ours)})

    call = Call("s3 PutBucketLifecycleConfiguration", name, make, {"rule": ours})
    return _rule_step(LIFECYCLE, name, found, ours, call, there=found)


def _queue(aws: Aws, wanted: Queue) -> Step:
    found = aws.queues.queue(wanted.name)
    if found is None:
        tags = ownership.tags("stack")
        make = _bound(aws.queues.create, wanted.name, wanted.attributes, tags)
        call = Call("sqs CreateQueue", wanted.name, make, {"attributes": dict(wanted.attributes)})
        return Step(wanted.part, wanted.name, "missing", calls=(call,))
    if not ownership.is_ours(aws.queues.tags(found.url)):
        why = "There is a queue of this name without our tag; it is left alone."
        return Step(wanted.part, wanted.name, "foreign", why)
    different = _different(wanted, found)
    if not different:
        return Step(wanted.part, wanted.name, "ok", _hint(wanted, found))
    call = Call("sqs SetQueueAttributes", wanted.name, _bound(aws.queues.change, found.url, different), different)
    return Step(wanted.part, wanted.name, "changed", calls=(call,))


def _notification(aws: Aws, stack: Stack) -> Step:
    name, ours = stack.bucket, stack.uploads.notification
    document = aws.buckets.notification(name)
    found = stack_rules.find(document.get(stack_rules.QUEUES, ()), ours["Id"], key="Id")

    def make() -> Receipt:
        return aws.buckets.put_notification(name, stack_rules.notifying(aws.buckets.notification(name), ours))

    call = Call("s3 PutBucketNotificationConfiguration", name, make, {"entry": ours})
    step = _rule_step(NOTIFICATION, name, found, ours, call, there=found)
    if step.calls and (others := stack_rules.in_the_way(document, ours)):
        why = f"S3 tells one destination of an object, and this bucket has {', '.join(others)}: change that one first."
        return Step(NOTIFICATION, name, "foreign", why)
    return step


def without_cors(aws: Aws, stack: Stack) -> Call:
    """Give the call that takes our CORS rule away."""
    name, rule_id = stack.bucket, stack.uploads.cors_id

    def make() -> Receipt:
        return aws.buckets.put_cors(name, stack_rules.without(aws.buckets.cors(name), rule_id))

    return Call("s3 PutBucketCors", name, make, {"without": rule_id})


def _rule_step(part: str, name: str, found: object, ours: object, call: Call, *, there: object) -> Step:
    if found is not None and stack_rules.same(found, ours):
        return Step(part, name, "ok")
    return Step(part, name, "changed" if there else "missing", calls=(call,))


def _different(wanted: Queue, found: ObservedQueue) -> dict[str, str]:
    return {
        key: value
        for key, value in wanted.attributes.items()
        if not stack_rules.same(_read(key, found.attributes.get(key, "")), _read(key, value))
    }


def _read(key: str, value: str) -> object:
    """Read an attribute; SQS writes the number in the redrive policy as it got it, as text or as number."""
    if key not in _DOCUMENTS or not value:
        return value
    document: Mapping[str, object] = json.loads(value)
    return {**document, "maxReceiveCount": str(document.get("maxReceiveCount"))} if key == "RedrivePolicy" else document


def _hint(wanted: Queue, found: ObservedQueue) -> str:
    """Tell the address the service needs, as long as it reads another queue, or none."""
    if wanted.part != "event queue" or found.url == settings.EVENT_QUEUE_URL:
        return ""
    return f"set CELLENIUM_EVENT_QUEUE_URL={found.url}"


def _bound(call: Callable[..., Receipt], *values: object) -> Callable[[], Receipt]:
    return lambda: call(*values)
