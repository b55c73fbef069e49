"""What AWS says no with, by what the caller does about it."""

from botocore.exceptions import (
    ClientError,
    ConfigNotFound,
    ConfigParseError,
    InvalidConfigError,
    LoginError,
    NoAuthTokenError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
    UnknownCredentialError,
)

UNKNOWN = "unknown"


class AwsError(Exception):
    """A call that AWS did not carry out, or perhaps did; messages hold no secrets."""

    def __init__(self, operation: str, code: str, message: str = "", *, request_id: str = "", status: int = 0) -> None:
        """Keep which call, AWS's code and sentence, and its id of the request."""
        super().__init__(f"{operation}: {code}: {message}" if message else f"{operation}: {code}")
        self.operation, self.code, self.message = operation, code, message
        self.request_id, self.status = request_id, status


class AwsUnknownOutcomeError(AwsError):
    """There was no answer, or one of 5xx: AWS may have carried it out."""


class AwsThrottledError(AwsError):
    """AWS asks us to come back later."""


class AwsNotSettledError(AwsError):
    """Something done a moment ago is not seen everywhere yet; trying again within minutes helps."""


class AwsRefusedError(AwsError):
    """Our credentials may not do this, are over, or are missing: a person has to mend it."""


class AwsExistsError(AwsError):
    """There is one already."""


class AwsNotFoundError(AwsError):
    """There is none."""


class AwsQuotaError(AwsError):
    """The account has as many as AWS allows."""


class AwsInvalidError(AwsError):
    """AWS does not take the request as it is."""


_REFUSED = {
    "AccessDenied", "AccessDeniedException", "ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId",
    "InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException", "OptInRequired", "InvalidToken",
    "StsNotAuthorizedError", "AllAccessDisabled", "AccountProblem", "TokenRefreshRequired", "NotAuthorized",
    "IncompleteSignature", "InvalidSignatureException", "MissingAuthenticationToken", "RequestExpired",
    "RequestTimeTooSkewed", "InvalidSecurity", "NotSignedUp", "AuthorizationHeaderMalformed",
}  # fmt: skip
_THROTTLED = {
    "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException",
    "TooManyRequestsException", "RequestLimitExceeded", "BandwidthLimitExceeded", "SlowDown",
    "LimitExceededException", "PriorRequestNotComplete", "EC2ThrottledException",
    "ProvisionedThroughputExceededException", "TransactionInProgressException",
}  # fmt: skip
_NOT_SETTLED = {
    "InvalidIamRole", "AccessGrantsInstanceNotEmptyError", "AccessGrantsLocationNotEmptyError", "DeleteConflict",
    "ConcurrentModification", "OperationAborted", "EntityTemporarilyUnmodifiable",
    "AWS.SimpleQueueService.QueueDeletedRecently", "QueueDeletedRecently",
}  # fmt: skip
_EXISTS = {
    "QueueAlreadyExists", "QueueNameExists",
    "EntityAlreadyExists", "BucketAlreadyOwnedByYou", "BucketAlreadyExists", "AccessGrantAlreadyExists",
    "AccessGrantsInstanceAlreadyExists", "AccessGrantsLocationAlreadyExistsError",
}  # fmt: skip
_NOT_FOUND = {
    "NoSuchEntity", "NoSuchBucket", "NoSuchBucketPolicy", "NoSuchAccessGrantError",
    "NoSuchAccessGrantsLocationError", "AccessGrantsInstanceNotExistsError",
    "AccessGrantsInstanceResourcePolicyNotExists", "NoSuchTagSet", "NoSuchPublicAccessBlockConfiguration",
    "ServerSideEncryptionConfigurationNotFoundError", "NoSuchResource", "NotFoundException",
    "NoSuchCORSConfiguration", "NoSuchLifecycleConfiguration",
    "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist",
}  # fmt: skip
_QUOTA = {
    "LimitExceeded", "TooManyBuckets", "AccessGrantsQuotaExceededError",
    "AccessGrantsLocationsQuotaExceededError",
}  # fmt: skip
_UNKNOWN = {"RequestTimeout", "RequestTimeoutException", "RequestAborted", "RequestAbortedException"}
_INVALID = {"NotImplemented", "MethodNotAllowed", "BucketNotEmpty"}
_TABLE: tuple[tuple[set[str], type[AwsError]], ...] = (
    (_REFUSED, AwsRefusedError),
    (_THROTTLED, AwsThrottledError),
    (_NOT_SETTLED, AwsNotSettledError),
    (_EXISTS, AwsExistsError),
    (_NOT_FOUND, AwsNotFoundError),
    (_QUOTA, AwsQuotaError),
    (_UNKNOWN, AwsUnknownOutcomeError),
    (_INVALID, AwsInvalidError),
)
# What is believed only when it is AWS that says it, which gives each request an id.
_FACTS = (AwsNotFoundError, AwsExistsError)
_NO_CREDENTIALS = "Configure credentials: set AWS_PROFILE, or run where an instance or container role gives them."
_OF_OURS: tuple[tuple[tuple[type[Exception], ...], type[AwsError], str, str], ...] = (
    (
        (NoCredentialsError, PartialCredentialsError, NoAuthTokenError, TokenRetrievalError, SSOError, LoginError),
        AwsRefusedError,
        "NoCredentials",
        _NO_CREDENTIALS,
    ),
    ((ProfileNotFound,), AwsRefusedError, "NoProfile", "There is no profile of the name that AWS_PROFILE has."),
    (
        (ConfigParseError, ConfigNotFound, InvalidConfigError, UnknownCredentialError),
        AwsRefusedError,
        "InvalidConfiguration",
        "botocore cannot read its configuration: see ~/.aws/config and ~/.aws/credentials.",
    ),
    ((NoRegionError,), AwsRefusedError, "NoRegion", "Name the Region: set AWS_REGION."),
    ((ParamValidationError,), AwsInvalidError, "ParamValidation", ""),
)
# A principal made a moment ago is not known everywhere yet: Access Grants, IAM and S3 say so in these words.
# Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
_UNKNOWN_PRINCIPAL = {
    "InvalidRequest": "Invalid Grantee",
    "MalformedPolicyDocument": "Invalid principal in policy",
    "MalformedPolicy": "Invalid principal in policy",
    # So is the policy of a queue, and S3 tries the queue at once.
    "InvalidArgument": "Unable to validate the following destination",
}
# IAM and STS answer a wrong signature with the headers they have seen, the session token among them.
_ABOUT_SIGNATURES = {
    "SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature", "AuthorizationHeaderMalformed",
}  # fmt: skip
_SIGNATURE = "AWS does not take the signature: check the secret key, the clock and the Region."
_TOKEN_HEADER = "security-token"  # noqa: S105 -- the name of a header


def translate(operation: str, error: Exception) -> AwsError:
    """Say what botocore's exception means for whoever called, without anything of the request's secrets."""
    if isinstance(error, ClientError):
        return _of_answer(operation, error)
    for kinds, kind, code, message in _OF_OURS:
        if isinstance(error, kinds):
            return kind(operation, code, message or str(error))
    # Also when nothing was sent, perhaps: a connection that failed looks no different from one that broke.
    return AwsUnknownOutcomeError(operation, UNKNOWN, f"No usable answer ({type(error).__name__}).")


def _of_answer(operation: str, error: ClientError) -> AwsError:
    said, meta = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
    code, message, status = str(said.get("Code", "")), str(said.get("Message", "")), meta.get("HTTPStatusCode", 0)
    request_id = str(meta.get("RequestId", ""))
    kind = _kind_of(code, message, status)
    if kind in _FACTS and not request_id:
        kind, message = AwsUnknownOutcomeError, "The answer is not AWS's: no request id."
    named = UNKNOWN if kind is AwsUnknownOutcomeError and not code else code
    return kind(operation, named or str(status), _harmless(code, message), request_id=request_id, status=status)


def _harmless(code: str, message: str) -> str:
    return _SIGNATURE if code in _ABOUT_SIGNATURES or _TOKEN_HEADER in message.lower() else message


def _kind_of(code: str, message: str, status: int) -> type[AwsError]:
    if code in _UNKNOWN_PRINCIPAL and _UNKNOWN_PRINCIPAL[code] in message:
        return AwsNotSettledError
    for codes, kind in _TABLE:
        if code in codes:
            return kind
    if status >= 500:
        return AwsUnknownOutcomeError
    # No word of 404: a wrong address answers so as well, and what is there would count as gone.
    return {401: AwsRefusedError, 403: AwsRefusedError, 429: AwsThrottledError}.get(status, AwsInvalidError)
