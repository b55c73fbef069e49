"""What each code of AWS's means for whoever called.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#S3AccessGrantsErrorCodeList
"""

from typing import Any

import pytest
from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from botocore.retries.standard import ThrottledRetryableChecker, TransientRetryableChecker

from grants.aws import errors
from grants.aws.errors import (
    AwsError,
    AwsExistsError,
    AwsInvalidError,
    AwsNotFoundError,
    AwsNotSettledError,
    AwsQuotaError,
    AwsRefusedError,
    AwsThrottledError,
    AwsUnknownOutcomeError,
    translate,
)
from grants.sandbox.access_grants.refusals import CODES as SANDBOX_CODES

# Every code of AWS's list for Access Grants, with its status there.
ACCESS_GRANTS: dict[str, tuple[int, type[AwsError]]] = {
    "AccessDenied": (403, AwsRefusedError),
    "StsNotAuthorizedError": (403, AwsRefusedError),
    "AccessGrantAlreadyExists": (409, AwsExistsError),
    "AccessGrantsInstanceAlreadyExists": (409, AwsExistsError),
    "AccessGrantsLocationAlreadyExistsError": (409, AwsExistsError),
    "AccessGrantsLocationsQuotaExceededError": (409, AwsQuotaError),
    "AccessGrantsQuotaExceededError": (409, AwsQuotaError),
    "AccessGrantsInstanceNotExistsError": (404, AwsNotFoundError),
    "AccessGrantsInstanceResourcePolicyNotExists": (404, AwsNotFoundError),
    "NoSuchAccessGrantError": (404, AwsNotFoundError),
    "NoSuchAccessGrantsLocationError": (404, AwsNotFoundError),
    "AccessGrantsInstanceNotEmptyError": (400, AwsNotSettledError),
    "AccessGrantsLocationNotEmptyError": (400, AwsNotSettledError),
    "InvalidIamRole": (400, AwsNotSettledError),
    "InvalidAccessGrant": (400, AwsInvalidError),
    "InvalidAccessGrantsLocation": (400, AwsInvalidError),
    "InvalidIdentityCenterInstance": (400, AwsInvalidError),
    "InvalidResourcePolicy": (400, AwsInvalidError),
    "InvalidTag": (400, AwsInvalidError),
    "InvalidTags": (400, AwsInvalidError),
    "TooManyTags": (400, AwsInvalidError),
    "StsPackedPolicyTooLargeError": (400, AwsInvalidError),
    "StsValidationError": (400, AwsInvalidError),
    "InvalidRequest": (400, AwsInvalidError),
}
# IAM's common and own errors, STS's, and those of S3 for buckets.
# Source: https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
OTHERS: dict[str, tuple[int, type[AwsError]]] = {
    "EntityAlreadyExists": (409, AwsExistsError),
    "BucketAlreadyOwnedByYou": (409, AwsExistsError),
    "NoSuchEntity": (404, AwsNotFoundError),
    "NoSuchBucket": (404, AwsNotFoundError),
    "NoSuchBucketPolicy": (404, AwsNotFoundError),
    "LimitExceeded": (409, AwsQuotaError),
    "DeleteConflict": (409, AwsNotSettledError),
    "ConcurrentModification": (409, AwsNotSettledError),
    "EntityTemporarilyUnmodifiable": (409, AwsNotSettledError),
    "BucketNotEmpty": (409, AwsInvalidError),
    "MalformedPolicyDocument": (400, AwsInvalidError),
    "ValidationError": (400, AwsInvalidError),
    "UnmodifiableEntity": (400, AwsInvalidError),
    "ServiceFailure": (500, AwsUnknownOutcomeError),
    "InternalFailure": (500, AwsUnknownOutcomeError),
    "InternalError": (500, AwsUnknownOutcomeError),
    "ServiceUnavailable": (503, AwsUnknownOutcomeError),
    "RequestTimeout": (400, AwsUnknownOutcomeError),
    "RequestTimeoutException": (408, AwsUnknownOutcomeError),
    "NotImplemented": (501, AwsInvalidError),
    "UnknownOperationException": (404, AwsInvalidError),
    "Throttling": (400, AwsThrottledError),
    "SlowDown": (503, AwsThrottledError),
    "ExpiredToken": (400, AwsRefusedError),
    "ExpiredTokenException": (403, AwsRefusedError),
    "InvalidClientTokenId": (403, AwsRefusedError),
    "InvalidAccessKeyId": (403, AwsRefusedError),
    "SignatureDoesNotMatch": (403, AwsRefusedError),
    "IncompleteSignature": (400, AwsRefusedError),
    "NotAuthorized": (400, AwsRefusedError),
    "OptInRequired": (403, AwsRefusedError),
    "RequestExpired": (400, AwsRefusedError),
    "RequestTimeTooSkewed": (403, AwsRefusedError),
}


def said(code: str, status: int, message: str = "said", request_id: str = "R1") -> ClientError:
    meta = {"HTTPStatusCode": status, **({"RequestId": request_id} if request_id else {})}
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": meta}
    return ClientError(answer, "Operation")


@pytest.mark.parametrize(("code", "status", "kind"), [(c, *rest) for c, rest in (ACCESS_GRANTS | OTHERS).items()])
def test_each_code_has_its_meaning(code: str, status: int, kind: type[AwsError]) -> None:
    found = translate("CreateAccessGrant", said(code, status))
    assert type(found) is kind
    assert (found.operation, found.code, found.status) == ("CreateAccessGrant", code, status)
    assert found.request_id == "R1"
    assert code in str(found)


def test_no_code_of_access_grants_is_left_out() -> None:
    assert set(SANDBOX_CODES) - {"ValidationError", "InternalError"} <= set(ACCESS_GRANTS | OTHERS)


@pytest.mark.parametrize("code", ThrottledRetryableChecker._THROTTLED_ERROR_CODES)
def test_whatever_botocore_takes_for_throttling_is_throttling(code: str) -> None:
    assert type(translate("X", said(code, 400))) is AwsThrottledError


@pytest.mark.parametrize("code", TransientRetryableChecker._TRANSIENT_ERROR_CODES)
def test_whatever_botocore_takes_for_passing_is_tried_again(code: str) -> None:
    assert isinstance(translate("X", said(code, 400)), AwsUnknownOutcomeError | AwsThrottledError)


def test_no_code_means_two_things() -> None:
    codes = [code for among, _ in errors._TABLE for code in among]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("InvalidRequest", "Invalid Grantee in the request"),
        ("MalformedPolicyDocument", 'Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:user/uploader"'),
        ("MalformedPolicy", "Invalid principal in policy"),
    ],
)
def test_a_principal_made_a_moment_ago_is_waited_for(code: str, message: str) -> None:
    assert type(translate("CreateAccessGrant", said(code, 400, message))) is AwsNotSettledError


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, AwsInvalidError),
        (401, AwsRefusedError),
        (403, AwsRefusedError),
        (404, AwsInvalidError),
        (409, AwsInvalidError),
        (429, AwsThrottledError),
        (500, AwsUnknownOutcomeError),
        (502, AwsUnknownOutcomeError),
        (504, AwsUnknownOutcomeError),
    ],
)
def test_an_unknown_code_is_judged_by_its_status(status: int, kind: type[AwsError]) -> None:
    assert type(translate("X", said("Novelty", status))) is kind


@pytest.mark.parametrize("code", ["NoSuchEntity", "NoSuchAccessGrantError", "AccessGrantAlreadyExists"])
def test_that_a_thing_is_there_or_gone_is_believed_of_aws_alone(code: str) -> None:
    found = translate("GetUser", said(code, 404, request_id=""))
    assert type(found) is AwsUnknownOutcomeError
    assert "no request id" in found.message


@pytest.mark.parametrize(
    ("error", "kind", "told"),
    [
        (exceptions.NoCredentialsError(), AwsRefusedError, "AWS_PROFILE"),
        (exceptions.PartialCredentialsError(provider="env", cred_var="x"), AwsRefusedError, "AWS_PROFILE"),
        (exceptions.TokenRetrievalError(provider="sso", error_msg="over"), AwsRefusedError, "AWS_PROFILE"),
        (exceptions.UnauthorizedSSOTokenError(), AwsRefusedError, "AWS_PROFILE"),
        (exceptions.ProfileNotFound(profile="lab"), AwsRefusedError, "AWS_PROFILE"),
        (exceptions.ConfigParseError(path="/x", error=ValueError()), AwsRefusedError, "~/.aws/config"),
        (exceptions.NoRegionError(), AwsRefusedError, "AWS_REGION"),
        (exceptions.ParamValidationError(report="Missing UserName"), AwsInvalidError, "Missing UserName"),
        (exceptions.ReadTimeoutError(endpoint_url="https://x"), AwsUnknownOutcomeError, "ReadTimeoutError"),
        (exceptions.ConnectTimeoutError(endpoint_url="https://x"), AwsUnknownOutcomeError, "ConnectTimeoutError"),
        (exceptions.ConnectionClosedError(endpoint_url="https://x"), AwsUnknownOutcomeError, "ConnectionClosedError"),
        (
            exceptions.EndpointConnectionError(endpoint_url="https://x", error="refused"),
            AwsUnknownOutcomeError,
            "EndpointConnectionError",
        ),
    ],
)
def test_errors_of_botocores_own(error: BotoCoreError, kind: type[AwsError], told: str) -> None:
    found = translate("X", error)
    assert type(found) is kind
    assert told in found.message


@pytest.mark.parametrize(
    "error",
    [
        # IAM and STS say what they have seen when a signature is wrong.
        said("SignatureDoesNotMatch", 403, "The Canonical String should have been 'POST x-amz-security-token:canary'"),
        said("Novelty", 403, "X-Amz-Security-Token=canary is over"),
        exceptions.CredentialRetrievalError(provider="process", error_msg="canary"),
        exceptions.HTTPClientError(error="canary"),
        ResponseParserError("invalid XML received: b'<SecretAccessKey>canary</SecretAccessKey'"),
    ],
)
def test_no_secret_gets_through(error: Exception) -> None:
    found = translate("CreateAccessKey", error)
    assert "canary" not in f"{found!r} {found} {found.message} {found.args}"
