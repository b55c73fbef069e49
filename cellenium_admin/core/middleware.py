"""The outermost middleware: a request id for everything that happens next, the caller's address, safe headers."""

import uuid
from collections.abc import Callable, Mapping
from ipaddress import ip_address

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from cellenium_admin.core.content_security import API_ROOT, content_security_policy
from cellenium_admin.core.context import request_context


class RequestContextMiddleware:
    """Gives each request an id of our own making and puts it on the response, in the trail and in the log."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Keep the next layer, as Django asks."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve one request inside its context; an id sent by the client is never taken over."""
        request_id = str(uuid.uuid4())
        address = client_address(request.META, hops=settings.TRUSTED_PROXY_HOPS)
        with (
            request_context(request_id=request_id, address=address),
            structlog.contextvars.bound_contextvars(request_id=request_id, address=address),
        ):
            response = self.get_response(request)
        response["X-Request-ID"] = request_id
        set_safe_headers(response, path=request.path_info)
        return response


def set_safe_headers(response: HttpResponseBase, *, path: str) -> None:
    """Add the content security policy of this part of the site; keep API answers out of caches unless they ask."""
    response.setdefault("Content-Security-Policy", content_security_policy(path))
    response.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
    if path.startswith(API_ROOT):
        response.setdefault("Cache-Control", "no-store")


def client_address(meta: Mapping[str, str], *, hops: int) -> str:
    """Tell where the request came from, believing only what our own `hops` proxies wrote.

    Each proxy appends the address it saw, so the entry of the outermost one is the `hops`-th from the right;
    everything left of it was sent by the client. Anything that is not an address there, or too few entries,
    means that the request did not take that way: then the peer itself is named.
    """
    peer = _as_address(meta.get("REMOTE_ADDR", ""))
    forwarded = meta.get("HTTP_X_FORWARDED_FOR", "").split(",")
    if hops < 1 or len(forwarded) < hops:
        return peer
    return _as_address(forwarded[-hops]) or peer


def _as_address(text: str) -> str:
    """Take an IP address out of `address`, `address:port` or `[address]:port`; empty when it is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ip_address(text.partition("%")[0]))
    except ValueError:
        return ""
