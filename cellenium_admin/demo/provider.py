"""A real OpenID Connect provider on loopback, in which every account of the demo is one click away."""

import json
import sys
import urllib.request
from pathlib import Path

from cellenium_admin.embedded import ServerProcess
from cellenium_admin.embedded.ports import LOOPBACK, kept_ports

CLIENT_ID, ADMINISTRATORS, CURATORS = "cellenium-admin", "cellenium-administrators", "cellenium-curators"


class DemoProvider:
    """oidc-provider-mock as a process of its own; its port is kept, since accounts are known by the issuer's address.

    Source: https://oidc-provider-mock.readthedocs.io/
    """

    def __init__(self, directory: Path, groups: dict[str, list[str]]) -> None:
        """Prepare a provider with one account for each address, a member of the groups beside it."""
        self._log = directory / "logs" / "provider.log"
        self._groups = groups
        self._port = kept_ports(directory / "provider.json", ["provider"], twin_offset=0)["provider"]
        self._process: ServerProcess | None = None

    @property
    def issuer(self) -> str:
        """Give the address by which accounts are known."""
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def alive(self) -> bool:
        """Tell whether it runs."""
        return self._process is not None and self._process.alive

    def settings(self) -> dict[str, str]:
        """Give what the server has to know of it; that tokens without `kid` are taken is for this provider alone."""
        return {
            "CELLENIUM_OIDC_ISSUER": self.issuer,
            "CELLENIUM_OIDC_CLIENT_ID": CLIENT_ID,
            "CELLENIUM_OIDC_CLIENT_SECRET": "this provider takes any",
            "CELLENIUM_OIDC_REQUIRE_KID": "false",
            "CELLENIUM_OIDC_CURATOR_GROUPS": CURATORS,
            "CELLENIUM_OIDC_ADMINISTRATOR_GROUPS": ADMINISTRATORS,
        }

    def start(self) -> None:
        """Start it and return when it answers."""
        claims = [option for email in self._groups for option in ("--user-claims", json.dumps(self._claims(email)))]
        command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(self._port), *claims]
        self._process = ServerProcess(command, log=self._log, ready=self._answers)
        self._process.start()

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def _claims(self, email: str) -> dict[str, object]:
        name = email.partition("@")[0]
        return {
            "sub": name,
            "email": email,
            "email_verified": True,
            "name": name.capitalize(),
            "groups": self._groups[email],
        }

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.issuer}/.well-known/openid-configuration", timeout=2):  # noqa: S310
                return True
        except OSError:
            return False
