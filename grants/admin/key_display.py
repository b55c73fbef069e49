"""The one page that shows the secret of an access key: in this response, and nowhere else."""

from collections.abc import Sequence

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.debug import sensitive_variables

from cellenium_admin.core.admin.confirm import Outcome
from grants.aws.secret import Secret
from grants.models import AccessKey, Principal


@sensitive_variables("value", "context")
def key_page(
    request: HttpRequest,
    *,
    principal: Principal,
    key: AccessKey,
    secret: Secret,
    outcomes: Sequence[Outcome] = (),
) -> HttpResponse:
    """Show a key that has just been made; rendered at once, so that nothing but the response holds the secret."""
    value = secret.reveal()
    context = {
        **admin.site.each_context(request),
        "title": "Access key created",
        "opts": Principal._meta,  # noqa: SLF001 -- Django's documented interface
        "principal": principal,
        "original": principal,
        "key_id": key.access_key_id,
        "secret": value,
        "credentials_file": _credentials_file(principal.name, key.access_key_id, value),
        "environment_file": _environment_file(key.access_key_id, value),
        "outcomes": outcomes,
        "principal_url": reverse("admin:grants_principal_change", args=[principal.pk]),
    }
    response = HttpResponse(render_to_string("admin/cellenium/access_key.html", context, request=request))
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    return response


def _credentials_file(profile: str, key_id: str, secret: str) -> str:
    """Write it as the shared credentials file of the AWS CLI and SDKs.

    Source: https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
    """
    return f"[{profile}]\naws_access_key_id = {key_id}\naws_secret_access_key = {secret}\n"


def _environment_file(key_id: str, secret: str) -> str:
    return f"AWS_ACCESS_KEY_ID={key_id}\nAWS_SECRET_ACCESS_KEY={secret}\n"
