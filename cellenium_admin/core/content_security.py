"""Content security policies (CSP level 3): each part of the site loads, runs and sends to what it works with alone."""

import re
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from django.conf import settings

from cellenium_admin.core import aws

API_ROOT = "/api/"
NO_CONTENT = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
OWN_CONTENT = (
    "default-src 'none'; script-src 'self'{script}; style-src 'self'{style}; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'{connect}; frame-src {frame}; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none';"
    " form-action 'self'{form}"
)
INLINE = " 'unsafe-inline'"
MY_PAGE = "/my/"
# What /my/ loads in a frame of its own while a session is renewed; it shows nothing.
RENEWED_PAGE = "/my/renewed/"
RENEWED = "default-src 'none'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
LOGIN_PAGES = ("/login/", "/logout/", "/oidc/")
# What may stand in a policy without ending a directive or beginning a second source.
_SAFE_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")


def content_security_policy(path: str, *, provider: Sequence[str] = ()) -> str:
    """Choose the strictest policy under which this page works.

    `provider` are addresses of the login provider, whose origins forms and frames may lead to beside the issuer's:
    browsers hold the redirect of a logout against `form-action` too.
    """
    login = _sources(settings.OIDC_ISSUER, *provider)
    return next(policy(login) for prefix, policy in POLICIES if path.startswith(prefix))


def store_origins() -> list[str]:
    """Tell to which origins a browser sends parts of files: the configured endpoint, or the bucket's host of AWS.

    AWS serves a bucket at `<bucket>.s3.<Region>.amazonaws.com`, in us-east-1 also without the Region, and one with a
    dot in its name by path: docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html. Empty where the h5ad
    store is no bucket.
    """
    store = urlsplit(settings.H5AD_STORE)
    if store.scheme != "s3":
        return []
    if endpoint := aws.configured_s3_endpoint():
        return [_origin(endpoint)]
    region = aws.configured_region() or "us-east-1"
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    hosts = [f"s3.{region}.{domain}", *([f"s3.{domain}"] if region == "us-east-1" else [])]
    return [f"https://{host}" if "." in store.netloc else f"https://{store.netloc}.{host}" for host in hosts]


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _sources(*addresses: str) -> str:
    """Write the origins of some addresses down, each once."""
    origins = dict.fromkeys(_origin(address) for address in addresses if address)
    return "".join(f" {origin}" for origin in origins if _SAFE_ORIGIN.fullmatch(origin))


def _own(*, script: str = "", style: str = "", connect: str = "", frame: str = "'none'", form: str = "") -> str:
    return OWN_CONTENT.format(script=script, style=style, connect=connect, frame=frame, form=form)


# The first prefix that fits decides. Swagger UI sets style attributes; the admin's Alpine evaluates attributes.
POLICIES: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("/api/v1/docs", lambda _login: _own(style=INLINE)),
    (API_ROOT, lambda _login: NO_CONTENT),
    ("/admin/", lambda login: _own(script=INLINE + " 'unsafe-eval'", style=INLINE, form=login)),
    (RENEWED_PAGE, lambda _login: RENEWED),
    (MY_PAGE, lambda login: _own(connect=_sources(*store_origins()), frame="'self'" + login, form=login)),
    *((page, lambda login: _own(form=login)) for page in LOGIN_PAGES),
    ("", lambda _login: NO_CONTENT),
)
