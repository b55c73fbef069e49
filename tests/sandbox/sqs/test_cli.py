"""The AWS CLI, by environment variables alone: a queue hears of an upload in parts, and what is refused is refused."""

import json
from pathlib import Path

import pytest

from grants.sandbox import seeds
from grants.sandbox.embedded import EmbeddedSandbox
from tests.support.clients import Terminal
from tests.support.sandbox import Aws, allow

pytestmark = pytest.mark.slow
SQS = "aws sqs --endpoint-url $AWS_ENDPOINT_URL"  # version 1 of the CLI has addresses of its own for SQS
QUEUE = "arn:aws:sqs:eu-central-1:123456789012:hears"


@pytest.fixture
def terminal(sandbox: EmbeddedSandbox, tmp_path: Path) -> Terminal:
    return Terminal(tmp_path, sandbox.environment())


def test_a_queue_hears_of_an_upload_in_parts(aws: Aws, terminal: Terminal) -> None:
    bucket = aws.make_bucket()
    here = {"ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"}}
    policy = allow("sqs:SendMessage", QUEUE, Principal={"Service": "s3.amazonaws.com"}, Condition=here)
    (terminal.home / "attributes.json").write_text(json.dumps({"Policy": json.dumps(policy)}))
    url = terminal.told(f"{SQS} create-queue --queue-name hears --attributes file://attributes.json")["QueueUrl"]
    told = {"QueueConfigurations": [{"QueueArn": QUEUE, "Events": ["s3:ObjectCreated:*"]}]}
    (terminal.home / "told.json").write_text(json.dumps(told))
    putting = f"aws s3api put-bucket-notification-configuration --bucket {bucket}"
    terminal.good(f"{putting} --notification-configuration file://told.json")
    (terminal.home / "cells.h5ad").write_bytes(b"cells" * 4_000_000)
    terminal.good(f"aws s3 cp cells.h5ad s3://{bucket}/input/my+cells.h5ad --checksum-algorithm SHA256")
    receive = f"{SQS} receive-message --queue-url {url} --max-number-of-messages 10 --wait-time-seconds 5"
    bodies = [json.loads(message["Body"]) for message in terminal.told(receive)["Messages"]]
    assert bodies[0]["Event"] == "s3:TestEvent"
    (record,) = bodies[1]["Records"]
    assert record["eventName"] == "ObjectCreated:CompleteMultipartUpload"
    assert record["s3"]["object"]["key"] == "input/my%2Bcells.h5ad"
    assert record["s3"]["object"]["size"] == 20_000_000
    head = f"aws s3api head-object --bucket {bucket} --key input/my+cells.h5ad --checksum-mode ENABLED"
    assert terminal.told(head)["ChecksumSHA256"].endswith("-3")


def test_what_nobody_allowed_is_refused(aws: Aws, terminal: Terminal) -> None:
    bucket = aws.make_bucket()
    url = aws("sqs").create_queue(QueueName=aws.name("closed"))["QueueUrl"]
    stranger = terminal.with_(aws.make_user())
    assert "AccessDenied" in stranger.refused(f"{SQS} receive-message --queue-url {url}")
    assert "AccessDenied" in stranger.refused(f"aws s3api list-multipart-uploads --bucket {bucket}")
    assert "NonExistentQueue" in terminal.refused(f"{SQS} get-queue-url --queue-name there-is-none")
    assert "NoSuchCORSConfiguration" in terminal.refused(f"aws s3api get-bucket-cors --bucket {bucket}")


def test_the_seed_tells_of_an_upload(aws: Aws, terminal: Terminal) -> None:
    seeds.apply("events", variables=aws.sandbox.environment(), directory=aws.sandbox.directory)
    uploader = aws.sandbox.users[seeds.UPLOADER]
    keys = {"AccessKeyId": uploader["access_key_id"], "SecretAccessKey": uploader["secret_access_key"]}
    (terminal.home / "x.h5ad").write_text("cells")
    terminal.with_(keys).good(f"aws s3 cp x.h5ad s3://{seeds.BUCKET}/{seeds.UPLOAD_PREFIX}x.h5ad")
    url = terminal.told(f"{SQS} get-queue-url --queue-name {seeds.EVENT_QUEUE}")["QueueUrl"]
    receive = f"{SQS} receive-message --queue-url {url} --max-number-of-messages 10"
    keys_told = [
        record["s3"]["object"]["key"]
        for message in terminal.told(receive)["Messages"]
        for record in json.loads(message["Body"]).get("Records", [])
    ]
    assert "input/uploader%40example.org/x.h5ad" in keys_told
