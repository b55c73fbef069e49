"""An uploader with nothing but boto3 and their own keys: the only part of the demo that writes into the bucket."""

from pathlib import Path
from typing import Any


def put_file(s3: Any, bucket: str, key: str, path: Path) -> bool:
    """Upload the file unless one of the same size is there already; say whether it was uploaded."""
    # Listed and not asked for by name: whoever may not list all of the bucket is told 403 of what is missing.
    there = s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", ())
    if any(found["Key"] == key and found["Size"] == path.stat().st_size for found in there):
        return False
    s3.upload_file(str(path), bucket, key)
    return True
