"""An uploader with nothing but boto3: the only part of the demo that touches the bucket."""

from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

CONFIG = Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"mode": "standard"})


def make_bucket(name: str) -> bool:
    """Create the bucket unless it is there; say whether it was made."""
    client = boto3.client("s3", config=CONFIG)
    if name in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
        return False
    client.create_bucket(Bucket=name)
    return True


def put_file(bucket: str, key: str, path: Path) -> bool:
    """Upload the file unless one of the same size is there already; say whether it was uploaded."""
    client = boto3.client("s3", config=CONFIG)
    try:
        if client.head_object(Bucket=bucket, Key=key)["ContentLength"] == path.stat().st_size:
            return False
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"404", "NoSuchKey"}:
            raise
    client.upload_file(str(path), bucket, key)
    return True
