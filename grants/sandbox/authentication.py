"""From a verified signature to a caller, and to the condition keys of the request."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus

from grants.sandbox import sigv4
from grants.sandbox.calls import Caller, CallerKind
from grants.sandbox.clock import machine_time
from grants.sandbox.errors import AwsError
from grants.sandbox.iam import IamService, KeyView
from grants.sandbox.sessions import Sessions
from grants.sandbox.sigv4 import Signature, SignedRequest
from grants.sandbox.world import World

Context = Mapping[str, str | tuple[str, ...]]

GLOBAL_REGION = "us-east-1"
_UNREADABLE = {
    "AuthorizationHeaderMalformed", "AuthorizationQueryParametersError", "InvalidArgument", "InvalidRequest",
}  # fmt: skip
SIGNING_NAMES = {"s3": "s3", "s3control": "s3", "iam": "iam", "sts": "sts", "sqs": "sqs"}


@dataclass(frozen=True, slots=True)
class Authenticated:
    """Who signed a request, and how; no signature when nobody did."""

    caller: Caller
    signature: Signature | None


class Authenticator:
    """Finds the secret of the key a request names, verifies the signature with it, and tells whose it is."""

    def __init__(self, world: World, iam: IamService, sessions: Sessions) -> None:
        """Look keys up in `iam` and sessions in `sessions`."""
        self._world, self._iam, self._sessions = world, iam, sessions

    def authenticate(self, service: str, request: SignedRequest) -> Authenticated:
        """Tell who calls; raises AwsError in the words of the called service. Only S3 takes unsigned requests."""
        try:
            return self._authenticate(service, request)
        except AwsError as error:
            raise _in_words_of(service, error) from error

    def _authenticate(self, service: str, request: SignedRequest) -> Authenticated:
        signature = sigv4.read(request)
        if signature is None:
            if service != "s3":
                message = "Request is missing Authentication Token"
                raise AwsError("MissingAuthenticationToken", message, HTTPStatus.FORBIDDEN)
            return Authenticated(self._anonymous(), None)
        if signature.service != SIGNING_NAMES[service]:
            message = f"Credential should be scoped to correct service: {SIGNING_NAMES[service]}."
            raise AwsError("SignatureDoesNotMatch", message, HTTPStatus.FORBIDDEN)
        self._check_region(service, signature)
        if signature.session_token is not None or signature.access_key_id.startswith("ASIA"):
            return Authenticated(self._session(service, signature, request), signature)
        return Authenticated(self._key(service, signature, request), signature)

    def _key(self, service: str, signature: Signature, request: SignedRequest) -> Caller:
        key = self._iam.key(signature.access_key_id)
        if key is None or not key.active or not self._known_everywhere(key):
            raise unknown_key(service)
        sigv4.verify(signature, request, key.secret_access_key, machine_time())
        self._iam.touch_key(key.access_key_id, SIGNING_NAMES[service], signature.region)
        return self._iam.caller(key)

    def _check_region(self, service: str, signature: Signature) -> None:
        """Refuse another Region: conditions on aws:RequestedRegion believe the signature."""
        region = self._world.region
        if SIGNING_NAMES[service] != "s3":
            if signature.region not in {region, GLOBAL_REGION}:
                message = "Credential should be scoped to a valid region."
                raise AwsError("SignatureDoesNotMatch", message, HTTPStatus.FORBIDDEN)
        elif signature.region != region:
            wrong = f"the region '{signature.region}' is wrong; expecting '{region}'"
            if signature.presigned:
                message = f"Error parsing the X-Amz-Credential parameter; {wrong}"
                raise AwsError("AuthorizationQueryParametersError", message)
            raise AwsError("AuthorizationHeaderMalformed", f"The authorization header is malformed; {wrong}")

    def _known_everywhere(self, key: KeyView) -> bool:
        return key.user_name is None or key.created + self._world.knobs.key_lag <= self._world.clock.now()

    def _session(self, service: str, signature: Signature, request: SignedRequest) -> Caller:
        session = self._sessions.find(signature.access_key_id)
        if session is None:
            raise unknown_key(service)
        if not hmac.compare_digest(
            (signature.session_token or "").encode("utf-8", "replace"), session.session_token.encode()
        ):
            raise _wrong_token(service)
        sigv4.verify(signature, request, session.secret_access_key, machine_time())
        try:
            return replace(self._sessions.caller(session), access_key_id=session.access_key_id)
        except AwsError as error:
            if error.code == "InvalidClientTokenId":
                raise unknown_key(service) from error
            if error.code == "ExpiredToken" and SIGNING_NAMES[service] == "s3":
                raise AwsError("ExpiredToken", "The provided token has expired.") from error
            raise

    def _anonymous(self) -> Caller:
        return Caller(
            kind=CallerKind.ANONYMOUS,
            account="anonymous",
            arn="anonymous",
            principal_arn="anonymous",
            user_id="anonymous",
            context={"aws:PrincipalType": "Anonymous", "aws:userid": "anonymous"},
        )


def unknown_key(service: str) -> AwsError:
    """Refuse a key nobody has, in the words of the called service."""
    if SIGNING_NAMES[service] == "s3":
        message = "The AWS Access Key Id you provided does not exist in our records."
        return AwsError("InvalidAccessKeyId", message, HTTPStatus.FORBIDDEN)
    message = "The security token included in the request is invalid."
    return AwsError("InvalidClientTokenId", message, HTTPStatus.FORBIDDEN)


def _in_words_of(service: str, error: AwsError) -> AwsError:
    """Give a refusal of sigv4's, which speaks as S3 does, as IAM and STS give it.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html
    """
    if SIGNING_NAMES[service] == "s3":
        return error
    if error.code == "RequestTimeTooSkewed" or error.message.startswith(
        ("Request has expired", "Request is not valid")
    ):
        message = "Signature expired or not yet current: the request's time and the current time differ too much."
        return AwsError("SignatureDoesNotMatch", message, HTTPStatus.FORBIDDEN)
    if error.code == "AccessDenied":
        return AwsError("SignatureDoesNotMatch", error.message, HTTPStatus.FORBIDDEN)
    if error.code in _UNREADABLE:
        return AwsError("IncompleteSignature", error.message)
    return error


def _wrong_token(service: str) -> AwsError:
    if SIGNING_NAMES[service] == "s3":
        return AwsError("InvalidToken", "The provided token is malformed or otherwise invalid.")
    return unknown_key(service)


def request_context(
    request: SignedRequest, signature: Signature | None, *, address: str, region: str, secure: bool, now: datetime
) -> Context:
    """Give the condition keys that belong to the request, whatever it asks for."""
    context: dict[str, str | tuple[str, ...]] = {
        "aws:SourceIp": address,
        "aws:SecureTransport": "true" if secure else "false",
        "aws:CurrentTime": now.isoformat(),
        "aws:EpochTime": str(int(now.timestamp())),
        "aws:RequestedRegion": region,
    }
    for key, header in (("aws:UserAgent", "user-agent"), ("aws:referer", "referer")):
        if header in request.headers:
            context[key] = request.headers[header][0]
    if signature is not None:
        age = max(0, int((machine_time() - signature.time).total_seconds() * 1000))
        context["s3:authType"] = "REST-QUERY-STRING" if signature.presigned else "REST-HEADER"
        context["s3:signatureversion"] = sigv4.ALGORITHM
        context["s3:signatureAge"] = str(age)
        context["s3:x-amz-content-sha256"] = signature.payload_hash
    return context
