"""Somebody at the door, seen from outside: logs in by the code flow or shows a token, and is let in or is not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.test import Client
from rest_framework.test import APIClient

from cellenium_admin.core.models import AuditEvent, User
from tests.support.forging_provider import ForgingProvider

ME = "/api/v1/me"
REFUSALS = ("user.login_failed", "user.prefix_refused")


@dataclass(frozen=True)
class Known:
    """Who is known, and where their uploads go: what no refused attempt may change."""

    people: frozenset[tuple[Any, ...]]

    @classmethod
    def now(cls) -> "Known":
        """Look at every account."""
        columns = ("id", "oidc_issuer", "oidc_subject", "email", "upload_prefix", "is_active")
        return cls(frozenset(User.objects.values_list(*columns)))


class Visitor:
    """A browser of one person, without a browser: a session, and what the provider says."""

    def __init__(self, provider: ForgingProvider, client: Client | None = None) -> None:
        self.provider, self.client = provider, client or Client()
        self.answer: Any = None

    def set_out(self, **query: str) -> dict[str, str]:
        """Press the button; gives what the product sends to the provider's authorization endpoint."""
        answer = self.client.get("/oidc/authenticate/", query)
        assert answer.status_code == 302, answer.content
        address = urlsplit(answer["Location"])
        assert f"{address.scheme}://{address.netloc}{address.path}" == f"{self.provider.issuer}/authorize"
        return dict(parse_qsl(address.query))

    def come_back(self, brought: Mapping[str, str]) -> Any:
        """Go to the callback with what the provider gave."""
        self.answer = self.client.get("/oidc/callback/", brought)
        return self.answer

    def log_in(self, **query: str) -> "Visitor":
        """Go the whole way."""
        self.come_back(self.provider.approve(self.set_out(**query)))
        return self

    @property
    def is_in(self) -> bool:
        """Tell whether the session is somebody's: in its data, and as the API sees it."""
        inside = "_auth_user_id" in self.client.session
        assert (self.client.get(ME).status_code == 200) == inside
        return inside

    @property
    def account(self) -> User:
        """The account that is logged in."""
        return User.objects.get(pk=self.client.session["_auth_user_id"])

    def was_let_in(self) -> bool:
        """Tell whether the answer is that of a login that worked."""
        return self.answer.status_code == 302 and "/refused" not in self.answer["Location"] and self.is_in

    def was_refused(self) -> bool:
        """Tell whether the answer is a refusal that a person can read, and nobody is logged in."""
        return not self.is_in and said_no(self.client, self.answer)


def said_no(client: Client, answer: Any) -> bool:
    """Tell whether this is the page that tells of the refusal, or leads there; never a fault of the server."""
    if answer.status_code == 302:
        assert answer["Location"].startswith("/login/"), answer["Location"]
        answer = client.get(answer["Location"])
        return answer.status_code in {200, 400, 401, 403, 503}
    return answer.status_code in {400, 401, 403, 503}


def bearer(token: str, **headers: str) -> Any:
    """Show a token to the API."""
    return APIClient(raise_request_exception=False).get(
        ME, headers={"Authorization": f"Bearer {token}", **headers} if token else headers
    )


def refused_events() -> list[AuditEvent]:
    """Give what the trail tells of attempts, oldest first."""
    return list(AuditEvent.objects.filter(action__in=REFUSALS, outcome="refused").order_by("seq"))
