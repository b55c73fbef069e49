"""Every registered admin page: who may open it, that it can be searched, and that nobody can change anything by it."""

from collections.abc import Iterator
from importlib import import_module

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from cellenium_admin.core.admin.base import BaseAdmin
from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Action, AuditEvent, Job, User
from cellenium_admin.core.services import users
from tests.builders.access_pages import access_pages
from tests.builders.people import person
from tests.builders.stores import published_study

pytestmark = pytest.mark.django_db(transaction=True)
SYSTEM = Actor.system("test")
# The URLs are loaded first: they take Django's own groups off the site.
import_module("cellenium_admin.urls")
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
ADMINISTRATORS_ONLY = {"core.User", "imports.ImportRun"}


@pytest.fixture
def administrator() -> User:
    return person("administrator", "administrator")


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(model: type, kind: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{kind}", args=args)


@pytest.fixture
def content(administrator: User) -> Iterator[dict[str, str]]:
    """One row of everything that has a page, but for import runs."""
    study = published_study(owner=administrator).study
    job = Job.objects.create(name="imports.run_import", owner=administrator, report={"cells": 60})
    event = AuditEvent.objects.get(action=Action.STUDY_CREATED)
    rows = (study, job, event, administrator, *vars(access_pages(person("uploader"))).values())
    return {row._meta.label: str(row.pk) for row in rows}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_page_has_our_base_and_can_be_searched(model: type, administrator: User) -> None:
    assert isinstance(admin.site._registry[model], BaseAdmin)
    client = browser(administrator)
    assert client.get(page(model, "changelist")).status_code == 200
    assert client.get(page(model, "changelist"), {"q": "anything"}).status_code == 200


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_who_may_open_it(model: type) -> None:
    expected = 403 if model._meta.label in ADMINISTRATORS_ONLY else 200
    assert browser(person("curator", "curator")).get(page(model, "changelist")).status_code == expected
    assert browser(person("member")).get(page(model, "changelist")).status_code == 302
    assert Client().get(page(model, "changelist")).status_code == 302


def test_nobody_can_change_add_or_delete(content: dict[str, str], administrator: User) -> None:
    client, before = browser(administrator), AuditEvent.objects.count()
    for model in MODELS:
        key = content.get(model._meta.label)
        assert client.get(page(model, "add")).status_code == 403, model
        assert client.post(page(model, "add"), {}).status_code == 403, model
        if key is None:
            continue
        assert client.get(page(model, "change", key)).status_code == 200, model
        assert client.post(page(model, "change", key), {"name": "other"}).status_code == 403, model
        assert client.post(page(model, "delete", key), {"post": "yes"}).status_code == 403, model
        action = {"action": "delete_selected", "_selected_action": [key]}
        client.post(page(model, "changelist"), action)
        assert model._base_manager.filter(pk=key).exists(), model
    assert AuditEvent.objects.count() == before


def test_a_study_of_others_is_not_shown_to_a_curator(content: dict[str, str]) -> None:
    curator = browser(person("curator", "curator"))
    assert b"A small study" not in curator.get(reverse("admin:studies_study_changelist")).content
    assert curator.get(reverse("admin:studies_study_change", args=[content["studies.Study"]])).status_code == 302


def test_a_job_is_cancelled_by_post_and_only_once(content: dict[str, str], administrator: User) -> None:
    client, url = browser(administrator), reverse("admin:core_job_changelist")
    selected = {"action": "cancel", "_selected_action": [content["core.Job"]]}
    client.get(url, selected)
    assert Job.objects.get(pk=content["core.Job"]).state == Job.State.QUEUED
    assert b"asked to stop" in client.post(url, selected, follow=True).content
    assert Job.objects.get(pk=content["core.Job"]).state == Job.State.CANCELLED
    assert b"has ended already" in client.post(url, selected, follow=True).content
    assert AuditEvent.objects.filter(action=Action.JOB_CANCELLED, actor_label="administrator@example.org").count() == 1


def test_the_overview_counts_what_the_person_may_see(content: dict[str, str], administrator: User) -> None:
    assert b"Rejected files" in browser(administrator).get(reverse("admin:index")).content
    seen = browser(person("curator", "curator")).get(reverse("admin:index")).content
    assert b"Rejected files" not in seen
    assert b"study.created" in seen


def test_a_closed_account_is_out_at_once(administrator: User) -> None:
    client = browser(administrator)
    assert client.get(reverse("admin:index")).status_code == 200
    users.deactivate(user=administrator, actor=SYSTEM)
    assert client.get(reverse("admin:index")).status_code == 302
