"""A user's program: boto3 and the official Access Grants plugin, configured by the environment alone.

Reads calls of the S3 client from standard input, one JSON list [operation, parameters] a line, and writes what came of
each, so that it is one process with one cache, as a user's would be.
"""

import json
import sys

import boto3
from aws_s3_access_grants_boto3_plugin.s3_access_grants_plugin import S3AccessGrantsPlugin
from botocore.exceptions import ClientError

s3 = boto3.client("s3")
S3AccessGrantsPlugin(s3, fallback_enabled=False).register()
for line in sys.stdin:
    operation, parameters = json.loads(line)
    try:
        answer = getattr(s3, operation)(**parameters) or {}
    except ClientError as error:
        outcome = {"error": error.response["Error"]["Code"], "operation": error.operation_name}
    else:
        if "Body" in answer:
            answer["Body"] = answer["Body"].read().decode()
        outcome = {"answer": answer}
    print(json.dumps(outcome, default=str), flush=True)
