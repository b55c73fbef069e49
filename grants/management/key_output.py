"""A new access key on standard output, the only place where its secret ever is."""

from argparse import ArgumentParser

from grants.aws.secret import Secret
from grants.management.tables import as_json
from grants.models import AccessKey

FORMATS = ("env", "profile", "json")


def add_argument(parser: ArgumentParser) -> None:
    """Declare `--key-format`."""
    parser.add_argument(
        "--key-format", choices=FORMATS, default="env", help="env: shell exports; profile: for ~/.aws/credentials"
    )


def written(key: AccessKey, secret: Secret, form: str, *, region: str) -> str:
    """Write the key in one of the formats."""
    if form == "json":
        return as_json({"AccessKeyId": key.access_key_id, "SecretAccessKey": secret.reveal()})
    if form == "profile":
        return (
            f"[{key.principal.name}]\naws_access_key_id = {key.access_key_id}\n"
            f"aws_secret_access_key = {secret.reveal()}\nregion = {region}"
        )
    return (
        f"export AWS_ACCESS_KEY_ID={key.access_key_id}\nexport AWS_SECRET_ACCESS_KEY={secret.reveal()}\n"
        f"export AWS_REGION={region}"
    )
