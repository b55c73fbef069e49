"""Tokens that come with each request: verified each time, signed in once a minute."""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from uuid import UUID

from cellenium_admin.core.models import User
from cellenium_admin.core.oidc import strangers
from cellenium_admin.core.oidc.claims import Identity
from cellenium_admin.core.oidc.errors import LoginRefusedError
from cellenium_admin.core.services import logins

# Somebody of whom the same was said so recently is not signed in again; that the account is open is asked each time.
SIGNED_IN_SECONDS = 60.0
MOST_KEPT = 10_000

_lock = threading.Lock()
_signed_in: OrderedDict[bytes, tuple[float, UUID]] = OrderedDict()


def account(token: str, *, method: str, verify: Callable[[str], Identity]) -> User:
    """Give the account of whoever presents a token, which is verified each time.

    No event tells that somebody came in: each request would be one. Raises LoginRefusedError, which is in the trail
    by then unless the same was a moment ago.
    """
    try:
        identity = verify(token)
    except LoginRefusedError as error:
        logins.refuse(error, method=method)
    digest = hashlib.sha256(repr(identity).encode(errors="backslashreplace")).digest()
    return _known(digest, identity) or _sign_in(digest, identity, method)


def forget() -> None:
    """Forget what was seen, as a new process does."""
    strangers.forget()
    with _lock:
        _signed_in.clear()


def _known(digest: bytes, identity: Identity) -> User | None:
    with _lock:
        until, pk = _signed_in.get(digest, (float("-inf"), None))
    if pk is None or until < time.monotonic():
        return None
    mine = User.objects.filter(pk=pk, is_active=True)
    return mine.filter(oidc_issuer=identity.issuer, oidc_subject=identity.subject).first()


def _sign_in(digest: bytes, identity: Identity, method: str) -> User:
    """Sign in through the one service; a refusal there, of a person who is known, is always an event."""
    user = logins.sign_in(identity=identity, method=method)
    with _lock:
        _signed_in[digest] = (time.monotonic() + SIGNED_IN_SECONDS, user.pk)
        _signed_in.move_to_end(digest)
        while len(_signed_in) > MOST_KEPT:
            _signed_in.popitem(last=False)
    return user
