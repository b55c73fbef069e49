"""A second OpenID provider that we did not write: django-oauth-toolkit, as a Django program of its own.

`python -m tests.support.second_provider DIRECTORY PORT CLIENT_ADDRESS` serves it on loopback: three people who log in
with a password, one client that must use PKCE, tokens signed with RS256 by a key that is named by its `kid`.
"""

import os
import sys
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.forging_provider import CLIENT, SECRET

PASSWORD = "correct horse battery"
PEOPLE: dict[str, list[str]] = {"uploader": [], "curator": ["curators"], "administrator": ["administrators"]}
ROOT_URLCONF = "tests.support.second_provider_urls"
ACCOUNTS = "django.contrib.auth"


def serve(directory: Path, port: int, client: str) -> None:
    """Set the provider up and serve until the process is ended."""
    configure(directory, f"http://127.0.0.1:{port}")
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    set_up_people_and_client(client)
    call_command("runserver", f"127.0.0.1:{port}", "--noreload", verbosity=0)


def configure(directory: Path, address: str) -> None:
    """Give Django the settings of this program; the cookies' own names keep them apart, for cookies ignore ports."""
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY="only-for-tests",
        DEBUG=False,
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=ROOT_URLCONF,
        USE_TZ=True,
        INSTALLED_APPS=[ACCOUNTS, "django.contrib.contenttypes", "django.contrib.sessions", "oauth2_provider"],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": directory / "provider.sqlite3"}},
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        SESSION_COOKIE_NAME="provider_session",
        CSRF_COOKIE_NAME="provider_csrf",
        LOGIN_URL="login",
        OAUTH2_PROVIDER=openid_settings(address),
    )
    django.setup()


def openid_settings(address: str) -> dict[str, Any]:
    """Switch OpenID Connect on, strictly, with a key made now."""
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "OIDC_ENABLED": True,
        "OIDC_ISS_ENDPOINT": address,
        "OIDC_RSA_PRIVATE_KEY": key.decode(),
        "OIDC_RP_INITIATED_LOGOUT_ENABLED": True,
        "OIDC_RP_INITIATED_LOGOUT_ALWAYS_PROMPT": False,
        "OAUTH2_VALIDATOR_CLASS": "tests.support.second_provider_claims.PeopleValidator",
        "SCOPES": {"openid": "Who you are", "email": "Your e-mail address", "profile": "Your name"},
        "PKCE_REQUIRED": True,
        "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
        "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
        "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
        "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
        "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
        "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    }


def set_up_people_and_client(client: str) -> None:
    """Make the people, their groups and the one client, which may come back to its own addresses only."""
    from django.contrib.auth.models import Group, User
    from oauth2_provider.models import Application

    for name, groups in PEOPLE.items():
        person = User.objects.create_user(name, f"{name}@example.org", PASSWORD, first_name=name.title())
        person.groups.set([Group.objects.create(name=group) for group in groups])
    Application.objects.create(
        name="cellenium-admin",
        client_id=CLIENT,
        client_secret=SECRET,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
        skip_authorization=True,
        redirect_uris=f"{client}/oidc/callback/",
        post_logout_redirect_uris=f"{client}/ {client}/login/",
        algorithm=Application.RS256_ALGORITHM,
    )


if __name__ == "__main__":
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    serve(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
