"""The sandbox as a child process: what clients are told, what lies on disk, and its end."""

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from botocore.exceptions import ClientError

from cellenium_admin.embedded import EmbeddedServerError
from grants.sandbox import seeds
from grants.sandbox.embedded import EmbeddedSandbox
from grants.sandbox.environment import client_environment, written
from tests.support.sandbox import Aws, allow, refusal

ROOT = Path(__file__).resolve().parents[2]
PARENT = """
import sys, time
from pathlib import Path
from grants.sandbox.embedded import EmbeddedSandbox
sandbox = EmbeddedSandbox(Path(sys.argv[1]))
sandbox.start()
print("ready", flush=True)
time.sleep(600)
"""


def test_its_variables_lead_unchanged_clients_to_it(sandbox: EmbeddedSandbox) -> None:
    variables = sandbox.environment()
    assert {variables[name] for name in ("AWS_ENDPOINT_URL", "HTTP_PROXY", "http_proxy")} == {sandbox.endpoint_url}
    assert variables["AWS_ENDPOINT_URL_S3_CONTROL"] == "http://s3-control.sandbox.internal"
    assert "127.0.0.1" in variables["NO_PROXY"].split(",")
    assert "AWS_SESSION_TOKEN" not in variables


def test_credentials_are_taken_as_aws_answers_them_and_as_files_keep_them() -> None:
    answered = {"AccessKeyId": "ASIAX", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": object()}
    kept = {"access_key_id": "ASIAX", "secret_access_key": "s", "session_token": "t"}
    first, second = (
        client_environment("http://127.0.0.1:1", region="eu-central-1", credentials=found)  # type: ignore[arg-type]
        for found in (answered, kept)
    )
    assert first == second
    assert first["AWS_SESSION_TOKEN"] == "t"


def test_a_shell_reads_what_was_written_and_forgets_an_older_session() -> None:
    text = written({"AWS_SECRET_ACCESS_KEY": "it's $HOME `x`"})
    shell = ["sh", "-c", f'{text}\nprintf "%s|%s" "$AWS_SECRET_ACCESS_KEY" "$AWS_SESSION_TOKEN"']
    done = subprocess.run(shell, env={"AWS_SESSION_TOKEN": "old"}, capture_output=True, text=True, check=True)
    assert done.stdout == "it's $HOME `x`|"


def test_every_file_with_a_secret_is_for_its_owner_alone(sandbox: EmbeddedSandbox) -> None:
    assert stat.S_IMODE(sandbox.directory.stat().st_mode) == 0o700
    for name in ("sandbox.sqlite3", "root.json", "control.json", "env", "sandbox.log"):
        assert stat.S_IMODE((sandbox.directory / name).stat().st_mode) == 0o600, name


def test_it_listens_on_loopback_alone(sandbox: EmbeddedSandbox) -> None:
    front = psutil.Process(sandbox.pid)
    listening = {
        found.laddr.ip
        for process in (front, *front.children(recursive=True))
        for found in process.net_connections("inet")
        if found.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def test_the_helpers_make_what_they_say(aws: Aws) -> None:
    bucket = aws.make_bucket(versioned=True)
    aws("s3").put_object(Bucket=bucket, Key="input/a", Body=b"a")
    user = aws.make_user(allow("sts:AssumeRole"))
    role = aws.make_role(user["Arn"], allow("s3:GetObject", f"arn:aws:s3:::{bucket}/input/*"))
    session = aws("s3", aws.assume(role, user))
    assert session.get_object(Bucket=bucket, Key="input/a")["Body"].read() == b"a"
    assert refusal(session.put_object, Bucket=bucket, Key="input/a", Body=b"b") == "AccessDenied"
    assert refusal(aws("s3", user).get_object, Bucket=bucket, Key="input/a") == "AccessDenied"


def test_the_seed_gives_each_user_what_they_need_and_no_more(aws: Aws) -> None:
    seeds.apply("demo", variables=aws.sandbox.environment(), directory=aws.sandbox.directory)
    keys = aws.sandbox.users
    product, uploader, root = aws("s3", keys[seeds.PRODUCT]), aws("s3", keys[seeds.UPLOADER]), aws("s3")
    own = {"Bucket": seeds.BUCKET, "Key": f"{seeds.UPLOAD_PREFIX}x.h5ad"}
    foreign = {"Bucket": seeds.BUCKET, "Key": "input/neighbour@example.org/x.h5ad"}
    version = uploader.put_object(**own, Body=b"cells")["VersionId"]
    root.put_object(**foreign, Body=b"theirs")
    assert product.get_object(**own, VersionId=version)["Body"].read() == b"cells"
    assert product.get_bucket_versioning(Bucket=seeds.BUCKET)["Status"] == "Enabled"
    assert len(product.list_object_versions(Bucket=seeds.BUCKET)["Versions"]) >= 2
    assert uploader.list_objects_v2(Bucket=seeds.BUCKET, Prefix=seeds.UPLOAD_PREFIX)["KeyCount"] >= 1
    product.put_object(**own, Body=b"by the product")
    assert product.list_multipart_uploads(Bucket=seeds.BUCKET)["MaxUploads"] == 1000
    outside = {"Bucket": seeds.BUCKET, "Key": "elsewhere/x.h5ad"}
    for call, parameters in (
        (product.put_object, outside),
        (product.delete_object, outside),
        (product.list_buckets, {}),
        (uploader.get_object, foreign),
        (uploader.put_object, foreign),
        (uploader.delete_object, own),
        (uploader.list_objects_v2, {"Bucket": seeds.BUCKET}),
        (uploader.put_bucket_policy, {"Bucket": seeds.BUCKET, "Policy": "{}"}),
    ):
        assert refusal(call, **parameters) == "AccessDenied", (call, parameters)


def test_the_seeds_queue_hears_of_uploads_and_pages_may_put(aws: Aws) -> None:
    def apply() -> None:
        seeds.apply("events", variables=aws.sandbox.environment(), directory=aws.sandbox.directory)

    apply()
    root, sqs = aws("s3"), aws("sqs")
    url = sqs.get_queue_url(QueueName=seeds.EVENT_QUEUE)["QueueUrl"]
    sqs.purge_queue(QueueUrl=url)
    apply()
    for key in (f"{seeds.UPLOAD_PREFIX}x.h5ad", "elsewhere/x.h5ad"):
        root.put_object(Bucket=seeds.BUCKET, Key=key, Body=b"cells")
    product = aws("sqs", aws.sandbox.users[seeds.PRODUCT])
    (message,) = product.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    product.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    uploader = aws("sqs", aws.sandbox.users[seeds.UPLOADER])
    assert refusal(uploader.receive_message, QueueUrl=url) == "AccessDenied"
    (record,) = json.loads(message["Body"])["Records"]
    assert record["s3"]["object"]["key"] == "input/uploader%40example.org/x.h5ad"
    (rule,) = root.get_bucket_cors(Bucket=seeds.BUCKET)["CORSRules"]
    assert (rule["AllowedOrigins"], "PUT" in rule["AllowedMethods"]) == (list(seeds.ORIGINS), True)
    (aborting,) = root.get_bucket_lifecycle_configuration(Bucket=seeds.BUCKET)["Rules"]
    assert aborting["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}


def test_a_seed_applied_again_keeps_keys_and_replaces_lost_ones(aws: Aws) -> None:
    def again() -> dict[str, dict[str, str]]:
        seeds.apply("demo", variables=aws.sandbox.environment(), directory=aws.sandbox.directory)
        return aws.sandbox.users

    first = again()
    assert again() == first
    lost = first[seeds.UPLOADER]["access_key_id"]
    aws("iam").delete_access_key(UserName=seeds.UPLOADER, AccessKeyId=lost)
    second = again()
    assert second[seeds.UPLOADER]["access_key_id"] != lost
    assert second[seeds.PRODUCT] == first[seeds.PRODUCT]
    assert stat.S_IMODE((aws.sandbox.directory / "users.json").stat().st_mode) == 0o600


def test_an_address_is_known_after_the_start_only(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="call start"):
        _ = EmbeddedSandbox(tmp_path / "state").endpoint_url


@pytest.mark.slow
def test_a_seed_that_is_refused_leaves_nothing_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "CreateBucket")

    monkeypatch.setitem(seeds.SEEDS, "demo", refuse)  # type: ignore[misc]
    sandbox = EmbeddedSandbox(tmp_path / "state", seed="demo")
    with pytest.raises(EmbeddedServerError, match="seed demo was refused"):
        sandbox.start()
    assert not sandbox.alive


@pytest.mark.slow
def test_it_ends_with_its_parent_even_by_kill_9(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    parent = subprocess.Popen([sys.executable, "-c", PARENT, state], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        assert parent.stdout.readline() == "ready\n"
    children = psutil.Process(parent.pid).children(recursive=True)
    assert len(children) >= 2
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait(10)
    _, left = psutil.wait_procs(children, timeout=10)
    assert left == []


@pytest.mark.slow
def test_it_is_found_again_where_it_was(tmp_path: Path) -> None:
    first = EmbeddedSandbox(tmp_path / "state")
    first.start()
    try:
        address, root = first.endpoint_url, first.root
        name = Aws(first).make_bucket()
    finally:
        first.stop()
    assert not (first.directory / "control.json").exists()
    second = EmbeddedSandbox(tmp_path / "state")
    second.start()
    try:
        assert (second.endpoint_url, second.root) == (address, root)
        assert name in {bucket["Name"] for bucket in second.client("s3").list_buckets()["Buckets"]}
    finally:
        second.stop()
