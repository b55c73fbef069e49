"""Writes docs/aws-setup.md: words of aws_setup_words.md around the documents that `access up --print` writes.

The example is made by the same code with settings of its own, so that the page does not depend on who writes it.
"""

import json
import re
from pathlib import Path
from typing import Any

from django.test.utils import override_settings

from grants.services import ownership, stack_print
from grants.services.stack_desired import Stack, in_account

WORDS = Path(__file__).with_name("aws_setup_words.md")
ACCOUNT, REGION, BUCKET = "111122223333", "eu-central-1", "example-cellenium"
SERVICE_ROLE, ORIGIN = "cellenium-admin-server", "https://cellenium.example.org"
SERVICE_ARN = f"arn:aws:iam::{ACCOUNT}:role/{SERVICE_ROLE}"
LOG_BUCKET, LOG_PREFIX = "example-cellenium-logs", "s3/"
EXAMPLE = {
    "DEPLOYMENT": "cellenium-admin",
    "H5AD_STORE": f"s3://{BUCKET}",
    "SCAN_PREFIX": "input/",
    "SERVICE_ARN": SERVICE_ARN,
    "ALLOWED_ORIGIN": ORIGIN,
    "UPLOADER_GROUP": "cellenium-admin-uploaders",
    "BUCKET_KMS_KEY": "",
    "BUCKET_LOG_TARGET": f"s3://{LOG_BUCKET}/{LOG_PREFIX}",
    "CREDENTIALS_MAY_DELETE": False,
    "UPLOAD_STALE_HOURS": 72,
    "EVENT_QUEUE_URL": "",
}
_PLACE = re.compile(r"^\{([a-z0-9-]+\.json)(?::(\w+))?\}$", flags=re.MULTILINE)


def render() -> str:
    """Give the page. Raises KeyError for a document or a name the words ask for and the code does not have."""
    with override_settings(**EXAMPLE):
        stack = in_account(ACCOUNT, REGION, bucket=BUCKET, caller_arn=SERVICE_ARN)
        documents, names = stack_print.documents(stack), _names(stack)

    def shown(match: re.Match[str]) -> str:
        document: Any = documents[match[1]]
        return _block(json.loads(document[match[2]]) if match[2] else document)

    text = re.sub(r"\{([a-z_]+)\}", lambda match: names[match[1]], WORDS.read_text(encoding="utf-8"))
    return _PLACE.sub(shown, text)


def unused() -> set[str]:
    """Name the documents that the page does not show."""
    with override_settings(**EXAMPLE):
        stack = in_account(ACCOUNT, REGION, bucket=BUCKET, caller_arn=SERVICE_ARN)
        documents = stack_print.documents(stack)
    return set(documents) - {match[1] for match in _PLACE.finditer(WORDS.read_text(encoding="utf-8"))}


def _names(stack: Stack) -> dict[str, str]:
    return {
        "account": ACCOUNT,
        "region": REGION,
        "bucket": BUCKET,
        "origin": ORIGIN,
        "service_role": SERVICE_ROLE,
        "service_arn": SERVICE_ARN,
        "service_policy_name": stack.service_policy_name,
        "service_policy_arn": f"arn:aws:iam::{ACCOUNT}:policy/{stack.service_policy_name}",
        "importer_role": stack.role("importer role").name,
        "location_role": stack.role("location role").name,
        "upload_role": stack.role("upload-only role").name,
        "group": stack.group,
        "queue": stack.uploads.events.name,
        "dead": stack.uploads.dead_letters.name,
        "prefix": stack.prefix,
        "path": ownership.PATH,
        "closed": stack_print.CLOSED,
        "log_bucket": LOG_BUCKET,
        "log_prefix": LOG_PREFIX,
    }


def _block(document: Any) -> str:
    return f"```json\n{json.dumps(document, indent=2)}\n```"
