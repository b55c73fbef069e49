"""Ways through the admin's pages without a browser: log in, look, confirm what was shown, read what is told."""

from typing import Any

from django.test import Client

from cellenium_admin.core.models import User
from grants.aws.gateway import Aws
from grants.models import Operation
from grants.services import operations


def carried_out(row: Any, operation: Operation, gateway: Aws) -> Any:
    operations.execute(operation_id=operation.pk, aws=gateway)
    row.refresh_from_db()
    assert row.state == "active"
    return row


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def confirm(client: Client, url: str, values: dict[str, Any]) -> Any:
    """Go the whole way: look, and confirm what was shown."""
    shown = client.post(url, {**values, "step": "preview"})
    assert shown.status_code == 200
    assert shown.context["step"] == "confirm", shown.context["form"].errors
    assert shown.context["preview"].calls is not None
    return client.post(url, {**values, "step": "confirm", "seen": shown.context["seen"]}, follow=True)


def told(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])
