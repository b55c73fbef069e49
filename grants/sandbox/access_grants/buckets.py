"""Whether a bucket exists, asked of the server that has it."""

from http import HTTPStatus

from botocore.exceptions import BotoCoreError, ClientError

from grants.sandbox.errors import AwsError
from grants.sandbox.world import World


def exists(world: World, bucket: str) -> bool:
    """Tell whether a bucket exists; raises ServiceUnavailable when the server cannot say."""
    try:
        world.seaweed.client().head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.NOT_FOUND:
            return False
        raise _unavailable() from error
    except BotoCoreError as error:
        raise _unavailable() from error
    return True


def _unavailable() -> AwsError:
    message = "The sandbox's SeaweedFS does not answer. Wait a moment and try again, then see sandbox.log."
    return AwsError("ServiceUnavailable", message, HTTPStatus.SERVICE_UNAVAILABLE)
