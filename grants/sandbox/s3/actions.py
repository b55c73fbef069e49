"""From an S3 request to the operation it asks for and the permissions AWS checks for it.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import unquote

from grants.sandbox.errors import AwsError
from grants.sandbox.sigv4 import query_pairs

PREFLIGHT = "Preflight"
"""What a browser asks before a request of another origin; it comes without a signature."""
# Sub-resources of a bucket: the middle of the operation's name, and of the action's where that is another.
_BUCKET_SETTINGS = {
    "accelerate": ("AccelerateConfiguration", "AccelerateConfiguration"),
    "acl": ("Acl", "Acl"),
    "cors": ("Cors", "CORS"),
    "encryption": ("Encryption", "EncryptionConfiguration"),
    "lifecycle": ("LifecycleConfiguration", "LifecycleConfiguration"),
    "location": ("Location", "Location"),
    "logging": ("Logging", "Logging"),
    "notification": ("NotificationConfiguration", "Notification"),
    "object-lock": ("ObjectLockConfiguration", "ObjectLockConfiguration"),
    "ownershipControls": ("OwnershipControls", "OwnershipControls"),
    "policy": ("Policy", "Policy"),
    "policyStatus": ("PolicyStatus", "PolicyStatus"),
    "publicAccessBlock": ("PublicAccessBlock", "PublicAccessBlock"),
    "requestPayment": ("RequestPayment", "RequestPayment"),
    "tagging": ("Tagging", "Tagging"),
    "versioning": ("Versioning", "Versioning"),
    "website": ("Website", "Website"),
}
_NOT_BUCKET_IN_ACTION = {
    "AccelerateConfiguration", "EncryptionConfiguration", "LifecycleConfiguration",
}  # fmt: skip
_OWN_DELETE_ACTION = {"Policy", "Website"}
_OBJECT_SETTINGS = {"acl": "Acl", "tagging": "Tagging", "retention": "Retention", "legal-hold": "LegalHold"}
_SELECTORS = {*_BUCKET_SETTINGS, *_OBJECT_SETTINGS, "uploads", "uploadId", "versions", "delete", "attributes"}
_KNOWN = {
    "partNumber", "versionId", "prefix", "delimiter", "max-keys", "marker", "continuation-token", "start-after",
    "list-type", "fetch-owner", "encoding-type", "key-marker", "version-id-marker", "upload-id-marker", "max-uploads",
    "max-parts", "part-number-marker", "x-id", "max-buckets", "bucket-region", "response-content-type",
    "response-content-language", "response-expires", "response-cache-control", "response-content-disposition",
    "response-content-encoding", "select-type",
}  # fmt: skip

_KNOWN_HERE = _KNOWN | _SELECTORS
# What a presigned URL carries beside these could stand for a header that was not judged.
_CARRIED = (
    "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signedheaders", "x-amz-signature",
    "x-amz-security-token", "x-amz-content-sha256", "x-amz-checksum-", "x-amz-sdk-checksum-algorithm", "x-amz-meta-",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Need:
    """One permission a request needs, with the condition keys of its parameters."""

    action: str
    resource: str
    context: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Request:
    """One request, taken apart: which operation on which bucket and key, and what it needs."""

    operation: str
    bucket: str = ""
    key: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[Need, ...] = ()
    setting: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A request on a bucket or an object, before it has a name."""

    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    selector: str
    headers: Mapping[str, str]

    @property
    def arn(self) -> str:
        return f"arn:aws:s3:::{self.bucket}/{self.key}" if self.key else f"arn:aws:s3:::{self.bucket}"

    @property
    def version(self) -> str:
        """Give what the names of actions on a version have in the middle."""
        return "Version" if "versionId" in self.query else ""

    @property
    def version_context(self) -> Mapping[str, str | tuple[str, ...]]:
        return {"s3:VersionId": self.query["versionId"]} if self.version else {}

    def verb(self) -> str:
        """Give the first word of an operation on a setting."""
        found = {"GET": "Get", "PUT": "Put", "DELETE": "Delete"}.get(self.method)
        if found is None:
            raise self.unknown()
        return found

    def unknown(self) -> AwsError:
        """Refuse what the sandbox leaves out."""
        what = ("an object" if self.key else "a bucket") + (f" with ?{self.selector}" if self.selector else "")
        return _unknown(self.method, what)

    def named(self, operation: str, *needs: Need, setting: str = "") -> S3Request:
        """Give it a name."""
        return S3Request(
            operation=operation, bucket=self.bucket, key=self.key, query=self.query, needs=needs, setting=setting
        )


def read(method: str, path: str, query: str, headers: Mapping[str, str]) -> S3Request:
    """Take a path-style request apart; header names in lower case.

    Raises AwsError for what is ambiguous, and NotImplemented for operations the sandbox leaves out. A preflight asks
    for nothing itself, so whatever its query says needs no permission.
    """
    bucket, _, key = unquote(path.lstrip("/") if path == "/" else path[1:], errors="surrogateescape").partition("/")
    if method == "OPTIONS" and bucket:
        return S3Request(operation=PREFLIGHT, bucket=bucket, key=key)
    parameters = _parameters(query)
    selectors = [name for name in parameters if name in _SELECTORS]
    if len(selectors) > 1 and set(selectors) != {"uploadId"}:
        raise AwsError("InvalidArgument", f"Conflicting query string parameters: {', '.join(sorted(selectors))}")
    selector = selectors[0] if selectors else ""
    if not bucket:
        return _service(method)
    asked = _Asked(method=method, bucket=bucket, key=key, query=parameters, selector=selector, headers=headers)
    return _object(asked) if key else _bucket(asked)


def _parameters(query: str) -> dict[str, str]:
    pairs = query_pairs(query)
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise AwsError("InvalidArgument", f"The query parameter {name} is there {names.count(name)} times")
        if name not in _KNOWN_HERE and not name.lower().startswith(_CARRIED):
            message = f"The sandbox does not know the query parameter {name}; see docs/sandbox.md"
            raise AwsError("NotImplemented", message, HTTPStatus.NOT_IMPLEMENTED)
    return dict(pairs)


def _unknown(method: str, where: str) -> AwsError:
    message = f"The sandbox has no {method} on {where}; see docs/sandbox.md for what it leaves out"
    return AwsError("MethodNotAllowed", message, HTTPStatus.METHOD_NOT_ALLOWED)


def _service(method: str) -> S3Request:
    if method != "GET":
        raise _unknown(method, "the service")
    return S3Request(operation="ListBuckets", needs=(Need("s3:ListAllMyBuckets", "arn:aws:s3:::*"),))


def _bucket(asked: _Asked) -> S3Request:
    if asked.selector in _BUCKET_SETTINGS:
        return _bucket_setting(asked)
    listing = _listing(asked.query)
    table = {
        ("GET", ""): ("ListObjectsV2" if asked.query.get("list-type") == "2" else "ListObjects", "ListBucket", listing),
        ("GET", "versions"): ("ListObjectVersions", "ListBucketVersions", listing),
        ("GET", "uploads"): ("ListMultipartUploads", "ListBucketMultipartUploads", {}),
        ("HEAD", ""): ("HeadBucket", "ListBucket", {}),
        ("PUT", ""): ("CreateBucket", "CreateBucket", _written(asked.headers)),
        ("DELETE", ""): ("DeleteBucket", "DeleteBucket", {}),
    }
    if (asked.method, asked.selector) == ("POST", "delete"):
        return asked.named("DeleteObjects")
    if (asked.method, asked.selector) not in table:
        raise asked.unknown()
    operation, action, context = table[(asked.method, asked.selector)]
    return asked.named(operation, Need(f"s3:{action}", asked.arn, context))


def _bucket_setting(asked: _Asked) -> S3Request:
    name, action = _BUCKET_SETTINGS[asked.selector]
    verb = asked.verb()
    noun = name if asked.selector in {"publicAccessBlock", "object-lock"} else f"Bucket{name}"
    of_action = action if action in _NOT_BUCKET_IN_ACTION else f"Bucket{action}"
    allowed = "Put" if verb == "Delete" and name not in _OWN_DELETE_ACTION else verb
    if verb == "Delete":
        noun = noun.replace("LifecycleConfiguration", "Lifecycle")
    return asked.named(f"{verb}{noun}", Need(f"s3:{allowed}{of_action}", asked.arn), setting=asked.selector)


def _object(asked: _Asked) -> S3Request:
    if asked.selector in _OBJECT_SETTINGS:
        verb, name = asked.verb(), _OBJECT_SETTINGS[asked.selector]
        context = {**asked.version_context, **_written(asked.headers)}
        return asked.named(f"{verb}Object{name}", Need(f"s3:{verb}Object{asked.version}{name}", asked.arn, context))
    if asked.method == "PUT" and asked.selector in {"", "uploadId"}:
        return _written_object(asked)
    table = {
        ("GET", ""): ("GetObject", f"GetObject{asked.version}"),
        ("HEAD", ""): ("HeadObject", f"GetObject{asked.version}"),
        ("DELETE", ""): ("DeleteObject", f"DeleteObject{asked.version}"),
        ("GET", "attributes"): ("GetObjectAttributes", f"GetObject{asked.version}"),
        ("POST", "uploads"): ("CreateMultipartUpload", "PutObject"),
        ("POST", "uploadId"): ("CompleteMultipartUpload", "PutObject"),
        ("DELETE", "uploadId"): ("AbortMultipartUpload", "AbortMultipartUpload"),
        ("GET", "uploadId"): ("ListParts", "ListMultipartUploadParts"),
    }
    if (asked.method, asked.selector) not in table:
        raise asked.unknown()
    operation, action = table[(asked.method, asked.selector)]
    if action == "PutObject":
        return asked.named(operation, *_puts(asked.arn, asked.headers))
    return asked.named(operation, Need(f"s3:{action}", asked.arn, asked.version_context))


def _written_object(asked: _Asked) -> S3Request:
    """Name a PUT: of an object or a part, with the bytes in the request or copied from another object."""
    part = "uploadId" in asked.query or "partNumber" in asked.query
    if part and not ("uploadId" in asked.query and "partNumber" in asked.query):
        raise AwsError("InvalidArgument", "uploadId and partNumber belong together")
    copying = "x-amz-copy-source" in asked.headers
    name = ("UploadPartCopy" if copying else "UploadPart") if part else ("CopyObject" if copying else "PutObject")
    return asked.named(name, *_puts(asked.arn, asked.headers), *(_copied(asked.headers) if copying else ()))


def _puts(arn: str, headers: Mapping[str, str]) -> tuple[Need, ...]:
    context = _written(headers)
    needs = [Need("s3:PutObject", arn, context)]
    if any(name == "x-amz-acl" or name.startswith("x-amz-grant-") for name in headers):
        needs.append(Need("s3:PutObjectAcl", arn, context))
    if "x-amz-tagging" in headers:
        needs.append(Need("s3:PutObjectTagging", arn, context))
    return tuple(needs)


def _copied(headers: Mapping[str, str]) -> tuple[Need, ...]:
    source, _, version = unquote(headers["x-amz-copy-source"], errors="surrogateescape").rpartition("?versionId=")
    source, version = (source, version) if source else (version, "")
    bucket, _, key = source.removeprefix("/").partition("/")
    if not bucket or not key:
        raise AwsError("InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
    action = "s3:GetObjectVersion" if version else "s3:GetObject"
    return (Need(action, f"arn:aws:s3:::{bucket}/{key}", {"s3:VersionId": version} if version else {}),)


def _listing(query: Mapping[str, str]) -> dict[str, str | tuple[str, ...]]:
    return {f"s3:{name}": query[name] for name in ("prefix", "delimiter", "max-keys") if name in query}


def _written(headers: Mapping[str, str]) -> dict[str, str | tuple[str, ...]]:
    return {f"s3:{name}": value for name, value in headers.items() if name.startswith("x-amz-")}
